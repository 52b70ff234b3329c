// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet ls` and `pernet holders`: namespaces by whatever holds them.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use serde_json::{Value, json};

use crate::lab::{Lab, eventually, run};

/// The namespace of this thread, and its number.
fn here() -> (File, u64) {
    let file = File::open("/proc/thread-self/ns/net").unwrap();
    let inode = file.metadata().unwrap().ino();
    (file, inode)
}

/// Does `work` in a namespace of its own, in a thread that ends.
fn elsewhere<T: Send + 'static>(work: fn() -> T) -> T {
    let inside = move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        work()
    };
    thread::spawn(inside).join().unwrap()
}

/// What `ls` has of the namespace with this number.
fn entry(lab: &Lab, inode: u64) -> Option<Value> {
    let list = lab.json(&["ls", "--json"]);
    assert_eq!(list["version"], 1);
    let mut namespaces = list["namespaces"].as_array().unwrap().iter();
    namespaces.find(|entry| entry["inode"] == inode).cloned()
}

fn found_by(lab: &Lab, inode: u64) -> Value {
    entry(lab, inode).unwrap_or_else(|| panic!("{inode} is not listed"))["found_by"].clone()
}

fn holders(lab: &Lab, inode: u64) -> Value {
    lab.json(&["holders", "--json", &format!("inode:{inode}")])["holders"].clone()
}

/// What `holders` says of an open file of this process.
fn open(kind: &str, fd: i32) -> Value {
    json!({"kind": kind, "pid": std::process::id(), "command": command(), "fd": fd})
}

fn command() -> String {
    let command = fs::read_to_string("/proc/self/comm").unwrap();
    command.trim_end().to_owned()
}

pub fn an_open_file_is_found(lab: &Lab) {
    let (file, inode) = elsewhere(here);
    assert_eq!(found_by(lab, inode), json!(["descriptor"]));
    assert_eq!(
        holders(lab, inode),
        json!([open("descriptor", file.as_raw_fd())])
    );
    // It can be used like any other.
    let named = format!("inode:{inode}");
    lab.pernet(&["exec", &named, "--", "true"]);
    drop(file);
    eventually("it is gone", || entry(lab, inode).is_none());
    lab.refuses(&["holders", &named], "`pernet ls` lists them");
}

/// The link of such a descriptor says the name, and afterwards `/`.
pub fn a_file_that_was_opened_by_its_name_is_found(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let file = File::open("/run/netns/n1").unwrap();
    let inode = file.metadata().unwrap().ino();
    let name = json!({"kind": "name", "path": "/run/netns/n1"});
    let held = open("descriptor", file.as_raw_fd());
    assert_eq!(holders(lab, inode), json!([name, held]));
    lab.pernet(&["node", "del", "n1"]);
    assert_eq!(found_by(lab, inode), json!(["descriptor"]));
    assert_eq!(holders(lab, inode), json!([held]));
    // Namespaces of other kinds are none of these.
    let other = File::open("/proc/self/ns/uts").unwrap();
    assert!(entry(lab, other.metadata().unwrap().ino()).is_none());
}

pub fn a_socket_is_found(lab: &Lab) {
    let (socket, inode) = elsewhere(|| {
        let (family, kind) = (AddressFamily::Inet, SockType::Datagram);
        let socket: OwnedFd = socket(family, kind, SockFlag::SOCK_CLOEXEC, None).unwrap();
        (socket, here().1)
    });
    assert_eq!(found_by(lab, inode), json!(["socket"]));
    assert_eq!(
        holders(lab, inode),
        json!([open("socket", socket.as_raw_fd())])
    );
    let table = lab.pernet(&["holders", &format!("net:[{inode}]")]);
    let fd = format!("({}), fd {}\n", command(), socket.as_raw_fd());
    assert!(table.starts_with("HELD BY  WHICH\nsocket"), "{table}");
    assert!(table.ends_with(&fd), "{table}");
}

pub fn a_thread_is_found(lab: &Lab) {
    let (report, reports) = mpsc::channel();
    let (end, until) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let thread = nix::unistd::gettid().as_raw();
        report.send((thread, here().1)).unwrap();
        let _ = until.recv();
    });
    let (number, inode) = reports.recv().unwrap();
    assert_eq!(found_by(lab, inode), json!(["thread"]));
    let thread = json!({
        "kind": "thread", "pid": std::process::id(), "command": command(), "thread": number,
    });
    assert_eq!(holders(lab, inode), json!([thread]));
    drop(end);
    other.join().unwrap();
}

