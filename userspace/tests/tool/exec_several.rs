// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec` in several nodes at once.

use std::collections::BTreeSet;

use crate::full;
use crate::lab::{Lab, PERNET, run};

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

pub fn lines_say_whose_they_are(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    full::node(lab, "n2");
    let script = "echo one; echo wrong >&2; printf two";
    let outcome = lab.run(&["exec", "n1", "n2", "--", "sh", "-c", script]);
    assert_eq!(outcome.status, 0);
    assert!(outcome.out.ends_with('\n'));
    assert_eq!(
        lines(&outcome.out),
        lines("n1: one\nn1: two\nn2: one\nn2: two")
    );
    assert_eq!(lines(&outcome.err), lines("n1: wrong\nn2: wrong"));
    // It reads nothing, and every node is meant where that is said.
    let outcome = lab.run(&["exec", "--all", "--", "wc", "-c"]);
    assert_eq!(lines(&outcome.out), lines("n1: 0\nn2: 0"));
    // Who writes on when the command has ended is not waited for.
    let script = "sleep 1010 & echo done";
    let out = lab.pernet(&["exec", "n1", "n2", "--", "sh", "-c", script]);
    assert_eq!(lines(&out), lines("n1: done\nn2: done"));
    let detached = lab.pernet(&["exec", "--detach", "n1", "n2", "--", "sleep", "1011"]);
    assert_eq!(detached.lines().count(), 2);
    full::runs("sleep 1011");
}

pub fn the_largest_status_counts(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    full::node(lab, "n3");
    let script = "test $(readlink /proc/self/ns/net) = $0 && exit 9; exit 2";
    let theirs = lab.pernet(&["exec", "n3", "readlink", "/proc/self/ns/net"]);
    let all = ["exec", "n1", "n2", "n3", "--", "sh", "-c", script];
    let outcome = lab.run(&[&all[..], &[theirs.trim()]].concat());
    assert_eq!((outcome.status, &*outcome.err), (9, ""));
    // One that is not there does not keep the others from it.
    let outcome = lab.run(&["exec", "n1", "none", "n3", "--", "echo", "here"]);
    assert_eq!(outcome.status, 1);
    assert_eq!(lines(&outcome.out), lines("n1: here\nn3: here"));
    assert!(outcome.err.starts_with("none: pernet: "), "{}", outcome.err);
    for node in ["n1", "n3"] {
        let outcome = lab.run(&["exec", node, node, "--", "no-such-command"]);
        assert_eq!(outcome.status, 127);
        assert_eq!(outcome.err.lines().count(), 2, "{}", outcome.err);
    }
}

pub fn json_tells_all(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    full::node(lab, "n2");
    let summary = |script: &str| {
        let outcome = lab.run(&[
            "exec",
            "--all",
            "--json",
            "--timeout",
            "0.2",
            "--",
            "sh",
            "-c",
            script,
        ]);
        let mut document: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
        (outcome.status, document["results"].take())
    };
    for (script, status, [one, signal], timed_out) in [
        ("exit 5", 5, [5.into(), ().into()], false),
        ("kill -9 $$", 137, [().into(), 9.into()], false),
        ("exec sleep 1012", 124, [().into(), 15.into()], true),
    ]
        as [(_, _, [serde_json::Value; 2], _); 3]
    {
        let script = format!("echo out; printf err >&2; {script}");
        let (exit, list) = summary(&script);
        assert_eq!(exit, status, "{script}: {list}");
        for (index, node) in ["n1", "n2"].into_iter().enumerate() {
            let entry = &list[index];
            assert_eq!(entry["node"], node);
            assert_eq!(
                (&entry["status"], &entry["signal"]),
                (&one, &signal),
                "{entry}"
            );
            assert_eq!(entry["timed_out"], timed_out);
            assert!(entry["duration_ms"].as_u64().unwrap() < 60_000);
            assert_eq!(entry["stdout"], "out\n");
            assert!(
                entry["stderr"].as_str().unwrap().starts_with("err"),
                "{entry}"
            );
        }
    }
    let one = lab.list("results", &["exec", "--json", "n1", "echo", "x"]);
    assert_eq!((&one[0]["stdout"], &one[1]), (&"x\n".into(), &().into()));
}

pub fn so_many_at_a_time(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2", "n3"]);
    // Each would find the directory of another.
    let script = "mkdir /run/busy && sleep 0.05 && rmdir /run/busy";
    let arguments = ["exec", "--all", "--jobs", "1", "--", "sh", "-c", script];
    assert_eq!(lab.pernet(&arguments), "");
}

pub fn a_signal_ends_them_all(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    full::node(lab, "n2");
    let mut client = lab.spawn(&["exec", "--all", "--", "sh", "-c", "sleep 1013 & wait"]);
    crate::lab::eventually("both", || full::pids("sleep 1013").len() == 2);
    assert_eq!(run("kill", &["-INT", &client.id().to_string()]).status, 0);
    assert!(client.wait().unwrap().code().is_some());
    full::is_gone("sh -c sleep 1013 & wait");
    for pid in full::pids("sleep 1013") {
        run("kill", &[&pid]);
    }
}

pub fn a_reader_that_stops_ends_them_all(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    full::node(lab, "n2");
    let pipe = format!("{PERNET} exec --all -- yes 1014 | head -n 1");
    let outcome = run("sh", &["-c", &pipe]);
    assert!(outcome.out.ends_with(": 1014\n"), "{}", outcome.out);
    full::is_gone("yes 1014");
}

pub fn what_cannot_be_meant_is_refused(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    for (arguments, says) in [
        (&["exec", "n1"][..], "no command to run"),
        (&["exec", "n1", "n1", "--"], "no command to run"),
        (&["exec", "--all", "n1", "--", "true"], "every node"),
        (&["exec", "--timeout", "0", "n1", "true"], "from 0.001 to"),
        (&["exec", "--env", "=x", "n1", "true"], "NAME=VALUE"),
        (
            &["exec", "none", "true"],
            "no node or named network namespace",
        ),
    ] {
        lab.refuses(arguments, says);
    }
}
