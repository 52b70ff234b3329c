// SPDX-License-Identifier: MIT OR Apache-2.0

//! Full nodes: what is in one, and its life from `node add` to `node del`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{Lab, Outcome, PERNET, eventually, mount_over, names};

fn show(lab: &Lab, name: &str) -> Value {
    lab.json(&["node", "show", name, "--json"])
}

fn pid(lab: &Lab, name: &str) -> String {
    show(lab, name)["pid"].as_i64().unwrap().to_string()
}

fn namespace(pid: &str, kind: &str) -> String {
    let link = fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
    link.display().to_string()
}

/// Runs a command over the node's control channel, with no output but its log.
fn quietly(lab: &Lab, name: &str, script: &str) -> Outcome {
    let control = show(lab, name)["control"].as_str().unwrap().to_owned();
    lab.run(&["vcmd", "-q", "-c", &control, "--", "sh", "-c", script])
}

/// Runs a command over the node's control channel and returns what it prints.
fn vcmd(lab: &Lab, name: &str, script: &str) -> String {
    let control = show(lab, name)["control"].as_str().unwrap().to_owned();
    lab.pernet(&["vcmd", "-c", &control, "--", "sh", "-c", script])
}

pub fn a_node_has_namespaces_of_its_own(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    let pid = pid(lab, "n1");
    for kind in ["net", "pid", "mnt", "uts", "ipc"] {
        assert_ne!(namespace(&pid, kind), namespace("self", kind), "{kind}");
    }
    for kind in ["user", "cgroup"] {
        assert_eq!(namespace(&pid, kind), namespace("self", kind), "{kind}");
    }
    assert_eq!(vcmd(lab, "n1", "hostname"), "n1\n");
    assert_eq!(
        vcmd(lab, "n1", "cat /sys/class/net/lo/operstate"),
        "unknown\n"
    );
    assert_eq!(vcmd(lab, "n1", "ls /sys/class/net"), "lo\n");
    // Its own first process, and nobody else's.
    let seen = vcmd(lab, "n1", "cd /proc; ls -d [0-9]*");
    assert!(seen.starts_with("1\n") && !seen.contains(&pid), "{seen}");
}

pub fn a_node_keeps_nothing_of_its_caller(lab: &Lab) {
    let script = format!("{PERNET} node add n1 5</dev/null 77>/run/open");
    lab.command("bash", &["-c", &script]);
    let pid = pid(lab, "n1");
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let open: Vec<_> = entries
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap())
        .map(|target| target.display().to_string())
        .collect();
    let known = |target: &String| {
        ["/dev/null", "/run/pernet/log/n1", "/run/pernet/control"].contains(&&**target)
            || target.starts_with("socket:")
            || target.starts_with("anon_inode:")
    };
    assert!(open.iter().all(known), "{open:?}");
    assert_eq!(open.len(), 7, "{open:?}");
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = status.rsplit_once(')').unwrap().1.split(' ').nth(4);
    assert_eq!(session, Some(&*pid), "it leads a session of its own");
}

pub fn files_of_a_node_are_for_its_owner(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    for (path, mode) in [
        ("/run/pernet", 0o700),
        ("/run/pernet/control/n1", 0o600),
        ("/run/pernet/log/n1", 0o600),
    ] {
        let found = fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(found, mode, "{path}");
    }
    quietly(lab, "n1", "echo to the log");
    let log = fs::read_to_string("/run/pernet/log/n1").unwrap();
    assert_eq!(log, "to the log\n");
}

pub fn etc_of_a_node_is_its_own(lab: &Lab) {
    mount_over("/etc");
    fs::create_dir_all("/etc/netns/n1").unwrap();
    fs::write("/etc/resolv.conf", "everybody's\n").unwrap();
    fs::write("/etc/netns/n1/resolv.conf", "n1's\n").unwrap();
    lab.pernet(&["node", "add", "n1", "n2"]);
    assert_eq!(vcmd(lab, "n1", "cat /etc/resolv.conf"), "n1's\n");
    assert_eq!(vcmd(lab, "n2", "cat /etc/resolv.conf"), "everybody's\n");
}

