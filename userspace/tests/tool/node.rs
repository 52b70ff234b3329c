// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet node`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Lab, Outcome, eventually, mount_run, names};

pub fn nodes_are_named_namespaces_with_loopback_up(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    let mut listed: Vec<_> = lab
        .command("ip", &["netns"])
        .lines()
        .map(str::to_owned)
        .collect();
    listed.sort();
    assert_eq!(listed, ["n1", "n2"]);
    let loopback = lab.command("ip", &["-n", "n1", "-o", "link", "show", "lo"]);
    assert!(loopback.contains("LOOPBACK,UP"), "{loopback}");
    let nodes = lab.list("nodes", &["node", "ls", "--json"]);
    for (node, name) in nodes.as_array().unwrap().iter().zip(["n1", "n2"]) {
        assert_eq!(node["name"], name);
        let link = lab.pernet(&["exec", name, "--", "readlink", "/proc/self/ns/net"]);
        assert_eq!(link.trim(), format!("net:[{}]", node["inode"]));
        assert!(node["cookie"].as_u64().unwrap() > 0);
    }
    assert_ne!(nodes[0]["cookie"], nodes[1]["cookie"]);
}

pub fn nodes_come_and_go(lab: &Lab) {
    let before = lab.state();
    lab.pernet(&["node", "add", "a", "b", "c"]);
    assert_eq!(lab.nodes(), ["a", "b", "c"]);
    let table = lab.pernet(&["node", "ls"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    lab.pernet(&["node", "del", "b"]);
    assert_eq!(lab.nodes(), ["a", "c"]);
    assert_eq!(lab.pernet(&["node", "del", "--all"]), "a\nc\n");
    assert_eq!(lab.pernet(&["node", "del", "--all"]), "");
    assert_eq!(lab.state(), before);
    // A name can be had again at once.
    for _ in 0..5 {
        lab.pernet(&["node", "add", "a"]);
        lab.pernet(&["node", "del", "a"]);
    }
}

pub fn wrong_names_change_nothing(lab: &Lab) {
    let long = "n".repeat(256);
    for (name, says) in [
        ("", "empty"),
        (".", "directory"),
        ("..", "directory"),
        ("a/b", "'/'"),
        ("a\nb", "'\\n'"),
        (&*long, "256 bytes"),
    ] {
        lab.refuses(&["node", "add", "good", name], says);
        // With a slash in it, it is a path there.
        if !name.contains('/') {
            lab.refuses(&["node", "del", name], says);
            lab.refuses(&["exec", name, "--", "true"], says);
            lab.refuses(&["stat", name], says);
        }
    }
    lab.refuses(&["node", "del", "a/b"], "cannot open a/b");
    lab.refuses(&["node", "add"], "required");
    lab.refuses(&["node", "del"], "required");
    lab.refuses(&["node", "del", "--all", "n1"], "cannot be used with");
    lab.refuses(&["node", "add", "twice", "twice"], "named twice");
    lab.refuses(&["exec", "none", "--", "true"], "is called `none`");
}

pub fn clashes_change_nothing(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.refuses(&["node", "add", "n0", "n1", "n2"], "`pernet node del n1`");
    lab.command("ip", &["netns", "add", "foreign"]);
    lab.refuses(&["node", "add", "n0", "foreign"], "`ip netns del foreign`");
    fs::write("/run/netns/file", "").unwrap();
    let outcome = lab.run(&["node", "add", "n0", "file"]);
    assert_eq!(outcome.status, 1);
    assert!(
        outcome.err.contains("/run/netns/file is in the way"),
        "{}",
        outcome.err
    );
    assert_eq!(names(), ["file", "foreign", "n1"]);
}

pub fn a_failure_in_the_middle_undoes_everything(lab: &Lab) {
    // There is room for some nodes, not for all of them.
    mount_run("mode=755,nr_inodes=30");
    lab.pernet(&["node", "add", "first"]);
    let before = lab.state();
    let wanted: Vec<String> = (0..30).map(|n| format!("n{n}")).collect();
    let arguments: Vec<&str> = ["node", "add"]
        .into_iter()
        .chain(wanted.iter().map(|name| &**name))
        .collect();
    let outcome = lab.run(&arguments);
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("No space left"), "{}", outcome.err);
    assert_eq!(lab.state(), before);
    assert_eq!(lab.nodes(), ["first"]);
}

/// Starts making many nodes, sends `signal` when some are made.
fn stop_in_the_middle(lab: &Lab, signal: Signal) -> Outcome {
    let wanted: Vec<String> = (0..2000).map(|n| format!("n{n}")).collect();
    let arguments: Vec<&str> = ["node", "add"]
        .into_iter()
        .chain(wanted.iter().map(|name| &**name))
        .collect();
    let child = lab.spawn(&arguments);
    eventually("some nodes are made", || names().len() >= 10);
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    Outcome::of(child.wait_with_output().unwrap())
}

pub fn an_interrupt_undoes_everything(lab: &Lab) {
    lab.pernet(&["node", "add", "first"]);
    let before = lab.state();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let outcome = stop_in_the_middle(lab, signal);
        assert_eq!(outcome.status, 128 + signal as i32, "{}", outcome.err);
        assert!(outcome.err.contains("undone"), "{}", outcome.err);
        assert_eq!(lab.state(), before);
    }
}

