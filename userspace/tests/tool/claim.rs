// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vnoded` and its control channel's path: who gets it, and who may use it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{Group, Pid};

use crate::core::{Node, Programs, mode};
use crate::lab::{Lab, Outcome, entries, eventually, run};

pub fn a_killed_one_can_be_replaced(_: &Lab) {
    for _ in 0..2 {
        let node = Node::of_ours("n1");
        let child = node.spawn(&[], &["sleep", "60"]);
        eventually("the command runs", || node.children().len() == 1);
        node.signal(Signal::SIGKILL);
        assert_eq!(
            node.wait(),
            WaitStatus::Signaled(node.pid, Signal::SIGKILL, false)
        );
        assert!(node.has_files());
        assert_eq!(Outcome::of(child.wait_with_output().unwrap()).status, 1);
    }
    let node = Node::of_ours("n1");
    node.says(&["true"]);
    node.stop();
}

pub fn a_live_one_is_left_alone(_: &Lab) {
    let ours = Programs::ours();
    let node = ours.node("n1", &["-v"]);
    node.says(&["true"]);
    let log = fs::read_to_string(&node.log).unwrap();
    for path in [&*node.channel, "/run/n1.log", "/run"] {
        let outcome = ours.run(
            "vnoded",
            &["-c", path, "-l", &node.log, "-p", &node.pid_file],
        );
        assert_eq!((outcome.status, &*outcome.out), (1, ""), "{path}");
        assert!(
            outcome.err.contains("cannot open control channel"),
            "{}",
            outcome.err
        );
    }
    assert_eq!(
        fs::read_to_string(&node.pid_file).unwrap(),
        format!("{}\n", node.pid)
    );
    assert!(
        fs::read_to_string(&node.log).unwrap().starts_with(&log),
        "the log was emptied"
    );
    node.says(&["true"]);

    // Whatever took the place of its files meanwhile is not its own.
    fs::remove_file(&node.channel).unwrap();
    fs::remove_file(&node.pid_file).unwrap();
    fs::write(&node.channel, "").unwrap();
    fs::write(&node.pid_file, "").unwrap();
    node.signal(Signal::SIGTERM);
    assert_eq!(node.wait(), WaitStatus::Exited(node.pid, 0));
    assert!(Path::new(&node.channel).exists() && Path::new(&node.pid_file).exists());
}

pub fn of_twenty_one_wins(_: &Lab) {
    let vnoded = Programs::ours().path("vnoded");
    // At first nothing is there, then what a dead one left.
    for round in 0..6 {
        let start = |_| {
            Command::new(&vnoded)
                .args(["-c", "/run/n1.ctl", "-p", "/run/n1.pid"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children: Vec<Child> = (0..20).map(start).collect();
        let outcomes = children
            .into_iter()
            .map(|child| Outcome::of(child.wait_with_output().unwrap()));
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.partition(|outcome| outcome.status == 0);
        let said: Vec<_> = lost.iter().map(|outcome| &*outcome.err).collect();
        assert_eq!(won.len(), 1, "round {round}: {said:?}");
        assert!(
            said.iter().all(|text| text.contains("is alive")),
            "{said:?}"
        );
        let pid = &won[0].out;
        assert_eq!(&fs::read_to_string("/run/n1.pid").unwrap(), pid);
        let node = Node {
            pid: Pid::from_raw(pid.trim().parse().unwrap()),
            channel: "/run/n1.ctl".to_owned(),
            log: "/dev/null".to_owned(),
            pid_file: "/run/n1.pid".to_owned(),
        };
        node.says(&["true"]);
        node.signal(Signal::SIGKILL);
        node.wait();
        assert_eq!(entries("/run"), ["bin", "n1.ctl", "n1.pid", "pernet"]);
    }
}

/// Runs `vcmd` as another user, of these groups.
fn vcmd_as(node: &Node, group: &str, others: &str) -> Outcome {
    let vcmd = Programs::ours().path("vcmd");
    let who = ["--reuid", "65534", "--regid", group, others];
    let command = [&vcmd, "-c", &node.channel, "--", "id", "-u"];
    run("setpriv", &[&who[..], &command].concat())
}

fn is_refused(outcome: &Outcome) {
    assert_eq!((outcome.status, &*outcome.out), (1, ""), "{}", outcome.err);
}

fn set_mode(path: &str, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub fn others_are_turned_away(_: &Lab) {
    let node = Node::of_ours("n1");
    let outcome = vcmd_as(&node, "65534", "--clear-groups");
    is_refused(&outcome);
    assert!(
        outcome.err.contains("Permission denied") || outcome.err.contains("EACCES"),
        "{}",
        outcome.err
    );
    set_mode(&node.channel, 0o666);
    is_refused(&vcmd_as(&node, "65534", "--clear-groups"));
    let log = || fs::read_to_string(&node.log).unwrap();
    eventually("it is logged", || log().contains("user 65534"));
    node.says(&["true"]);
}

pub fn a_group_may_be_let_in(_: &Lab) {
    let gid = Group::from_name("daemon").unwrap().unwrap().gid.to_string();
    let node = Programs::ours().node("n1", &["-g", "daemon"]);
    assert_eq!(mode(&node.channel), 0o660);
    let outcome = vcmd_as(&node, "65534", &format!("--groups={gid}"));
    assert_eq!(
        (outcome.status, &*outcome.out),
        (0, "0\n"),
        "{}",
        outcome.err
    );
    let outcome = vcmd_as(&node, &gid, "--clear-groups");
    assert_eq!(outcome.status, 0, "{}", outcome.err);
    is_refused(&vcmd_as(&node, "65534", "--clear-groups"));
    set_mode(&node.channel, 0o666);
    is_refused(&vcmd_as(&node, "65534", "--clear-groups"));
    let outcome = vcmd_as(&node, "65534", &format!("--groups={gid}"));
    assert_eq!(outcome.status, 0, "{}", outcome.err);
}