pub fn an_open_file_about_a_namespace_is_a_holder(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let mut reader = Command::new("nsenter")
        .args(["--net=/run/netns/n1", "sleep", "60"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/net/dev", reader.id());
    let inode = fs::metadata("/run/netns/n1").unwrap().ino();
    let netns = format!("/proc/{}/ns/net", reader.id());
    eventually("it is there", || {
        fs::metadata(&netns).is_ok_and(|netns| netns.ino() == inode)
    });
    let file = File::open(&path).unwrap();
    let holders = holders(lab, inode);
    let mut expected = open("file", file.as_raw_fd());
    expected["path"] = path.into();
    let kinds = |holders: &Value| -> Vec<Value> {
        let holders = holders.as_array().unwrap().iter();
        holders.map(|holder| holder["kind"].clone()).collect()
    };
    assert_eq!(kinds(&holders), ["name", "process", "file"]);
    assert_eq!(holders[2], expected);
    let _ = reader.kill();
    reader.wait().unwrap();
    drop(file);
    let holders = self::holders(lab, inode);
    assert_eq!(holders, json!([{"kind": "name", "path": "/run/netns/n1"}]));
}

/// A process that is waited for in the end.
struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn a_mount_that_only_others_see_is_found(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let inode = fs::metadata("/run/netns/n1").unwrap().ino();
    // To delete a file takes what is mounted on it away everywhere; on this one it stays.
    File::create("/run/held").unwrap();
    let bind = "mount --bind /run/netns/n1 /run/held && umount /run/netns/n1 && exec sleep 60";
    let other = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", bind])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let other = Sleeper(other);
    let pid = other.0.id();
    eventually("it is bound", || {
        fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() == "sleep\n"
    });
    lab.pernet(&["node", "del", "n1"]);
    assert_eq!(found_by(lab, inode), json!(["mount"]));
    let holder = json!({
        "kind": "mount", "path": "/run/held",
        "seen_by": {"pid": pid, "command": "sleep"},
    });
    assert_eq!(holders(lab, inode), json!([holder]));
    // By this it can be used, too.
    lab.pernet(&["exec", &format!("inode:{inode}"), "--", "true"]);
    drop(other);
    eventually("it is gone", || entry(lab, inode).is_none());
}

pub fn what_is_in_a_namespace_is_shown(lab: &Lab) {
    fs::write(
        "/run/pair.toml",
        "[nodes.a]\n[nodes.b]\n[[links]]\nends = [\"a:eth0=10.0.0.1/24\", \"b:eth0=fd00::2/64\"]\n",
    )
    .unwrap();
    lab.pernet(&["up", "/run/pair.toml"]);
    lab.pernet(&["node", "add", "n1"]);
    let named = |name: &str| {
        let inode = fs::metadata(format!("/run/netns/{name}")).unwrap().ino();
        entry(lab, inode).unwrap()
    };
    let (a, b, n1) = (named("pair.a"), named("pair.b"), named("n1"));
    assert_eq!([&a["lab"], &a["node"], &a["name"]], ["pair", "a", "pair.a"]);
    assert_eq!([&n1["lab"], &n1["node"]], [&Value::Null, &json!("n1")]);
    assert_eq!(n1["found_by"], json!(["name", "process"]));
    let eth0 = |entry: &Value| {
        let devices = entry["devices"].as_array().unwrap().iter();
        let mut eth0 = devices.filter(|device| device["name"] == "eth0");
        let eth0 = eth0.next().unwrap();
        assert_eq!((&eth0["kind"], &eth0["up"]), (&json!("veth"), &json!(true)));
        eth0["addresses"].as_array().unwrap().clone()
    };
    assert_eq!(eth0(&a), ["10.0.0.1/24"]);
    assert!(eth0(&b).contains(&json!("fd00::2/64")), "{b}");
    let pid = lab.json(&["node", "show", "n1", "--json"])["pid"].clone();
    assert_eq!(n1["processes"], json!([pid]));
    assert_eq!(n1["owner_uid"], 0);

    let table = lab.pernet(&["ls"]);
    let row = table
        .lines()
        .find(|line| line.starts_with("pair.a "))
        .unwrap();
    assert!(
        row.contains(" eth0 ") && row.contains(" 10.0.0.1/24 "),
        "{table}"
    );
    lab.pernet(&["down", "pair"]);
}

/// Whoever names a device or a process gives no orders to the terminal of who looks.
pub fn names_of_others_do_nothing_to_a_terminal(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let device = "e\x1b[31m";
    lab.command("ip", &["-n", "n1", "link", "add", device, "type", "bridge"]);
    let script = "printf '\\033[2J' >/proc/self/comm; echo; read -r end";
    let mut process = Command::new("nsenter")
        .args(["--net=/run/netns/n1", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0];
    let mut out = process.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut line).unwrap();
    let process = Sleeper(process);
    let pid = process.0.id();
    for (arguments, shown) in [
        (&["ls"][..], " e?[31m "),
        (&["holders", "n1"], &*format!("process  {pid} (?[2J)")),
        (
            &["monitor", "--source", "kernel", "--count", "1", "n1"],
            "e?[31m",
        ),
    ] {
        let text = lab.pernet(arguments);
        assert!(text.contains(shown), "{arguments:?}: {text:?}");
        assert!(!text.contains('\x1b'), "{arguments:?}: {text:?}");
    }
    let holders = lab.json(&["holders", "n1", "--json"]);
    assert_eq!(holders["holders"][1]["command"], "\x1b[2J");
    let node = lab.run(&["exec", "\x1b[2J", "--", "true"]);
    assert!(!node.err.contains('\x1b'), "{:?}", node.err);
    let missing = lab.run(&["stat", "./\x1b[2J"]);
    assert!(missing.err.contains("./?[2J"), "{:?}", missing.err);
}

pub fn others_see_no_processes_of_root(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    let hidden = elsewhere(here);
    let list = run(
        "setpriv",
        &[
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            crate::lab::PERNET,
            "ls",
            "--json",
        ],
    );
    assert_eq!((list.status, &*list.err), (0, ""));
    let list: Value = serde_json::from_str(&list.out).unwrap();
    for entry in list["namespaces"].as_array().unwrap() {
        assert_ne!(entry["inode"], hidden.1, "{entry}");
        match entry["name"].as_str() {
            // Anybody may know what there is in /run/netns.
            Some(_) => assert_eq!(
                (&entry["processes"], &entry["devices"]),
                (&json!([]), &Value::Null)
            ),
            // What is bound somewhere on the machine around the test.
            None if entry["found_by"] == json!(["mount"]) => {
                assert_eq!(entry["processes"], json!([]));
            }
            None => assert_eq!(entry["processes"].as_array().map(Vec::len), Some(1)),
        }
    }
}
