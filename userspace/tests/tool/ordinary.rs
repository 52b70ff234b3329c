// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes of somebody who is not root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Command, Stdio};

use crate::lab::{Lab, Outcome, PERNET, eventually};

const NOBODY: u32 = 65534;

/// Runs the tool as somebody without rights, with a directory for what they run.
fn as_nobody(arguments: &[&str], own: Option<&str>) -> Outcome {
    Outcome::of(nobodys(arguments, own).output().unwrap())
}

fn nobodys(arguments: &[&str], own: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", PERNET]);
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("XDG_RUNTIME_DIR");
    command.envs(own.map(|own| ("XDG_RUNTIME_DIR", own)));
    command
}

fn works(arguments: &[&str]) -> String {
    let outcome = as_nobody(arguments, Some("/run/user"));
    assert_eq!((outcome.status, &*outcome.err), (0, ""), "{arguments:?}");
    outcome.out
}

fn home() {
    fs::create_dir("/run/user").unwrap();
    fs::set_permissions("/run/user", fs::Permissions::from_mode(0o700)).unwrap();
    chown("/run/user", Some(NOBODY), Some(NOBODY)).unwrap();
}

pub fn an_ordinary_user_has_nodes_too(_: &Lab) {
    home();
    works(&["node", "add", "--user", "n1", "n2"]);
    let document: serde_json::Value =
        serde_json::from_str(&works(&["node", "ls", "--json"])).unwrap();
    let nodes = &document["nodes"];
    assert_eq!(nodes[0]["name"], "n1");
    assert_eq!(nodes[0]["state"], "running");
    let control = nodes[0]["control"].as_str().unwrap();
    let inside = works(&["vcmd", "-c", control, "--", "sh", "-c", "id -u; hostname"]);
    assert_eq!(inside, "0\nn1\n");
    works(&[
        "exec",
        "--detach",
        "n1",
        "--",
        "sh",
        "-c",
        "echo to the log",
    ]);
    let log = nodes[0]["log"].as_str().unwrap();
    eventually("the log", || {
        fs::read_to_string(log).unwrap() == "to the log\n"
    });
    works(&["node", "del", "n1"]);
    assert_eq!(works(&["cleanup"]), "node n2 (running)\n");
    assert_eq!(works(&["node", "ls"]).lines().count(), 1);
}

pub fn commands_run_in_an_ordinary_users_nodes(_: &Lab) {
    home();
    works(&["node", "add", "--user", "n1", "n2"]);
    let script = "id -u; hostname; cat /proc/1/comm; cat /sys/class/net/lo/operstate";
    let inside = works(&["exec", "n1", "--", "sh", "-c", script]);
    assert_eq!(inside, "0\nn1\npernet\nunknown\n");
    // What is counted there can be seen, though to enter it takes the user namespace.
    let stat: serde_json::Value =
        serde_json::from_str(&works(&["stat", "n1", "--source", "kernel", "--json"])).unwrap();
    let namespace = &stat["namespaces"][0];
    assert_eq!(namespace["name"], "n1", "{stat}");
    assert_eq!(namespace["links"][0]["name"], "lo", "{stat}");
    let monitor = ["monitor", "n1", "--source", "kernel", "--count", "1"];
    let watched = as_nobody(&monitor, Some("/run/user"));
    assert_eq!(watched.status, 0, "{}", watched.err);
    assert!(
        watched.err.contains("only root hears of the end"),
        "{}",
        watched.err
    );
    assert!(watched.out.contains("n1"), "{}", watched.out);
    // Root there may change the network, and nothing of the machine.
    let add = "ip link add v0 type veth peer name v1";
    works(&["exec", "n1", "--", "sh", "-c", add]);
    let seen = works(&["exec", "--all", "--", "ls", "/sys/class/net"]);
    let mut lines: Vec<_> = seen.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["n1: lo", "n1: v0", "n1: v1", "n2: lo"]);
    let options = ["--env", "A=b", "--cwd", "/proc", "--timeout", "60"];
    let exec = [&["exec"], &options[..], &["n1", "sh", "-c", "echo $A; pwd"]].concat();
    assert_eq!(works(&exec), "b\n/proc\n");
    let tty = works(&["exec", "--tty", "n1", "--", "tty"]);
    assert!(tty.starts_with("/dev/pts/"), "{tty}");
    let outcome = as_nobody(&["exec", "n1", "sh", "-c", "exit 9"], Some("/run/user"));
    assert_eq!(outcome.status, 9);
    works(&["exec", "n1", "mount", "-t", "tmpfs", "none", "/tmp"]);
    let outcome = as_nobody(&["node", "stop", "n1"], Some("/run/user"));
    let says = "no name that would keep its network namespace; `pernet node del n1`";
    assert!(outcome.err.contains(says), "{}", outcome.err);
    let mut waiting = nobodys(&["node", "wait", "n1"], Some("/run/user"))
        .spawn()
        .unwrap();
    let open = format!("/proc/{}/fd", waiting.id());
    eventually("it waits", || {
        let mut files = fs::read_dir(&open).unwrap().flatten();
        let target = |file: fs::DirEntry| fs::read_link(file.path()).unwrap_or_default();
        files.any(|file| target(file).to_string_lossy().contains("pidfd"))
    });
    works(&["node", "del", "--wait", "n1", "n2"]);
    assert!(waiting.wait().unwrap().success());
    assert_eq!(works(&["cleanup"]), "");
}

