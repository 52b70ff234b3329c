// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lab whose making or changing fails, is interrupted or killed at every step: what
//! was there before is there afterwards.

use std::collections::BTreeSet;
use std::fs;

use nix::libc;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::lab::{Lab, eventually, in_time};
use crate::labs::{FILE, NODE_THAT_FAILS, told_by_ip, write};
use crate::traced::{processes, reap, stopped_at};

/// More steps than anything takes, so that a test that goes wrong has an end.
const MOST_STEPS: usize = 2000;

/// Lets every step of `up` in turn fail with EIO: what was there before must be
/// there afterwards.
pub fn every_step_that_fails_is_undone(lab: &Lab) {
    write(&[]);
    // What stays for good is there before.
    lab.pernet(&["up", "--quiet", FILE]);
    lab.pernet(&["down", "t"]);
    fail_everywhere(lab, &["up", "--quiet", FILE], &["down", "t"], false);
}

pub fn every_step_of_a_change_that_fails_is_undone(lab: &Lab) {
    let change = [
        ("10.0.0.1/24", "10.0.0.3/24"),
        ("ip_forward\" = 1", "ip_forward\" = 0"),
        ("192.168.0.0/16", "192.168.1.0/24"),
        ("[nodes.b]", "[nodes.c]\nkind = \"net-only\"\n[nodes.b]"),
    ];
    write(&[]);
    fs::copy(FILE, "/run/before.toml").unwrap();
    write(&change);
    lab.pernet(&["up", "--quiet", FILE]);
    lab.pernet(&["up", "--quiet", "/run/before.toml"]);
    let back = ["up", "--quiet", "/run/before.toml"];
    fail_everywhere(lab, &["up", "--quiet", FILE], &back, true);
}

/// Calls by which things go, so that something stays where they fail.
const REMOVING: &[libc::c_long] = &[libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_umount2];

/// `undone` leads back to what was before, also from nothing; what it makes it
/// `renews`.
fn fail_everywhere(lab: &Lab, victim: &[&str], undone: &[&str], renews: bool) {
    reap();
    let (mut state, told) = (lab.state(), told_by_ip(lab));
    let there = processes().len();
    for step in 1..MOST_STEPS {
        let Some(stopped) = stopped_at(victim, step) else {
            assert!(step > 50, "{victim:?} took only {step} steps");
            return;
        };
        let (call, status) = stopped.fail(libc::EIO);
        match status {
            // What failed was not needed.
            WaitStatus::Exited(_, 0) => drop(lab.pernet(undone)),
            WaitStatus::Exited(_, 1) => {}
            // It cannot go back to where it was, and stops at once.
            WaitStatus::Signaled(_, Signal::SIGABRT, _) if call == libc::SYS_setns => {}
            status => panic!("{status:?} after step {step}, call {call}"),
        }
        // What was to be removed and could not, and what nobody went back from, is
        // left for `cleanup`.
        if REMOVING.contains(&call) || matches!(status, WaitStatus::Signaled(..)) {
            lab.pernet(&["cleanup"]);
            drop(lab.run(undone));
            if renews {
                // Records of what is made anew have other names.
                state = lab.state();
            }
        }
        eventually(&format!("processes as before step {step}"), || {
            reap();
            processes().len() == there
        });
        let mut left: BTreeSet<String> = BTreeSet::new();
        // Devices of a namespace go in the background.
        in_time(|| {
            left = lab.state().symmetric_difference(&state).cloned().collect();
            left.is_empty() && told_by_ip(lab) == told
        });
        assert!(left.is_empty(), "after step {step}, call {call}: {left:?}");
        assert_eq!(told_by_ip(lab), told, "after step {step}, call {call}");
    }
    panic!("{victim:?} had no end");
}

pub fn a_kill_leaves_what_down_removes(lab: &Lab) {
    write(&[]);
    lab.pernet(&["up", "--quiet", FILE]);
    lab.pernet(&["down", "t"]);
    let before = lab.state();
    // Some steps are enough here: nodes are killed at each by tests of their own.
    for step in (1..MOST_STEPS).step_by(7) {
        let Some(stopped) = stopped_at(&["up", "--quiet", FILE], step) else {
            return;
        };
        stopped.kill();
        let there = lab.list("labs", &["lab", "ls", "--json"]);
        let cleaned = match there.as_array().unwrap().is_empty() {
            true => lab.run(&["cleanup"]),
            false => {
                let again = lab.run(&["up", FILE]);
                let says = "half made by a run that died";
                assert!(
                    again.status != 1 || again.err.contains(says),
                    "{}",
                    again.err
                );
                lab.run(&["down", "t"])
            }
        };
        assert_eq!(cleaned.status, 0, "after step {step}: {}", cleaned.err);
        lab.run(&["cleanup"]);
        eventually(&format!("all is gone after step {step}"), || {
            reap();
            lab.state() == before
        });
    }
}

pub fn an_interrupt_anywhere_undoes_up(lab: &Lab) {
    write(&[]);
    lab.pernet(&["up", "--quiet", FILE]);
    lab.pernet(&["down", "t"]);
    let before = lab.state();
    let mut outcomes = BTreeSet::new();
    for step in 1..MOST_STEPS {
        let Some(stopped) = stopped_at(&["up", "--quiet", FILE], step) else {
            assert!(outcomes.contains(&130), "{outcomes:?}");
            return;
        };
        let status = match stopped.signal(Signal::SIGINT) {
            WaitStatus::Exited(_, status) => status,
            // Nothing had been begun, or all been done.
            WaitStatus::Signaled(..) => 128,
            status => panic!("{status:?}"),
        };
        outcomes.insert(status);
        let is_up = lab.list("labs", &["lab", "ls", "--json"])[0]["state"] == "up";
        assert!(status != 130 || !is_up, "{status} after step {step}");
        if is_up {
            lab.pernet(&["down", "t"]);
        }
        eventually(&format!("{status} after step {step}"), || {
            reap();
            lab.state() == before
        });
    }
}

/// What is taken back may not have been begun, and what is to be there be there: a
/// second name of a device, say.
pub fn a_change_that_fails_early_is_undone(lab: &Lab) {
    let long =
        "[[links]]\nends = [\"a:a-device-with-a-long-name\", \"b:another-with-a-long-name\"]\n";
    write(&[("[bridges.s]", "[bridges.s]\nmtu = 1400")]);
    let first = fs::read_to_string(FILE).unwrap() + long;
    fs::write(FILE, &first).unwrap();
    lab.pernet(&["up", "--quiet", FILE]);
    let told = told_by_ip(lab);
    let second = first
        .replace(long, "")
        .replace("10.1.0.2/24\"]", "10.1.0.2/24\"]\nmtu = 1400")
        .replace("mtu = 1400\n\n[[", "mtu = 1300\n\n[[")
        .replace("[nodes.b]", &(NODE_THAT_FAILS.to_string() + "[nodes.b]"));
    fs::write(FILE, second).unwrap();
    let failed = lab.refuses_and_is_as_before(&["up", "--quiet", FILE], "cannot set up node c");
    assert!(!failed.err.contains("undone"), "{}", failed.err);
    assert_eq!(told_by_ip(lab), told);
    fs::write(FILE, first).unwrap();
    lab.pernet(&["plan", FILE]);
}
