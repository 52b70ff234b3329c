// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is a lab's, and what other commands do with it.

use std::fs;

use crate::lab::{Lab, PERNET, eventually};
use crate::labs::{FILE, write};

/// They are in no namespace that goes.
pub fn links_between_bridges_go_with_the_lab(lab: &Lab) {
    let trunk = "name = \"t\"\n[bridges]\na = {}\nb = {}\n[[links]]\nends = [\"a\", \"b\"]\n";
    fs::write(FILE, trunk).unwrap();
    let before = lab.state();
    for remove in [&["down", "t"][..], &["cleanup"]] {
        lab.pernet(&["up", FILE]);
        let ports = lab.command("ip", &["-br", "link", "show", "type", "veth"]);
        assert_eq!(ports.lines().count(), 2, "{ports}");
        lab.pernet(remove);
        assert_eq!(lab.state(), before, "{remove:?}");
    }
    let fails = "[nodes.n]\ncommands = [{ name = \"no\", run = \"false\", ready = { output = \"never\" } }]\n";
    fs::write(FILE, format!("{trunk}{fails}")).unwrap();
    assert_eq!(lab.run(&["up", FILE]).status, 1);
    eventually("what failed is undone", || lab.state() == before);
}

pub fn cleanup_knows_labs(lab: &Lab) {
    let before = lab.state();
    write(&[]);
    lab.pernet(&["up", FILE]);
    let said = lab.pernet(&["cleanup", "--dry-run"]);
    assert_eq!(
        said,
        "lab t (up)\nnode t.a (running)\nnode t.b (present)\nbridge t.s\n"
    );
    assert_eq!(lab.pernet(&["cleanup"]), said);
    fs::remove_file(FILE).unwrap();
    eventually("all is gone", || lab.state() == before);
    assert!(fs::exists(PERNET).unwrap());
}
