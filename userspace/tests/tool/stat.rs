// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet stat` where the module is not, and what it shares with the others.

use std::process::{Command, Stdio};

use nix::unistd::pipe;

use crate::lab::{Lab, PERNET};

pub fn without_the_module_one_line_says_what_to_load(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    for arguments in [
        &["stat"][..],
        &["stat", "--json"],
        &["set", "n1", "--traffic", "off"],
        &["reset", "n1"],
        &[
            "stat", "n1", "pid:1", "cookie:1", "nsid:0", "net:[1]", "./n1",
        ],
    ] {
        let outcome = lab.run(arguments);
        assert_eq!((outcome.status, &*outcome.out), (3, ""), "{arguments:?}");
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
        assert!(outcome.err.contains("modprobe pernet"), "{}", outcome.err);
    }
}

pub fn a_reader_that_stops_is_no_error(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    for arguments in [
        &["node", "ls"][..],
        &["node", "ls", "--json"],
        &["bridge", "ls", "--json"],
        &["--help"],
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let output = Command::new(PERNET)
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{arguments:?}: {output:?}"
        );
    }
}
