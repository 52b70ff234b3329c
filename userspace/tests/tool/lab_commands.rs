// SPDX-License-Identifier: MIT OR Apache-2.0

//! Commands of a lab: when they are started, again or not, and when they end.

use std::fs;

use crate::lab::{Lab, eventually};
use crate::labs::{FILE, NODE_THAT_FAILS, in_node, index, write};

pub fn commands_are_started_and_waited_for(lab: &Lab) {
    write(&[(
        "[nodes.b]",
        r#"commands = [
  { name = "first", run = "sleep 0.2; echo is up; exec sleep 1000", ready = { output = "is up" } },
  { name = "then", run = "sleep 0.1; touch /run/then; exec sleep 1001", ready = { file = "/run/then" } },
  { name = "probe", run = "exec sleep 1002", ready = { command = ["test", "-e", "/run/then"] } },
]
[nodes.b]"#,
    )]);
    lab.pernet(&["up", FILE]);
    let log = fs::read_to_string("/run/pernet/log/t.a").unwrap();
    assert!(log.contains("is up"), "{log}");
    assert!(fs::exists("/run/then").unwrap());
    let count = || {
        let shown = lab.json(&["node", "show", "t.a", "--json"]);
        shown["processes"].as_array().unwrap().len()
    };
    // The shells become what they are to be after they said that they are ready.
    eventually("three commands run", || count() == 4);
    let shown = lab.json(&["node", "show", "t.a", "--json"]);

    // Its processes begin anew, its links stay.
    let eth0 = index(lab, "t.a", "eth0");
    lab.pernet(&["lab", "restart", "a"]);
    let again = lab.json(&["node", "show", "t.a", "--json"]);
    eventually("three commands run again", || count() == 4);
    assert_ne!(again["pid"], shown["pid"]);
    assert_eq!(index(lab, "t.a", "eth0"), eth0);
    assert_eq!(lab.pernet(&["exec", "t.a", "--", "hostname"]), "a\n");
    in_node(lab, "t.a", &["ping", "-c", "1", "-W", "1", "10.0.0.2"]);
    lab.pernet(&["down", "t"]);

    let before = lab.state();
    let failing = "commands = [{ name = \"c\", run = \"echo broken; exit 3\", ready = { tcp = 80 } }]\n[nodes.b]";
    write(&[("[nodes.b]", failing)]);
    let says = "ended with status 3 before it was ready; it wrote: broken";
    lab.refuses_and_is_as_before(&["up", FILE], says);
    let slow = "commands = [{ name = \"c\", run = \"sleep 1000\", ready = { tcp = 80 }, timeout = \"200ms\" }]\n[nodes.b]";
    write(&[("[nodes.b]", slow)]);
    lab.refuses_and_is_as_before(&["up", FILE], "not ready after 200ms");
    eventually("all is as before", || lab.state() == before);
}

/// Whether a change had come to commands or not when it failed.
pub fn what_runs_is_not_started_again_by_a_change_that_fails(lab: &Lab) {
    let commands = |run: &str, more: &str| {
        let log = "echo $$ >> /run/started; exec sleep 1000";
        let node = format!(
            "commands = [{{ name = \"kept\", run = \"{log}\" }}, {{ name = \"other\", run = \"{run}\" }}{more}]\n"
        );
        write(&[("[nodes.b]", &format!("{node}[nodes.d]\n{node}[nodes.b]"))]);
    };
    let other = "echo $$ >> /run/started; exec sleep 1001";
    commands(other, "");
    lab.pernet(&["up", "--quiet", FILE]);
    // In each of two nodes.
    let started = || fs::read_to_string("/run/started").unwrap();
    eventually("four commands run", || started().lines().count() == 4);
    let before = started();

    // A node that goes, commands that go, and one that fails before it came to that.
    let first = fs::read_to_string(FILE).unwrap();
    let gone = (
        first.find("[nodes.d]").unwrap(),
        first.find("[nodes.b]").unwrap(),
    );
    let without = first.replace(&first[gone.0..gone.1], "");
    let text = without
        .replace(other, "exec sleep 1002")
        .replace("[nodes.b]", &(NODE_THAT_FAILS.to_string() + "[nodes.b]"));
    fs::write(FILE, text).unwrap();
    lab.refuses_and_is_as_before(&["up", "--quiet", FILE], "cannot set up node c");
    assert_eq!(started(), before);

    // And after it had.
    let fails = ", { name = \"fails\", run = \"exit 3\", ready = \"exit\" }";
    commands(other, fails);
    let failed = lab.run(&["up", "--quiet", FILE]);
    assert!(failed.err.contains("ended with status 3"), "{}", failed.err);
    assert_eq!(started(), before);
    let processes = |node: &str| {
        let shown = lab.json(&["node", "show", node, "--json"]);
        shown["processes"].as_array().unwrap().len()
    };
    assert_eq!((processes("t.a"), processes("t.d")), (3, 3));
}
