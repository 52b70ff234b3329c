// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec` at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};

use crate::full;
use crate::lab::{Lab, PERNET};

/// A terminal with the tool at it.
struct Screen {
    keys: File,
    terminal: OwnedFd,
    client: Child,
    seen: String,
    /// How the terminal was, as stty(1) says it.
    before: String,
}

impl Screen {
    fn new(arguments: &[&str]) -> Self {
        let size = Winsize {
            ws_row: 20,
            ws_col: 90,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let before = stty(&pty.slave, &["-g"]);
        let client = Command::new("setsid")
            .args(["--ctty", PERNET, "exec"])
            .args(arguments)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn();
        Screen {
            client: client.unwrap(),
            keys: pty.master.into(),
            terminal: pty.slave,
            seen: String::new(),
            before,
        }
    }

    /// Waits until this is shown, after all that was waited for before.
    fn shows(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let mut ready = [PollFd::new(self.keys.as_fd(), PollFlags::POLLIN)];
            let came = poll(&mut ready, PollTimeout::from(10_000u16)).unwrap();
            assert_eq!(came, 1, "no {text:?} within 10 s, but {:?}", self.seen);
            let mut buffer = [0; 1024];
            let length = self.keys.read(&mut buffer).unwrap();
            self.seen += &String::from_utf8_lossy(&buffer[..length]);
        }
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn stty(&self, arguments: &[&str]) -> String {
        stty(&self.terminal, arguments)
    }

    fn status(&mut self) -> Option<i32> {
        self.client.wait().unwrap().code()
    }
}

fn stty(terminal: &OwnedFd, arguments: &[&str]) -> String {
    let end = Stdio::from(terminal.try_clone().unwrap());
    let output = Command::new("stty").args(arguments).stdin(end).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

pub fn a_command_has_a_terminal_of_the_same_size(lab: &Lab) {
    full::node(lab, "n1");
    let script =
        "stty size; trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.01; done";
    let mut screen = Screen::new(&["n1", "--", "sh", "-c", script]);
    screen.shows("20 90\r\n");
    screen.shows("ready");
    assert_ne!(screen.stty(&["-g"]), screen.before);
    screen.stty(&["rows", "33", "cols", "44"]);
    screen.shows("33 44\r\n");
    assert_eq!(screen.status(), Some(4));
    // Ours is as it was.
    assert_eq!(screen.stty(&["-g"]), screen.before);
}

pub fn keys_reach_the_command(lab: &Lab) {
    full::node(lab, "n1");
    let mut screen = Screen::new(&["n1", "--", "sh", "-c", "read x; echo \"<$x>\"; sleep 1020"]);
    screen.types("hello\r");
    screen.shows("<hello>");
    full::runs("sleep 1020");
    screen.types("\x03");
    assert_eq!(screen.status(), Some(130));
    full::is_gone("sleep 1020");
}

pub fn a_command_without_one_takes_its_turn_at_ours(lab: &Lab) {
    full::node(lab, "n1");
    let script = "read x; echo \"<$x>\"; exec sleep 1021";
    let mut screen = Screen::new(&["--no-tty", "n1", "--", "sh", "-c", script]);
    screen.types("hello\n");
    screen.shows("<hello>");
    full::runs("sleep 1021");
    screen.types("\x03");
    assert_eq!(screen.status(), Some(130));
}

pub fn a_terminal_can_be_asked_for(lab: &Lab) {
    lab.pernet(&["node", "add", "plain"]);
    full::node(lab, "full");
    for node in ["plain", "full"] {
        let outcome = lab.run(&[
            "exec",
            "--tty",
            node,
            "--",
            "sh",
            "-c",
            "test -t 0 -a -t 1 -a -t 2",
        ]);
        assert_eq!(outcome.status, 0, "{}", outcome.err);
        let outcome = lab.run(&["exec", "--tty", node, "--", "no-such-command"]);
        assert_eq!(outcome.status, 127);
        assert_eq!(outcome.err.lines().count(), 1);
    }
    // What was not asked for is the caller's.
    assert_eq!(lab.run(&["exec", "full", "test", "-t", "0"]).status, 1);
}