pub fn a_kill_leaves_what_can_be_cleaned_up(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "first"]);
    let before = lab.state();
    let outcome = stop_in_the_middle(lab, Signal::SIGKILL);
    assert_eq!(outcome.status, 137);
    lab.pernet(&["cleanup"]);
    lab.pernet(&["node", "add", "--net-only", "first"]);
    assert_eq!(lab.state(), before);
    // The file that a run died over before it bound a namespace to it.
    let record = fs::read("/run/pernet/nodes/first").unwrap();
    fs::write("/run/pernet/nodes/half", record).unwrap();
    fs::write("/run/netns/half", "").unwrap();
    lab.pernet(&["node", "add", "half"]);
    assert_eq!(lab.nodes(), ["first", "half"]);
}

/// Mounts on the directory of names; the machine may have one of its own, which
/// the test's /run hides.
fn mounts_of_names() -> usize {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let on_directory = |line: &&str| line.contains(" /run/netns ");
    mounts.lines().filter(on_directory).count()
}

pub fn twenty_at_once(lab: &Lab) {
    let mounted = mounts_of_names();
    let mut wanted: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
    let children: Vec<_> = wanted
        .iter()
        .map(|name| lab.spawn(&["node", "add", name]))
        .collect();
    for child in children {
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        assert_eq!((outcome.status, &*outcome.err), (0, ""));
    }
    wanted.sort();
    assert_eq!(lab.nodes(), wanted);
    assert_eq!(mounts_of_names(), mounted + 1);

    let children: Vec<_> = wanted
        .iter()
        .map(|name| lab.spawn(&["node", "del", name]))
        .collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(names(), Vec::<String>::new());
}

pub fn foreign_namespaces_are_not_deleted(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.command("ip", &["netns", "add", "foreign"]);
    lab.refuses(&["node", "del", "foreign"], "`ip netns del foreign`");
    lab.refuses(&["node", "del", "n1", "foreign"], "not made by pernet");
    lab.refuses(&["node", "del", "n1", "none"], "no node is called none");
    assert_eq!(lab.pernet(&["node", "del", "--all"]), "n1\n");
    assert_eq!(names(), ["foreign"]);
}

pub fn a_name_that_was_given_away_is_not_ours(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    lab.command("ip", &["netns", "del", "n1"]);
    lab.command("ip", &["netns", "add", "n1"]);
    assert_eq!(lab.nodes(), Vec::<String>::new());
    lab.refuses(&["node", "del", "n1"], "`ip netns del n1`");
    lab.refuses(&["node", "add", "n1"], "`ip netns del n1`");
    assert_eq!(lab.pernet(&["node", "del", "--all"]), "");
    assert_eq!(names(), ["n1"]);
    assert!(!Path::new("/run/pernet/nodes/n1").exists());
}

pub fn a_name_that_ip_deleted_can_be_used_again(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1", "n2"]);
    lab.command("ip", &["netns", "del", "n1"]);
    assert_eq!(lab.nodes(), ["n2"]);
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    lab.command("ip", &["netns", "del", "n2"]);
    lab.pernet(&["node", "del", "n2"]);
    assert_eq!(lab.pernet(&["node", "del", "--all"]), "n1\n");
}

pub fn links_are_gone_when_their_node_is(lab: &Lab) {
    lab.pernet(&["bridge", "add", "br"]);
    let before = lab.state();
    for _ in 0..3 {
        lab.pernet(&["node", "add", "n1", "n2"]);
        lab.pernet(&["link", "add", "n1:eth0", "--bridge", "br"]);
        lab.pernet(&["link", "add", "n2:eth0", "--bridge", "br"]);
        lab.pernet(&["node", "del", "n1", "n2"]);
        assert_eq!(lab.state(), before);
    }
}

pub fn a_process_inside_is_pointed_out(lab: &Lab) {
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    lab.pernet(&["link", "add", "n1:eth0", "port", "--bridge", "br"]);
    let mut child = lab.spawn(&["exec", "n1", "--", "sleep", "60"]);
    let sleeps = || {
        fs::read_to_string(format!("/proc/{}/comm", child.id())).is_ok_and(|name| name == "sleep\n")
    };
    eventually("the command runs", sleeps);
    let started = std::time::Instant::now();
    let outcome = lab.run(&["node", "del", "n1"]);
    assert_eq!(outcome.status, 0);
    assert!(
        outcome
            .err
            .contains(&format!("process {} (sleep)", child.id())),
        "{}",
        outcome.err
    );
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "it waited for what does not end"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the link is gone", || {
        !Path::new("/sys/class/net/port").exists()
    });
}

/// The kernel says more of them at once than it keeps for who does not listen yet.
pub fn the_end_of_very_many_is_waited_for(lab: &Lab) {
    let names: Vec<String> = (0..600).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    lab.pernet(&[&["node", "add", "--net-only"], &names[..]].concat());
    let ids = || lab.command("ip", &["netns", "list-id"]);
    assert_eq!(ids(), "");
    lab.pernet(&[&["node", "del", "--wait"], &names[..]].concat());
    assert_eq!(ids(), "");
    assert_eq!(lab.nodes(), Vec::<String>::new());
}
