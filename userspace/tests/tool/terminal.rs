// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vcmd` at a terminal: the command has one of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::core::{Node, Programs};
use crate::lab::{Lab, Outcome, eventually};

/// Somebody at a terminal of 80 x 24, who runs a command in a node.
struct Person {
    screen: File,
    terminal: File,
    vcmd: Child,
    seen: String,
}

impl Person {
    fn runs(node: &Node, command: &[&str]) -> Self {
        Self::runs_by(&Programs::ours(), node, command)
    }

    fn runs_by(programs: &Programs, node: &Node, command: &[&str]) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(&size, None).unwrap();
        let terminal = File::from(pair.slave);
        let end = || Stdio::from(terminal.try_clone().unwrap());
        let vcmd = Command::new("setsid")
            .args(["--wait", "--ctty", &programs.path("vcmd")])
            .args(["-c", &node.channel, "--"])
            .args(command)
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        Person {
            screen: File::from(pair.master),
            terminal,
            vcmd,
            seen: String::new(),
        }
    }

    /// Waits until this is on the screen.
    fn sees(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            let mut ready = [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)];
            let came = poll(&mut ready, PollTimeout::from(10_000_u16)).unwrap();
            assert_eq!(came, 1, "not within 10 s: {text:?} in {:?}", self.seen);
            let length = self.screen.read(&mut buffer).unwrap();
            self.seen += std::str::from_utf8(&buffer[..length]).unwrap();
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.screen.write_all(keys).unwrap();
    }

    /// What `stty` says or does of the terminal.
    fn stty(&self, arguments: &[&str]) -> String {
        let output = Command::new("stty")
            .args(arguments)
            .stdin(self.terminal.try_clone().unwrap())
            .output();
        let outcome = Outcome::of(output.unwrap());
        assert_eq!((outcome.status, &*outcome.err), (0, ""));
        outcome.out
    }

    /// Keys are passed on as they are.
    fn is_raw(&self) -> bool {
        let settings = tcgetattr(&self.terminal).unwrap();
        !settings.local_flags.contains(LocalFlags::ICANON)
    }

    fn exit_status(&mut self) -> i32 {
        let mut status = None;
        eventually("vcmd ends", || {
            status = self.vcmd.try_wait().unwrap();
            status.is_some()
        });
        assert!(
            !self.is_raw(),
            "the terminal is left as it was for the command"
        );
        status.unwrap().code().unwrap()
    }
}

pub fn a_command_has_a_terminal_of_its_own(_: &Lab) {
    let node = Node::of_ours("n1");
    let script = "echo \"<$(tty) $(stty size)>\"; ps >/dev/null 2>&1; read line </dev/tty; echo \"<$line>\"; exit 9";
    let mut person = Person::runs(&node, &["sh", "-c", script]);
    person.sees(" 24 80>");
    let ours = std::fs::read_link(format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&person.terminal)
    ));
    assert!(
        !person
            .seen
            .contains(&format!("<{} ", ours.unwrap().display())),
        "{}",
        person.seen
    );
    assert!(person.is_raw());
    person.types(b"typed\r");
    person.sees("<typed>");
    assert_eq!(person.exit_status(), 9);

    // Nothing that it writes is lost, however soon it ends.
    let mut person = Person::runs(&node, &["seq", "2000"]);
    person.sees("\n2000\r\n");
    assert_eq!(person.exit_status(), 0);
}

pub fn its_size_follows(_: &Lab) {
    let node = Node::of_ours("n1");
    the_size_follows(&node, &Programs::ours());
}

/// Of any client of any node.
pub fn the_size_follows(node: &Node, clients: &Programs) {
    let script = "trap 'echo \"<$(stty size)>\"' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut person = Person::runs_by(clients, node, &["sh", "-c", script]);
    person.sees("ready");
    person.stty(&["rows", "30", "columns", "100"]);
    person.sees("<30 100>");
    person.types(b"\x1c");
    let ended = clients.status_of_killed(Signal::SIGQUIT);
    assert_eq!(person.exit_status(), ended);
}

pub fn keys_reach_the_command(_: &Lab) {
    let node = Node::of_ours("n1");
    let script = "trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.05; done";
    let mut person = Person::runs(&node, &["sh", "-c", script]);
    person.sees("ready");
    person.types(b"\x03");
    person.sees("interrupted");
    assert_eq!(person.exit_status(), 5);

    // The end of input, and a program that stops and goes on again.
    let mut person = Person::runs(&node, &["cat"]);
    person.types(b"line\r");
    person.sees("line\r\nline\r\n");
    person.types(b"\x04");
    assert_eq!(person.exit_status(), 0);
}

pub fn it_can_be_forced(_: &Lab) {
    let node = Node::of_ours("n1");
    let outcome = node.vcmd_with(&["-i"], &["sh", "-c", "tty; stty size; exit 9"]);
    assert_eq!(outcome.status, 9);
    assert!(outcome.out.starts_with("/dev/pts/"), "{}", outcome.out);
    assert!(outcome.out.ends_with("\r\n0 0\r\n"), "{}", outcome.out);
    // Input that ends ends the command's.
    let mut child = node.spawn(&["-i"], &["cat"]);
    child.stdin.take().unwrap().write_all(b"piped\n").unwrap();
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!(outcome.status, 0);
    assert!(outcome.out.ends_with("piped\r\n"), "{}", outcome.out);
    // Without -i and with something else than a terminal it has none.
    assert_eq!(node.vcmd(&["tty"]).status, 1);
}