pub fn hosts_and_links_of_etc_are_its_own_too(lab: &Lab) {
    mount_over("/etc");
    fs::create_dir_all("/etc/netns/n1").unwrap();
    // As systemd has it: a link to where it is written.
    fs::create_dir("/run/resolve").unwrap();
    fs::write("/run/resolve/stub.conf", "stub\n").unwrap();
    std::os::unix::fs::symlink("/run/resolve/stub.conf", "/etc/resolv.conf").unwrap();
    fs::write("/etc/hosts", "everybody's\n").unwrap();
    fs::write("/etc/netns/n1/resolv.conf", "n1's\n").unwrap();
    fs::write("/etc/netns/n1/hosts", "n1's, too\n").unwrap();
    for _ in 0..3 {
        lab.pernet(&["node", "add", "n1"]);
        let read = "cat /etc/resolv.conf /etc/hosts; grep -c resolve /proc/self/mounts";
        assert_eq!(vcmd(lab, "n1", read), "n1's\nn1's, too\n1\n");
        assert_eq!(fs::read_to_string("/etc/resolv.conf").unwrap(), "stub\n");
        lab.pernet(&["node", "del", "n1"]);
    }
}

/// In a container, parts of /proc are hidden under other mounts, and the kernel lets
/// nobody mount a new one that would show them.
pub fn what_the_kernel_refuses_is_said_and_done_without(lab: &Lab) {
    mount_over("/proc/fs");
    mount_over("/sys/kernel");
    let outcome = lab.run(&["node", "add", "--user", "n1"]);
    assert_eq!(outcome.status, 0, "{}", outcome.err);
    let notes: Vec<_> = outcome.err.lines().collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    for (note, what) in notes.iter().zip([
        "pernet: note: node n1: /proc shows the processes of others: cannot mount proc",
        "pernet: note: node n1: /sys shows the devices of another namespace: cannot mount sysfs",
    ]) {
        assert!(note.starts_with(what), "{note}");
    }
    assert_eq!(vcmd(lab, "n1", "hostname"), "n1\n");
    lab.pernet(&["node", "del", "n1"]);
}

pub fn names_of_nodes_do_not_pile_up_in_nodes(lab: &Lab) {
    let count = "grep -c /run/netns /proc/mounts; true";
    let before = lab.command("sh", &["-c", count]);
    lab.pernet(&["node", "add", "n1", "n2", "n3"]);
    assert_ne!(lab.command("sh", &["-c", count]), before);
    assert_eq!(vcmd(lab, "n1", count), before);
}

pub fn a_name_too_long_for_a_host_needs_no_host(lab: &Lab) {
    let long = "n".repeat(65);
    lab.refuses(&["node", "add", "n1", &long], "with --net-only");
    lab.pernet(&["node", "add", "--net-only", &long]);
    let fits = "n".repeat(64);
    lab.pernet(&["node", "add", &fits]);
    assert_eq!(vcmd(lab, &fits, "hostname").trim_end(), fits);
}

pub fn a_node_stops_and_starts_with_its_links(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["link", "add", "n1:eth0=10.0.0.1/24", "n2:eth0=10.0.0.2/24"]);
    let before = show(lab, "n1");
    lab.pernet(&["node", "stop", "n1"]);
    let stopped = show(lab, "n1");
    assert_eq!(stopped["state"], "stopped");
    assert_eq!(stopped["pid"], Value::Null);
    assert_eq!(stopped["cookie"], before["cookie"]);
    assert!(!Path::new("/run/pernet/control/n1").exists());
    lab.pernet(&["node", "stop", "n1"]);
    lab.pernet(&["node", "wait", "n1"]);

    lab.pernet(&["node", "start", "n1"]);
    let started = show(lab, "n1");
    assert_eq!(started["state"], "running");
    assert_ne!(started["pid"], before["pid"]);
    assert_eq!(started["inode"], before["inode"]);
    assert!(vcmd(lab, "n1", "ls /sys/class/net").contains("eth0"));
    assert_eq!(vcmd(lab, "n1", "hostname"), "n1\n");
    lab.refuses(&["node", "start", "n1"], "running already");
}

