// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is recorded of a lab: who may change it, and from where.

use std::fs;
use std::process::Child;

use crate::lab::{Lab, PERNET, eventually};
use crate::labs::{FILE, write};
use crate::traced::reap;

/// All that changes a lab, or looks at it, and may not where somebody is at work on it.
const CHANGES: &[&[&str]] = &[
    &["up", FILE],
    &["plan", FILE],
    &["down", "t"],
    &["lab", "restart", "a"],
    &["link", "set", "a:eth0", "--clear"],
];

/// A command that is ready when there is the file `/run/go`.
fn write_slow() {
    let slow = "commands = [{ name = \"slow\", run = \"exec sleep 1000\", ready = { file = \"/run/go\" } }]\n[nodes.b]";
    write(&[("[nodes.b]", slow)]);
}

/// The tool at work on the lab, which is in this state meanwhile.
fn at_work(lab: &Lab, arguments: &[&str], state: &str) -> Child {
    let child = lab.spawn(arguments);
    eventually(&format!("lab is {state}"), || {
        let labs = lab.list("labs", &["lab", "ls", "--json"]);
        // Its nodes are there already, so that nothing but it changes anything.
        labs[0]["state"] == state && lab.run(&["exec", "t.a", "--", "pidof", "sleep"]).status == 0
    });
    child
}

pub fn a_lab_that_somebody_is_at_work_on_is_left_alone(lab: &Lab) {
    let before = lab.state();
    write_slow();
    let up = at_work(lab, &["up", "--quiet", FILE], "being made");
    for arguments in CHANGES.iter().chain([&&["cleanup"][..]]) {
        let says = format!("lab t is being made, by process {}; wait", up.id());
        lab.refuses(arguments, &says);
    }
    fs::write("/run/go", "").unwrap();
    assert!(up.wait_with_output().unwrap().status.success());
    assert_eq!(lab.list("labs", &["lab", "ls", "--json"])[0]["state"], "up");

    // What a restart ends and starts is not changed by another meanwhile.
    fs::remove_file("/run/go").unwrap();
    let restart = lab.spawn(&["lab", "restart", "a"]);
    let says = format!("by process {}; wait", restart.id());
    eventually("the restart is at work", || {
        lab.run(&["plan", FILE]).err.contains(&says)
    });
    eventually("the command is started", || {
        lab.run(&["exec", "t.a", "--", "pidof", "sleep"]).status == 0
    });
    for arguments in CHANGES {
        lab.refuses(arguments, &says);
    }
    fs::write("/run/go", "").unwrap();
    assert!(restart.wait_with_output().unwrap().status.success());
    lab.pernet(&["plan", FILE]);
    lab.pernet(&["down", "t"]);
    fs::remove_file(FILE).unwrap();
    fs::remove_file("/run/go").unwrap();
    eventually("all is gone", || lab.state() == before);
}

pub fn a_lab_whose_maker_died_says_so(lab: &Lab) {
    write_slow();
    let mut up = at_work(lab, &["up", "--quiet", FILE], "being made");
    up.kill().unwrap();
    up.wait().unwrap();
    // Nothing of it stays in the node.
    eventually("the command is on its own", || {
        let shown = lab.json(&["node", "show", "t.a", "--json"]);
        let processes = shown["processes"].as_array().unwrap().iter();
        let mut commands = processes.map(|process| process["command"].as_str().unwrap());
        !commands.any(|command| command.contains(FILE))
    });
    lab.refuses(
        &["up", FILE],
        "left half made by a run that died; `pernet down t`",
    );
    let labs = lab.list("labs", &["lab", "ls", "--json"]);
    assert_eq!(labs[0]["state"], "half made");
    lab.pernet(&["down", "t"]);
    reap();

    // A restart that dies leaves a lab that can be restarted.
    fs::write("/run/go", "").unwrap();
    lab.pernet(&["up", "--quiet", FILE]);
    fs::remove_file("/run/go").unwrap();
    let mut restart = lab.spawn(&["lab", "restart", "a"]);
    let says = format!("by process {}", restart.id());
    eventually("the restart is at work", || {
        lab.run(&["plan", FILE]).err.contains(&says)
    });
    restart.kill().unwrap();
    restart.wait().unwrap();
    fs::write("/run/go", "").unwrap();
    lab.pernet(&["lab", "restart", "a"]);
    lab.pernet(&["plan", FILE]);
}

pub fn a_lab_is_changed_from_where_it_was_made(lab: &Lab) {
    lab.command("ip", &["netns", "add", "other"]);
    let before = lab.state();
    write(&[]);
    let elsewhere = |arguments: &[&str]| {
        let there = ["exec", "/run/netns/other", "--", PERNET];
        [&there[..], arguments]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    lab.pernet(&["up", "--quiet", FILE]);
    let looks: &[&[&str]] = &[
        &["lab", "show", "t"],
        &["lab", "export", "t"],
        &["graph", "t"],
    ];
    for arguments in CHANGES.iter().chain(looks) {
        let arguments = elsewhere(arguments);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let says =
            "lab t was made from another network namespace; go there with `pernet exec cookie:";
        lab.refuses(&arguments, says);
    }
    lab.pernet(&["down", "t"]);

    // Bridges and ports have gone with the namespace.
    write(&[("kind = \"full\"", "kind = \"net-only\"")]);
    let up = elsewhere(&["up", "--quiet", FILE]);
    lab.pernet(&up.iter().map(String::as_str).collect::<Vec<_>>());
    lab.command("ip", &["netns", "del", "other"]);
    eventually("the namespace is gone", || {
        lab.run(&["lab", "show", "t"])
            .err
            .contains("is no more; `pernet down t`")
    });
    lab.pernet(&["down", "t"]);
    lab.pernet(&["cleanup"]);
    fs::remove_file(FILE).unwrap();
    lab.command("ip", &["netns", "add", "other"]);
    eventually("all is gone", || lab.state() == before);
}

pub fn how_nodes_are_is_shown(lab: &Lab) {
    write(&[]);
    lab.pernet(&["up", "--quiet", FILE]);
    let states = || {
        let shown = lab.json(&["lab", "show", "t", "--json"]);
        ["0", "1"].map(|node| {
            let pointer = format!("/nodes/{node}/state");
            shown
                .pointer(&pointer)
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        })
    };
    assert_eq!(states(), ["running", "present"]);
    lab.pernet(&["node", "stop", "t.a"]);
    lab.pernet(&["node", "del", "t.b"]);
    assert_eq!(states(), ["stopped", "gone"]);
    let shown = lab.pernet(&["lab", "show", "t"]);
    let line = shown.lines().find(|line| line.starts_with("b ")).unwrap();
    assert!(line.contains(" gone "), "{shown}");
}
