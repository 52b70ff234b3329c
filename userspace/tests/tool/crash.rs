// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tool killed at every step of what it does, and `pernet cleanup` after it:
//! the machine must be as it was before, with all that others made on it.
//!
//! And interrupted at every step, where it has to undo what it began, or be done.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::lab::{Lab, PERNET, eventually};
use crate::traced::{processes, reap, stopped_at};

/// More steps than anything takes, so that a test that goes wrong has an end.
const MOST_STEPS: usize = 2000;

/// Mounts below the test's own /run, of which the records know nothing. Others are
/// the machine's, where things go on.
fn mounts() -> usize {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts: Vec<Vec<&str>> = (text.lines())
        .map(|line| line.split(' ').take(5).collect())
        .collect();
    let run = mounts.iter().rfind(|mount| mount[4] == "/run").unwrap()[0];
    let mut below = BTreeSet::from([run]);
    // A mount comes after the one that it is on.
    for mount in &mounts {
        if below.contains(mount[1]) {
            below.insert(mount[0]);
        }
    }
    below.len()
}

/// What differs from `before` for good, if anything does.
fn difference(lab: &Lab, before: &BTreeSet<String>) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..200 {
        left = lab.state().symmetric_difference(before).cloned().collect();
        if left.is_empty() {
            break;
        }
        // Devices of a namespace go in the background.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    left
}

/// What others have on the machine.
fn make_foreign(lab: &Lab) {
    lab.command("ip", &["netns", "add", "foreign"]);
    for arguments in [
        "link add veth0 type veth peer name veth1",
        "link add b.1.1 type bridge",
        "link add n9.eth0 type veth peer name eth0 netns foreign",
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        lab.command("ip", &arguments);
    }
    // What the first node makes and no deletion takes away is there before.
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0", "--bridge", "br"]);
    lab.pernet(&["cleanup"]);
}

/// Kills `victim` at every step, each time after `preparation`.
fn kill_everywhere(lab: &Lab, preparation: &[&[&str]], victim: &[&str]) {
    make_foreign(lab);
    reap();
    let (state, mounted) = (lab.state(), mounts());
    for step in 1..MOST_STEPS {
        for arguments in preparation {
            lab.pernet(arguments);
        }
        let stopped = stopped_at(victim, step);
        let killed = stopped.map(|tool| tool.kill()).is_some();
        let cleaned = lab.run(&["cleanup"]);
        assert_eq!(
            cleaned.status, 0,
            "after step {step} of {victim:?}: {}",
            cleaned.err
        );
        eventually("no process is left", || {
            reap();
            processes().is_empty()
        });
        let left = difference(lab, &state);
        assert!(left.is_empty(), "after step {step} of {victim:?}: {left:?}");
        assert_eq!(mounts(), mounted, "after step {step} of {victim:?}");
        assert_eq!(lab.pernet(&["cleanup"]), "", "after step {step}");
        if !killed {
            assert!(step > 5, "{victim:?} took only {step} steps");
            return;
        }
    }
    panic!("{victim:?} had no end");
}

/// Interrupts `victim` at every step, each time after `preparation`: it must end
/// with what was there before, or else be done, and `undone` by that.
fn interrupt_everywhere(lab: &Lab, preparation: &[&[&str]], victim: &[&str], undone: &[&str]) {
    let mut outcomes = BTreeSet::new();
    preparation
        .iter()
        .for_each(|arguments| drop(lab.pernet(arguments)));
    let before = lab.state();
    for step in 1..MOST_STEPS {
        let Some(stopped) = stopped_at(victim, step) else {
            assert!(outcomes.contains(&130), "{victim:?}: {outcomes:?}");
            return;
        };
        let status = match stopped.signal(Signal::SIGINT) {
            WaitStatus::Exited(_, status) => status,
            // Nothing had been begun.
            WaitStatus::Signaled(..) => 130,
            status => panic!("{status:?}"),
        };
        outcomes.insert(status);
        if status == 0 {
            lab.pernet(undone);
        }
        let left = difference(lab, &before);
        assert!(
            left.is_empty(),
            "{status} after step {step} of {victim:?}: {left:?}"
        );
        reap();
    }
    panic!("{victim:?} had no end");
}

pub fn an_interrupt_anywhere_undoes_node_add(lab: &Lab) {
    lab.pernet(&["node", "add", "first"]);
    let victim = ["node", "add", "n1", "n2"];
    interrupt_everywhere(lab, &[], &victim, &["node", "del", "n1", "n2"]);
}

pub fn an_interrupt_anywhere_undoes_link_add(lab: &Lab) {
    let preparation: &[&[&str]] = &[
        &["node", "add", "n1"],
        &["bridge", "add", "br"],
        // It makes directories that stay.
        &["link", "add", "n1:eth9", "here"],
    ];
    let victim = [
        "link",
        "add",
        "n1:eth0=10.0.0.1/24",
        "port",
        "--bridge",
        "br",
    ];
    interrupt_everywhere(lab, preparation, &victim, &["link", "del", "port"]);
}

