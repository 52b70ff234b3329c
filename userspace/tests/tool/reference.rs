// SPDX-License-Identifier: MIT OR Apache-2.0

//! The ways to say which namespace is meant.

use std::fs;
use std::process::{Child, Command};

use nix::mount::{MsFlags, mount};

use crate::lab::{Lab, eventually, mount_over, run};

/// Where the next process gets its number from. In a lab they would begin at 1,
/// and so do cookies: a number could be both.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

/// A process that sleeps, here or in a namespace; it ends with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start(lab: &Lab, netns: Option<&str>) -> Self {
        fs::write(LAST_PID, "30000").unwrap();
        let child = match netns {
            Some(netns) => lab.spawn(&["exec", netns, "--", "sleep", "600"]),
            None => Command::new("sleep").arg("600").spawn().unwrap(),
        };
        let sleeper = Sleeper(child);
        let comm = format!("/proc/{}/comm", sleeper.pid());
        eventually("it sleeps", || {
            fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n")
        });
        sleeper
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// Ends it, as far as that goes without its parent.
    fn end(&mut self) {
        self.0.kill().unwrap();
        let status = format!("/proc/{}/status", self.pid());
        eventually("it has ended", || {
            fs::read_to_string(&status).unwrap().contains("zombie")
        });
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The namespace that `exec` takes a command to, as `net:[INODE]`.
fn reached(lab: &Lab, reference: &str) -> String {
    let link = lab.pernet(&["exec", reference, "--", "readlink", "/proc/self/ns/net"]);
    link.trim().to_owned()
}

fn here() -> String {
    let link = fs::read_link("/proc/self/ns/net").unwrap();
    link.into_os_string().into_string().unwrap()
}

/// A property of a node, as `node ls` shows it.
fn property(lab: &Lab, name: &str, property: &str) -> String {
    let nodes = lab.list("nodes", &["node", "ls", "--json"]);
    let node = nodes.as_array().unwrap().iter();
    let node = node.clone().find(|node| node["name"] == name).unwrap();
    node[property].to_string()
}

fn bind(source: &str, target: &str) {
    fs::write(target, "").unwrap();
    let none = None::<&str>;
    mount(Some(source), target, none, MsFlags::MS_BIND, none).unwrap();
}

pub fn every_form_leads_to_one_namespace(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1", "n2"]);
    lab.command("ip", &["netns", "set", "n1", "77"]);
    let inside = Sleeper::start(lab, Some("n1"));
    let (pid, inode) = (inside.pid(), property(lab, "n1", "inode"));
    bind("/run/netns/n1", "/run/an other:file");
    for form in [
        "n1",
        "name:n1",
        &format!("pid:{pid}"),
        &pid,
        &format!("cookie:{}", property(lab, "n1", "cookie")),
        "nsid:77",
        &format!("inode:{inode}"),
        &format!("net:[{inode}]"),
        &inode,
        "/run/netns/n1",
        &format!("/proc/{pid}/ns/net"),
        "/run/an other:file",
    ] {
        assert_eq!(reached(lab, form), format!("net:[{inode}]"), "{form}");
        let before = lab.state();
        let end = format!("{form}:eth0");
        lab.pernet(&["link", "add", &format!("{end}=10.0.0.1/24"), "n2:eth0"]);
        let made = lab.state();
        assert!(made.contains("n1: eth0"), "{form}: {made:?}");
        lab.pernet(&["link", "del", &end]);
        assert_eq!(lab.state(), before, "{form}");
    }
}

pub fn a_namespace_is_found_by_what_holds_it(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1", "n2", "n3"]);
    let forms =
        |name| ["cookie", "inode"].map(|form| format!("{form}:{}", property(lab, name, form)));
    let (first, second, third) = (forms("n1"), forms("n2"), forms("n3"));
    let inside = Sleeper::start(lab, Some("n1"));
    bind("/run/netns/n2", "/run/elsewhere");
    let held = fs::File::open("/run/netns/n3").unwrap();
    for name in ["n1", "n2", "n3"] {
        lab.command("ip", &["netns", "del", name]);
    }
    // Only a descriptor holds the third, whose link says no more what it is of.
    for form in first.iter().chain(&second).chain(&third) {
        reached(lab, form);
    }
    drop(held);
    for form in &third {
        lab.refuses(&["exec", form, "--", "true"], "can be found");
    }
    drop(inside);
    lab.refuses(&["exec", &first[0], "--", "true"], "can be found");
}

pub fn a_number_that_could_be_several_is_refused(lab: &Lab) {
    let process = Sleeper::start(lab, None);
    let pid = process.pid();
    lab.pernet(&["node", "add", &pid]);
    let cookie = property(lab, &pid, "cookie");
    let said = format!("name:{pid} (cookie {cookie}), pid:{pid} (sleep)");
    let end = format!("{pid}:eth0");
    lab.refuses(&["exec", &pid, "--", "true"], &said);
    lab.refuses(&["link", "add", &end, "x"], &said);
    lab.refuses(&["link", "add", "x", &end], &said);
    lab.refuses(&["link", "del", &end], &said);
    let inode = property(lab, &pid, "inode");
    assert_eq!(
        reached(lab, &format!("name:{pid}")),
        format!("net:[{inode}]")
    );
    assert_eq!(reached(lab, &format!("pid:{pid}")), here());
    // A name is a name where no other thing can be meant.
    lab.pernet(&["node", "del", &pid]);
    assert_eq!(reached(lab, &pid), here());
}

pub fn every_kind_of_candidate_is_listed(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1", "n2"]);
    let inside = Sleeper::start(lab, Some("n1"));
    // One number: a name, the id of one namespace and the cookie of another.
    let cookie = property(lab, "n2", "cookie");
    lab.command("ip", &["netns", "set", "n1", &cookie]);
    lab.pernet(&["node", "add", "--net-only", &cookie]);
    let outcome = lab.run(&["exec", &cookie, "--", "true"]);
    assert_eq!(outcome.status, 1);
    let list = outcome.err.trim().split_once("write which: ").unwrap().1;
    let meant: Vec<_> = list
        .split(", ")
        .filter_map(|meaning| meaning.split_once(' '))
        .map(|(meaning, _)| meaning)
        .collect();
    for form in ["name", "cookie", "nsid"] {
        let form = format!("{form}:{cookie}");
        assert!(meant.contains(&&*form), "{}", outcome.err);
        // Each can be typed as it is listed.
        reached(lab, &form);
    }
    drop(inside);
}

pub fn a_number_that_means_one_in_two_ways_is_not_refused(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let inside = Sleeper::start(lab, Some("n1"));
    let pid = inside.pid();
    lab.command("ip", &["netns", "attach", &pid, &pid]);
    let expected = format!("net:[{}]", property(lab, "n1", "inode"));
    assert_eq!(reached(lab, &pid), expected);
    // It counts as named, so the files of the name are in place.
    mount_over("/etc");
    fs::create_dir_all(format!("/etc/netns/{pid}")).unwrap();
    fs::write("/etc/hosts", "everybody's").unwrap();
    fs::write(format!("/etc/netns/{pid}/hosts"), "its").unwrap();
    assert_eq!(
        lab.pernet(&["exec", &pid, "--", "cat", "/etc/hosts"]),
        "its"
    );
}

pub fn files_of_a_name_are_for_who_says_the_name(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let inside = Sleeper::start(lab, Some("n1"));
    let inode = property(lab, "n1", "inode");
    mount_over("/etc");
    fs::create_dir_all("/etc/netns/n1").unwrap();
    fs::write("/etc/hosts", "everybody's").unwrap();
    fs::write("/etc/netns/n1/hosts", "n1's").unwrap();
    for (form, hosts) in [
        ("n1", "n1's"),
        ("name:n1", "n1's"),
        (&*format!("pid:{}", inside.pid()), "everybody's"),
        (&*format!("inode:{inode}"), "everybody's"),
        ("/run/netns/n1", "everybody's"),
    ] {
        let seen = lab.pernet(&["exec", form, "--", "cat", "/etc/hosts"]);
        assert_eq!(seen, hosts, "{form}");
    }
}

pub fn names_that_look_like_other_forms_are_reached(lab: &Lab) {
    for name in ["pid:1", "net:[5]", "name:n1", "name", "pid", "-x", "a b=c"] {
        let written = format!("name:{name}");
        lab.pernet(&["node", "add", &written]);
        assert_eq!(lab.nodes(), [name]);
        let inode = format!("net:[{}]", property(lab, name, "inode"));
        assert_eq!(reached(lab, &written), inode, "{name}");
        let end = format!("{written}:eth0");
        // Without settings the `=` of a name would begin some.
        lab.pernet(&["link", "add", &format!("{end}=10.0.0.1/24"), "x"]);
        lab.pernet(&["link", "del", "x"]);
        lab.pernet(&["node", "del", &written]);
    }
}

pub fn wrong_references_change_nothing(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    for (form, says) in [
        ("pid:", "gives no valid pid"),
        ("pid:x", "`name:NAME`"),
        ("cookie:-1", "valid cookie"),
        ("nsid:99999999999", "valid nsid"),
        ("net:[x]", "valid inode"),
        ("name:", "name is empty"),
        ("name:a/b", "'/'"),
        ("name:none", "is called `none`"),
        ("pid:4000000", "there is no process 4000000; `pernet ls`"),
        (
            "cookie:18446744073709551615",
            "is cookie:18446744073709551615; `pernet ls`",
        ),
        ("nsid:4711", "is nsid:4711; `pernet ls`"),
        ("inode:1", "is inode:1; `pernet ls`"),
        ("4000000", "a process with that pid; `pernet ls`"),
        ("./nothing", "cannot open ./nothing: No such file"),
        ("/run", "no namespace bound"),
        ("/proc/self/ns/mnt", "not a network namespace"),
    ] {
        lab.refuses(&["exec", form, "--", "true"], says);
        lab.refuses(&["link", "add", &format!("{form}:eth0"), "x"], says);
        lab.refuses(&["link", "add", "n1:eth0", &format!("{form}:x")], says);
        lab.refuses(&["link", "del", &format!("{form}:eth0")], says);
    }
    // A file that is no namespace is not passed over for what else it could be.
    let process = Sleeper::start(lab, None);
    let file = format!("/run/netns/{}", process.pid());
    fs::write(&file, "").unwrap();
    let outcome = lab.run(&["exec", &process.pid(), "--", "true"]);
    assert_eq!(outcome.status, 1);
    let says = format!("{file} is a file with no namespace bound");
    assert!(outcome.err.contains(&says), "{}", outcome.err);
    fs::remove_file(&file).unwrap();
    for plain in ["./n1", "a/b"] {
        lab.refuses(&["node", "add", plain], "'/'");
        lab.refuses(&["node", "del", plain], &format!("cannot open {plain}"));
    }
}

pub fn one_end_said_in_two_ways_is_one(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.refuses(
        &["link", "add", "n1:eth0", "/run/netns/n1:eth0"],
        "both ends are n1:eth0, which /run/netns/n1:eth0 is too",
    );
    // Here is here, however that is said.
    lab.refuses(
        &["link", "add", "/proc/self/ns/net:x", "x"],
        "both ends are",
    );
    lab.pernet(&[
        "link",
        "add",
        "n1:eth0",
        "/proc/self/ns/net:port",
        "--bridge",
        "br",
    ]);
    let bridges = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(bridges[0]["ports"][0]["name"], "port");
    lab.pernet(&["link", "del", "/proc/self/ns/net:port"]);
    // The port is the other end where both are here, too.
    lab.pernet(&["link", "add", "a=10.0.0.1/24", "b", "--bridge", "br"]);
    let bridges = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(bridges[0]["ports"][0]["name"], "b");
}

pub fn a_process_without_a_namespace_is_pointed_out(lab: &Lab) {
    let mut process = Sleeper::start(lab, None);
    let pid = format!("pid:{}", process.pid());
    process.end();
    lab.refuses(&["exec", &pid, "--", "true"], "(sleep) has ended");
    drop(process);
    lab.refuses(&["exec", &pid, "--", "true"], "there is no process");
}

pub fn a_process_of_another_is_pointed_out(lab: &Lab) {
    lab.pernet(&["node", "add", "1"]);
    let powerless = |form| {
        let mut arguments = vec!["--bounding-set=-all", "--inh-caps=-all", crate::lab::PERNET];
        arguments.extend(["exec", form, "--", "true"]);
        run("setpriv", &arguments)
    };
    for (form, says) in [
        ("pid:1", "cannot reach the network namespace of process 1 ("),
        ("1", "name:1 ("),
    ] {
        let outcome = powerless(form);
        assert_eq!(outcome.status, 1, "{}", outcome.err);
        assert!(outcome.err.contains(says), "{}", outcome.err);
    }
}

/// What is done with a node takes it by any form, as all else does.
pub fn nodes_are_named_as_namespaces_are(lab: &Lab) {
    lab.pernet(&["node", "add", "name:n1", "name:pid:5"]);
    assert_eq!(lab.nodes(), ["n1", "pid:5"]);
    let shown = lab.json(&["node", "show", "name:n1", "--json"]);
    let [pid, cookie] = ["pid", "cookie"].map(|what| format!("{what}:{}", shown[what]));
    for form in ["n1", &pid, &cookie, "/run/netns/n1"] {
        let again = lab.json(&["node", "show", form, "--json"]);
        assert_eq!(again["cookie"], shown["cookie"], "{form}");
    }
    lab.pernet(&["node", "stop", &pid]);
    lab.pernet(&["node", "wait", &cookie]);
    lab.pernet(&["node", "start", &cookie]);
    // It is not the node that is called so.
    let own = format!("pid:{}", std::process::id());
    for verb in ["del", "stop", "start", "show", "wait"] {
        let says = format!("{own} is no node's; a node that is called so is `name:{own}`");
        lab.refuses(&["node", verb, &own], &says);
    }
    lab.refuses(&["node", "del", "n1", &cookie], "n1 is named twice");
    lab.pernet(&["node", "del", "name:pid:5", &cookie]);
    assert_eq!(lab.nodes(), Vec::<String>::new());
}
