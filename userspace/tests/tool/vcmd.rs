// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vcmd`: commands in a node, without a terminal.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::core::{Node, Programs, assert_has_every_signal, signalled_when_ready};
use crate::lab::{Lab, Outcome, eventually};

pub fn its_exit_status_is_the_commands(_: &Lab) {
    let node = Node::of_ours("n1");
    for (command, status) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["sh", "-c", "exit 255"], 255),
        (&["/etc/passwd"], 126),
        (&["/run"], 126),
        (&["no-such-command"], 127),
        (&["/no/such/command"], 127),
        (&["sh", "-c", "kill -9 $$"], 137),
        (&["sh", "-c", "kill -TERM $$"], 143),
    ] {
        let outcome = node.vcmd(command);
        assert_eq!(outcome.status, status, "{command:?}: {}", outcome.err);
        let explained = outcome.err.contains(&format!("cannot run {}", command[0]));
        assert_eq!(explained, [126, 127].contains(&status), "{}", outcome.err);
    }
    let ours = Programs::ours();
    fs::write("/run/file", "").unwrap();
    let channel = &*node.channel;
    for (arguments, status, says) in [
        (&["-h"][..], 0, ""),
        (&["--help"], 0, ""),
        (&["-V"], 0, ""),
        (&["-x"], 0, "invalid option"),
        (&["--", "true"], 1, "no control channel"),
        (&["-c", "/run/none.ctl", "--", "true"], 1, "/run/none.ctl"),
        (&["-c", "/run/file", "--", "true"], 1, "/run/file"),
        // Without a command it is a shell, which reads nothing here.
        (&["-c", channel], 0, ""),
        (&["-c", "/run/none.ctl", "-c", channel, "--", "true"], 0, ""),
        (&["-q", "-I", "-c", channel, "--", "false"], 1, ""),
    ] {
        let outcome = ours.run("vcmd", arguments);
        assert_eq!(outcome.status, status, "{arguments:?}: {}", outcome.err);
        assert!(outcome.err.contains(says), "{arguments:?}: {}", outcome.err);
    }
    for (count, status) in [(1023, 0), (1024, 1)] {
        let outcome = node.vcmd(&vec!["true"; count]);
        assert_eq!(outcome.status, status, "{count} arguments: {}", outcome.err);
    }
}

pub fn input_output_and_surroundings(_: &Lab) {
    let node = Node::of_ours("n1");
    for options in [&[][..], &["-I"]] {
        let mut child = node.spawn(options, &["sh", "-c", "cat; echo err >&2"]);
        child.stdin.take().unwrap().write_all(b"in").unwrap();
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        assert_eq!(
            (outcome.status, &*outcome.out, &*outcome.err),
            (0, "in", "err\n")
        );
    }
    let mut child = node.spawn(&["-q"], &["sh", "-c", "cat; echo logged; echo too >&2"]);
    // What nobody will read; it may be gone already.
    let _ = child.stdin.take().unwrap().write_all(b"in");
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!(
        (outcome.status, outcome.out, outcome.err),
        (0, String::new(), String::new())
    );
    assert_eq!(fs::read_to_string(&node.log).unwrap(), "logged\ntoo\n");

    // The environment is the node's, and not the caller's.
    let output = Command::new(Programs::ours().path("vcmd"))
        .args(["-c", &node.channel, "--", "sh", "-c", "echo \"<$CALLERS>\""])
        .env("CALLERS", "own")
        .stdin(Stdio::null())
        .output();
    assert_eq!(Outcome::of(output.unwrap()).out, "<>\n");
    assert_has_every_signal(&node.says(&["cat", "/proc/self/status"]));
}

pub fn signals_are_passed_on(_: &Lab) {
    let node = Node::of_ours("n1");
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGUSR1,
        Signal::SIGWINCH,
    ] {
        let trap = format!(
            "trap 'exit 33' {}; echo; while :; do sleep 0.05; done",
            signal as i32
        );
        let child = node.spawn(&[], &["sh", "-c", &trap]);
        assert_eq!(signalled_when_ready(child, signal), 33, "{signal}");
    }
    let child = node.spawn(&[], &["sh", "-c", "echo; exec sleep 60"]);
    assert_eq!(signalled_when_ready(child, Signal::SIGTERM), 143);
    // One that cannot be passed on leaves the command alone.
    let mut child = node.spawn(&[], &["sleep", "60"]);
    eventually("the command runs", || node.children().len() == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    node.says(&["true"]);
    assert_eq!(node.children().len(), 1);
}

pub fn a_node_that_ends_ends_it(_: &Lab) {
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let node = Node::of_ours("n1");
        let child = node.spawn(&[], &["sleep", "60"]);
        eventually("the command runs", || node.children().len() == 1);
        node.signal(signal);
        node.wait();
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        assert_eq!(outcome.status, 1);
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    }
}