pub fn processes_end_with_their_node(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    quietly(
        lab,
        "n1",
        "(trap '' TERM; exec sleep 1000) & sleep 1001 & exit 0",
    );
    let sleeping = || {
        let shown = show(lab, "n1");
        let processes = shown["processes"].as_array().unwrap().iter();
        processes
            .filter(|process| process["command"] == "sleep")
            .count()
    };
    // What ignores the signal does so from before it sleeps.
    eventually("two sleep", || sleeping() == 2);
    let shown = lab.pernet(&["node", "show", "n1"]);
    assert!(shown.contains("sleep"), "{shown}");
    let began = Instant::now();
    lab.pernet(&["node", "del", "n1"]);
    let took = began.elapsed();
    // One of them ends when it is asked to, the other when it has had its time.
    assert!(took > Duration::from_millis(1500), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let left = lab.run(&["exec", "n1", "--", "true"]);
    assert_eq!(left.status, 1);
    let sleeping = Command::new("pgrep").args(["-x", "sleep"]).output();
    assert_eq!(sleeping.map(|found| found.stdout).unwrap_or_default(), b"");
}

pub fn a_first_process_that_is_killed_takes_all_with_it(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    quietly(lab, "n1", "sleep 1000 & exit 0");
    let first = pid(lab, "n1");
    let waiting = spawn(&["node", "wait", "n1"]);
    lab.command("kill", &["-9", &first]);
    let waited = Outcome::of(waiting.wait_with_output().unwrap());
    assert_eq!((waited.status, &*waited.err), (0, ""));
    assert_eq!(show(lab, "n1")["state"], "stopped");
    assert_eq!(show(lab, "n1")["processes"], Value::Array(Vec::new()));
    // The control channel that it left behind is replaced.
    assert!(Path::new("/run/pernet/control/n1").exists());
    lab.pernet(&["node", "start", "n1"]);
    assert_eq!(vcmd(lab, "n1", "hostname"), "n1\n");
    lab.pernet(&["node", "del", "n1"]);
    assert!(!Path::new("/run/pernet/control/n1").exists());
}

pub fn waiting_does_not_keep_others_out(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    let mut waiting = spawn(&["node", "wait", "n1"]);
    // From when it holds the process it does not matter what becomes of the node.
    let descriptors = format!("/proc/{}/fd", waiting.id());
    eventually("it waits", || {
        let open = fs::read_dir(&descriptors).unwrap().flatten();
        let mut targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.any(|target| target.to_string_lossy().contains("pidfd"))
    });
    lab.pernet(&["node", "del", "n2"]);
    assert!(waiting.try_wait().unwrap().is_none());
    lab.pernet(&["node", "del", "n1"]);
    assert!(waiting.wait().unwrap().success());
}

fn spawn(arguments: &[&str]) -> Child {
    let mut command = Command::new(PERNET);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

pub fn a_node_outlives_its_name(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.command("ip", &["netns", "del", "n1"]);
    assert_eq!(lab.nodes(), ["n1"]);
    lab.refuses(&["node", "add", "n1"], "exists already");
    lab.refuses(&["node", "stop", "n1"], "no name that would keep");
    // The name is another's now, and stays that one's.
    lab.command("ip", &["netns", "add", "n1"]);
    lab.pernet(&["node", "del", "n1"]);
    assert_eq!(names(), ["n1"]);
    assert_eq!(lab.nodes(), Vec::<String>::new());
}

pub fn nodes_without_processes_say_so(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let shown = show(lab, "n1");
    assert_eq!(shown["kind"], "net-only");
    assert_eq!(shown["state"], "present");
    for verb in ["stop", "wait", "start"] {
        lab.refuses(&["node", verb, "n1"], "n1");
    }
    for verb in ["show", "stop", "wait", "start"] {
        lab.refuses(&["node", verb, "none"], "no node is called none");
    }
}

pub fn a_namespace_is_adopted_and_let_go(lab: &Lab) {
    lab.command("ip", &["netns", "add", "foreign"]);
    let mut sleeper = Command::new("unshare")
        .args(["--net", "sleep", "1000"])
        .spawn()
        .unwrap();
    let sleeps =
        || fs::read_to_string(format!("/proc/{}/comm", sleeper.id())).unwrap() == "sleep\n";
    eventually("a process is in its namespace", sleeps);
    let process = format!("pid:{}", sleeper.id());

    lab.pernet(&["node", "adopt", "foreign"]);
    lab.pernet(&["node", "adopt", "web", &process]);
    assert_eq!(lab.nodes(), ["foreign", "web"]);
    assert_eq!(show(lab, "web")["kind"], "adopted");
    let inside = lab.pernet(&["exec", "web", "--", "readlink", "/proc/self/ns/net"]);
    assert_eq!(inside.trim(), namespace(&sleeper.id().to_string(), "net"));
    lab.refuses(&["node", "adopt", "web"], "a node already");
    lab.refuses(&["node", "adopt", "web", "foreign"], "exists already");
    lab.refuses(&["node", "adopt", "other", "none"], "none");
    lab.refuses(&["node", "stop", "web"], "no processes of its own");

    assert_eq!(lab.pernet(&["node", "del", "--all"]), "foreign\nweb\n");
    // What was there stays, and so does the name that was.
    assert!(sleeper.try_wait().unwrap().is_none());
    assert_eq!(names(), ["foreign"]);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

pub fn deletion_is_waited_for(lab: &Lab) {
    for _ in 0..5 {
        lab.pernet(&["node", "add", "n1", "n2"]);
        lab.pernet(&["link", "add", "n1:eth0", "here"]);
        lab.pernet(&["node", "del", "--wait", "n1", "n2"]);
        assert!(!Path::new("/sys/class/net/here").exists());
    }
    // What a process from elsewhere holds is waited for until that ends.
    lab.pernet(&["node", "add", "n1"]);
    let mut holder = Command::new("nsenter")
        .args(["--net=/run/netns/n1", "sleep", "1000"])
        .spawn()
        .unwrap();
    let inside = || show(lab, "n1")["processes"].as_array().unwrap().len();
    eventually("the holder is inside", || inside() == 2);
    let mut deleting = spawn(&["node", "del", "--wait", "n1"]);
    eventually("it is deleted", || names().is_empty());
    std::thread::sleep(Duration::from_millis(200));
    assert!(deleting.try_wait().unwrap().is_none(), "it did not wait");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let outcome = Outcome::of(deleting.wait_with_output().unwrap());
    assert_eq!(outcome.status, 0, "{}", outcome.err);
    assert!(outcome.err.contains("sleep"), "{}", outcome.err);
}

pub fn a_node_of_ones_own_user_namespace(lab: &Lab) {
    lab.pernet(&["node", "add", "--user", "n1"]);
    let first = pid(lab, "n1");
    assert_ne!(namespace(&first, "user"), namespace("self", "user"));
    assert_eq!(vcmd(lab, "n1", "id -u; hostname"), "0\nn1\n");
    lab.refuses(
        &["node", "add", "--user", "--net-only", "n2"],
        "cannot be used with",
    );
    lab.pernet(&["node", "stop", "n1"]);
    lab.refuses(&["node", "start", "n1"], "delete it");
    lab.pernet(&["node", "del", "n1"]);
}

pub fn a_stopped_node_is_not_entered(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["node", "stop", "n1"]);
    for arguments in [
        &["exec", "n1", "--", "true"][..],
        &["exec", "name:n1", "--", "true"],
        &["exec", "--detach", "n1", "--", "true"],
    ] {
        lab.refuses(arguments, "`pernet node start n1`");
    }
    // Its network can be had all the same.
    lab.pernet(&["exec", "/run/netns/n1", "--", "true"]);
}

pub fn a_node_keeps_its_name_wherever_it_is_named(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.command("ip", &["netns", "del", "n1"]);
    lab.pernet(&["link", "add", "n1:first", "a"]);
    lab.command("ip", &["netns", "add", "n1"]);
    lab.pernet(&["link", "add", "n1:second", "b"]);
    let devices = lab.pernet(&["exec", "n1", "--", "ls", "/sys/class/net"]);
    assert_eq!(devices, "first\nlo\nsecond\n");
    lab.refuses(&["link", "add", "n1:third", "n1"], "write n1:DEV");
}

pub fn a_record_that_cannot_be_read_is_in_nobodys_way(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    for shelf in ["nodes", "links", "bridges", "vnoded"] {
        fs::create_dir_all(format!("/run/pernet/{shelf}")).unwrap();
        fs::write(format!("/run/pernet/{shelf}/broken"), "").unwrap();
    }
    assert_eq!(lab.nodes(), ["n1"]);
    let removed = lab.pernet(&["cleanup"]);
    assert!(
        removed.contains("file /run/pernet/links/broken\n"),
        "{removed}"
    );
    assert!(removed.contains("node n1 (running)\n"), "{removed}");
    assert_eq!(lab.pernet(&["cleanup"]), "");
}