pub fn an_interrupt_anywhere_undoes_bridge_add(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["bridge", "add", "first"]];
    let victim = ["bridge", "add", "br"];
    interrupt_everywhere(lab, preparation, &victim, &["bridge", "del", "br"]);
}

pub fn node_add_can_be_killed_anywhere(lab: &Lab) {
    kill_everywhere(lab, &[], &["node", "add", "n1", "n2"]);
}

pub fn vnoded_can_be_killed_anywhere(lab: &Lab) {
    fs::create_dir("/run/core").unwrap();
    let control = "/run/core/n1.ctl";
    let victim = ["vnoded", "-c", control, "-p", "/run/core/n1.pid"];
    kill_everywhere(lab, &[], &victim);
}

pub fn node_add_net_only_can_be_killed_anywhere(lab: &Lab) {
    kill_everywhere(lab, &[], &["node", "add", "--net-only", "n1"]);
}

pub fn link_add_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["node", "add", "n1"], &["node", "add", "--net-only", "n2"]];
    let ends = ["n1:eth0=10.0.0.1/24", "n2:eth0=10.0.0.2/24"];
    kill_everywhere(lab, preparation, &["link", "add", ends[0], ends[1]]);
}

pub fn link_add_to_a_bridge_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["bridge", "add", "br"]];
    kill_everywhere(
        lab,
        preparation,
        &["link", "add", "x=10.0.0.1/24", "y", "--bridge", "br"],
    );
}

pub fn bridge_add_can_be_killed_anywhere(lab: &Lab) {
    kill_everywhere(lab, &[], &["bridge", "add", "br"]);
}

pub fn node_del_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[
        &["node", "add", "n1", "n2"],
        &["link", "add", "n1:eth0", "n2:eth0"],
        &["link", "add", "n1:eth1", "here"],
    ];
    kill_everywhere(lab, preparation, &["node", "del", "n1"]);
}

pub fn link_del_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["link", "add", "x", "y"]];
    kill_everywhere(lab, preparation, &["link", "del", "x"]);
}

pub fn cleanup_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[
        &["node", "add", "n1"],
        &["bridge", "add", "br"],
        &["link", "add", "n1:eth0", "--bridge", "br"],
        &["link", "add", "x", "y"],
    ];
    kill_everywhere(lab, preparation, &["cleanup"]);
}

pub fn cleanup_says_what_it_removes(lab: &Lab) {
    assert_eq!(lab.pernet(&["cleanup"]), "");
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0", "--bridge", "br"]);
    lab.pernet(&["link", "add", "x", "y"]);
    lab.pernet(&["vnoded", "-c", "/run/core.ctl", "-p", "/run/core.pid"]);
    // It leaves its files behind when it is killed.
    let killed = lab.pernet(&["vnoded", "-c", "/run/killed.ctl", "-p", "/run/killed.pid"]);
    lab.command("kill", &["-9", killed.trim()]);
    eventually("it is gone", || {
        let said = lab.pernet(&["cleanup", "--dry-run"]);
        said.contains("/run/killed.ctl (gone)")
    });
    let before = lab.state();
    let said = lab.pernet(&["cleanup", "--dry-run"]);
    assert_eq!(lab.state(), before);
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    let expected = [
        "bridge br",
        "link n1.eth0 - n1:eth0",
        "link x - y",
        "node n1 (running)",
        "vnoded /run/core.ctl (running)",
        "vnoded /run/killed.ctl (gone)",
    ];
    assert_eq!(lines, expected);
    assert_eq!(lab.pernet(&["cleanup"]), said);
    assert_eq!(lab.pernet(&["cleanup"]), "");
}

pub fn what_a_node_made_in_itself_is_cleaned_up_too(lab: &Lab) {
    lab.pernet(&["node", "add", "outer"]);
    let before = lab.state();
    lab.pernet(&["exec", "outer", "--", PERNET, "node", "add", "inner"]);
    let inner = lab.json(&["node", "show", "inner", "--json"]);
    assert_eq!(inner["state"], "running");
    let pid = inner["pid"].to_string();
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_eq!(comm, "pernet\n");
    lab.pernet(&["node", "del", "inner"]);
    eventually("it has ended", || {
        !fs::exists(format!("/proc/{pid}/exe")).unwrap()
    });
    assert_eq!(lab.state(), before);
}

pub fn cores_cleanup_removes_what_is_ours(lab: &Lab) {
    lab.command("ip", &["link", "add", "veth0", "type", "bridge"]);
    let before = lab.state();
    lab.pernet(&["vnoded", "-c", "/run/n1.ctl"]);
    lab.pernet(&["node", "add", "n1"]);
    let said = lab.pernet(&["core-cleanup", "-d"]);
    let expected = "removed node n1 (running)\nremoved vnoded /run/n1.ctl (running)\n";
    assert_eq!(said, expected);
    assert_eq!(lab.state(), before);
    assert_eq!(lab.pernet(&["core-cleanup"]), "");
}