/// Whoever has another user's pid, path or file does not get in.
pub fn nodes_of_others_are_closed(lab: &Lab) {
    home();
    let pid = crate::full::node(lab, "n1");
    let path = format!("/proc/{pid}/ns/net");
    for (reference, says) in [
        ("n1", "n1"),
        ("/run/netns/n1", "n1"),
        (&*path, "try it as root"),
        (&*format!("pid:{pid}"), "try it as root"),
    ] {
        let outcome = as_nobody(&["exec", reference, "--", "true"], Some("/run/user"));
        assert_eq!((outcome.status, &*outcome.out), (1, ""), "{reference}");
        assert!(outcome.err.contains(says), "{reference}: {}", outcome.err);
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    }
    for arguments in [&["node", "del", "n1"][..], &["node", "stop", "n1"]] {
        let outcome = as_nobody(arguments, Some("/run/user"));
        assert_eq!(outcome.status, 1, "{}", outcome.err);
    }
    let control = "/run/pernet/control/n1";
    let outcome = as_nobody(&["vcmd", "-c", control, "--", "true"], Some("/run/user"));
    assert_eq!(outcome.status, 1, "{}", outcome.err);
    assert_eq!(lab.pernet(&["exec", "n1", "--", "echo", "here"]), "here\n");
}

pub fn what_takes_root_says_so(_: &Lab) {
    home();
    for (arguments, says) in [
        (&["node", "add", "n1"][..], "--user"),
        (&["node", "adopt", "n1", "pid:1"], "only root"),
    ] {
        let outcome = as_nobody(arguments, Some("/run/user"));
        assert_eq!(outcome.status, 1);
        assert!(outcome.err.contains(says), "{}", outcome.err);
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    }
    // What it would take can be seen, and what cannot be is said.
    let file = "/run/lab.toml";
    fs::write(file, "nodes.a = {}\n").unwrap();
    let outcome = as_nobody(&["plan", file], Some("/run/user"));
    assert_eq!((outcome.status, &*outcome.out), (4, "+ node a\n"));
    assert!(
        outcome.err.contains("note: only root sees"),
        "{}",
        outcome.err
    );
    let outcome = as_nobody(&["node", "add", "--user", "n1"], None);
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("XDG_RUNTIME_DIR"), "{}", outcome.err);
    assert_eq!(fs::read_dir("/run/user").unwrap().count(), 0);
    fs::set_permissions("/run/user", fs::Permissions::from_mode(0o777)).unwrap();
    let outcome = as_nobody(&["node", "add", "--user", "n1"], Some("/run/user"));
    assert!(
        outcome.err.contains("where others can write"),
        "{}",
        outcome.err
    );
}
