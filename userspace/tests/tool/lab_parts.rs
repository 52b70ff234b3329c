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
    let ports = || lab.command("ip", &["-br", "link", "show", "type", "veth"]);
    for remove in [&["down", "t"][..], &["cleanup"]] {
        lab.pernet(&["up", FILE]);
        let listed = ports();
        assert_eq!(listed.lines().count(), 2, "{listed}");
        let said = lab.pernet(&["cleanup", "--dry-run"]);
        assert!(said.contains("\nlink t."), "{said}");
        // Wherever its ports are now, it is the lab's.
        let port = listed.split('@').next().unwrap();
        lab.command("ip", &["link", "set", port, "nomaster"]);
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

pub fn a_port_that_is_no_more_stops_a_change_before_it_begins(lab: &Lab) {
    write(&[]);
    lab.pernet(&["up", "--quiet", FILE]);
    lab.command("ip", &["link", "set", "t.b.eth0", "nomaster"]);
    let link = "[[links]]\nends = [\"b:eth0=10.0.0.2/24\", \"s\"]\n";
    write(&[(link, ""), ("[nodes.b]", "[nodes.c]\n[nodes.b]")]);
    let says = "device t.b.eth0 is no longer a port of bridge s";
    lab.refuses(&["up", FILE], says);
    lab.refuses(&["plan", FILE], says);
    lab.command("ip", &["link", "set", "t.b.eth0", "master", "t.s"]);
    lab.pernet(&["up", "--quiet", FILE]);
}

pub fn a_link_of_a_lab_is_the_labs(lab: &Lab) {
    let trunk = "[bridges.r]\n[[links]]\nends = [\"s\", \"r\"]\n[nodes.b]";
    write(&[("[nodes.b]", trunk)]);
    lab.pernet(&["up", "--quiet", FILE]);
    let pid = lab.json(&["node", "show", "t.a", "--json"])["pid"].to_string();
    let says = "it is one of lab t; take it out of /run/lab.toml, and `pernet up /run/lab.toml`";
    let trunk = lab.json(&["lab", "show", "t", "--json"]);
    let trunk = trunk["links"].as_array().unwrap().iter();
    let mut trunk = trunk.filter_map(|link| link["ends"]["trunk"][1]["device"]["name"].as_str());
    let inside = format!("pid:{pid}:eth0");
    for end in [
        "t.a:eth0",
        &inside,
        "t.b:eth1",
        "t.b.eth0",
        trunk.next().unwrap(),
    ] {
        lab.refuses(&["link", "del", end], says);
    }
    for (options, says) in [
        (
            ["--delay", "1ms", "--jitter", "2ms"],
            "`jitter` is more than",
        ),
        (
            ["--delay", "0ms", "--reorder", "1%"],
            "`reorder` is of packets",
        ),
    ] {
        let arguments = [&["link", "set", "a:eth0"][..], &options].concat();
        lab.refuses(&arguments, says);
    }
    // What is not the lab's goes, also in its nodes.
    lab.pernet(&["link", "add", "t.a:other", "here"]);
    lab.pernet(&["link", "del", "t.a:other"]);
    // Nor is that of nodes that are called on the machine as its are in the lab.
    lab.pernet(&["node", "add", "--net-only", "a", "b"]);
    lab.pernet(&["link", "add", "a:eth0", "b:eth0"]);
    lab.pernet(&["link", "del", "a:eth0"]);
}
