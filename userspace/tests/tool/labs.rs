// SPDX-License-Identifier: MIT OR Apache-2.0

//! Labs: made, changed and removed as a whole.

use std::fs;

use serde_json::{Value, json};

use crate::lab::{Lab, eventually};

/// Two nodes with a link between them and one to a bridge each.
pub const FILE: &str = "/run/lab.toml";
const TEXT: &str = r#"
name = "t"

[nodes.a]
kind = "full"
sysctls = { "net.ipv4.ip_forward" = 1 }
routes = [{ to = "192.168.0.0/16", via = "10.0.0.2" }]

[nodes.b]
kind = "net-only"

[bridges.s]

[[links]]
ends = ["a:eth0=10.0.0.1/24", "s"]

[[links]]
ends = ["b:eth0=10.0.0.2/24", "s"]

[[links]]
ends = ["a:eth1=10.1.0.1/24", "b:eth1=10.1.0.2/24"]
"#;

/// One that cannot be set up: a change that it is in fails before it comes to links
/// and commands.
pub const NODE_THAT_FAILS: &str = "\
[nodes.c]
kind = \"net-only\"
sysctls = { \"net.ipv4.ip_forward\" = \"no number\" }
";

/// The lab file with this in the place of that.
pub fn write(replacements: &[(&str, &str)]) {
    let mut text = TEXT.to_owned();
    for (old, new) in replacements {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    fs::write(FILE, text).unwrap();
}

/// What `ip` says of all addresses, routes and devices, numbers aside, in every
/// named namespace and here.
pub fn told_by_ip(lab: &Lab) -> Vec<String> {
    let mut told = Vec::new();
    let mut tell = |place: &str, arguments: &[&str]| {
        let said = lab.command("ip", arguments);
        told.push(format!("{place} {arguments:?}: {said}"));
    };
    for what in [["-br", "address"], ["-4", "route"]] {
        tell("here", &what);
    }
    let mut names: Vec<_> = crate::lab::names();
    names.sort();
    for name in names {
        for what in [["-br", "address"], ["-4", "route"]] {
            let arguments = [&["-n", &name][..], &what].concat();
            tell(&name, &arguments);
        }
    }
    // Ethernet addresses are drawn, and numbers of devices go on.
    told.iter().map(|text| without_numbers(text)).collect()
}

fn without_numbers(text: &str) -> String {
    let word = |word: &str| match word.split_once("@if") {
        Some((name, _)) => name.to_owned(),
        None if word.matches(':').count() == 5 => "MAC".to_owned(),
        None => word.to_owned(),
    };
    let line = |line: &str| {
        line.split_whitespace()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

pub fn plan(lab: &Lab) -> (i32, Vec<Value>) {
    let outcome = lab.run(&["plan", FILE, "--json"]);
    assert_eq!(outcome.err, "");
    let steps: Value = serde_json::from_str(&outcome.out).unwrap();
    (outcome.status, steps["steps"].as_array().unwrap().clone())
}

pub fn in_node(lab: &Lab, name: &str, arguments: &[&str]) -> String {
    let netns = format!("/run/netns/{name}");
    lab.pernet(&[&["exec", &netns, "--"][..], arguments].concat())
}

pub fn addresses(lab: &Lab, name: &str, device: &str) -> Vec<String> {
    let said = lab.command("ip", &["-n", name, "-j", "address", "show", device]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let of = |address: &Value| {
        format!(
            "{}/{}",
            address["local"].as_str().unwrap(),
            address["prefixlen"]
        )
    };
    said[0]["addr_info"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect()
}

pub fn index(lab: &Lab, name: &str, device: &str) -> u64 {
    let said = lab.command("ip", &["-n", name, "-j", "link", "show", device]);
    let said: Value = serde_json::from_str(&said).unwrap();
    said[0]["ifindex"].as_u64().unwrap()
}

pub fn a_lab_is_made_and_removed(lab: &Lab) {
    write(&[]);
    let before = lab.state();
    assert_eq!(plan(lab).0, 4);
    assert_eq!(lab.state(), before);
    let said = lab.pernet(&["up", FILE]);
    let signs: Vec<_> = said.lines().map(|line| &line[..6]).collect();
    assert_eq!(
        signs,
        ["+ node", "+ node", "+ brid", "+ link", "+ link", "+ link"]
    );

    assert_eq!(lab.nodes(), ["t.a", "t.b"]);
    assert_eq!(addresses(lab, "t.a", "eth0"), ["10.0.0.1/24"]);
    assert_eq!(addresses(lab, "t.b", "eth1"), ["10.1.0.2/24"]);
    // It can be used at once.
    in_node(lab, "t.a", &["ping", "-c", "1", "-W", "1", "10.0.0.2"]);
    in_node(lab, "t.b", &["ping", "-c", "1", "-W", "1", "10.1.0.1"]);
    assert_eq!(
        in_node(lab, "t.a", &["cat", "/proc/sys/net/ipv4/ip_forward"]),
        "1\n"
    );
    let routes = lab.command("ip", &["-n", "t.a", "route", "show", "192.168.0.0/16"]);
    assert!(routes.contains("via 10.0.0.2 dev eth0"), "{routes}");
    // The node is a node, with the name that it has in the lab.
    assert_eq!(lab.pernet(&["exec", "t.a", "--", "hostname"]), "a\n");
    // Nobody asked for IPv6.
    let silent = in_node(
        lab,
        "t.b",
        &["cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"],
    );
    assert_eq!(silent, "1\n");

    assert_eq!(plan(lab), (0, Vec::new()));
    assert_eq!(lab.pernet(&["up", FILE]), "");
    let labs = lab.list("labs", &["lab", "ls", "--json"]);
    assert_eq!(
        (&labs[0]["name"], &labs[0]["state"]),
        (&"t".into(), &"up".into())
    );
    assert_eq!(
        (&labs[0]["nodes"], &labs[0]["links"]),
        (&2.into(), &3.into())
    );
    assert_eq!(
        lab.json(&["lab", "show", "t", "--json"])["nodes"][0]["netns"],
        "t.a"
    );

    lab.pernet(&["down", "t"]);
    assert_eq!(lab.state(), before);
    assert_eq!(lab.list("labs", &["lab", "ls", "--json"]), json!([]));
}

pub fn a_change_is_the_smallest_that_leads_to_the_file(lab: &Lab) {
    write(&[]);
    lab.pernet(&["up", FILE]);
    let pid = lab.json(&["node", "show", "t.a", "--json"])["pid"].clone();
    let (eth0, eth1) = (index(lab, "t.a", "eth0"), index(lab, "t.a", "eth1"));
    write(&[
        ("10.0.0.1/24", "10.0.0.3/24"),
        ("ip_forward\" = 1", "ip_forward\" = 0"),
        ("192.168.0.0/16", "192.168.1.0/24"),
        ("[bridges.s]", "[bridges.s]\nstp = true\nforward-delay = 2"),
        ("[nodes.b]", "[nodes.c]\nkind = \"net-only\"\n[nodes.b]"),
    ]);
    let (status, steps) = plan(lab);
    assert_eq!(status, 4);
    let told = |step: &Value| {
        let [action, kind, name] =
            ["action", "kind", "name"].map(|key| step[key].as_str().unwrap());
        format!("{action} {kind} {name}")
    };
    let told: Vec<_> = steps.iter().map(told).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.contains(&"add node c".to_owned()), "{told:?}");
    assert!(told.contains(&"change node a".to_owned()), "{told:?}");
    assert!(told.contains(&"change bridge s".to_owned()), "{told:?}");
    lab.pernet(&["up", FILE]);
    assert_eq!(addresses(lab, "t.a", "eth0"), ["10.0.0.3/24"]);
    assert_eq!(
        in_node(lab, "t.a", &["cat", "/proc/sys/net/ipv4/ip_forward"]),
        "0\n"
    );
    let routes = lab.command("ip", &["-n", "t.a", "route"]);
    assert!(routes.contains("192.168.1.0/24 via 10.0.0.2"), "{routes}");
    assert!(!routes.contains("192.168.0.0/16"), "{routes}");
    let bridges = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(
        (&bridges[0]["stp"], &bridges[0]["forward_delay"]),
        (&true.into(), &2.into())
    );
    assert_eq!(lab.nodes(), ["t.a", "t.b", "t.c"]);
    // What did not change is the same as before.
    assert_eq!(lab.json(&["node", "show", "t.a", "--json"])["pid"], pid);
    assert_eq!(
        (index(lab, "t.a", "eth0"), index(lab, "t.a", "eth1")),
        (eth0, eth1)
    );

    // And back.
    write(&[]);
    lab.pernet(&["up", FILE]);
    assert_eq!(lab.nodes(), ["t.a", "t.b"]);
    assert_eq!(addresses(lab, "t.a", "eth0"), ["10.0.0.1/24"]);
    assert_eq!(index(lab, "t.a", "eth0"), eth0);
    assert_eq!(plan(lab), (0, Vec::new()));
}

pub fn what_others_took_away_is_made_again(lab: &Lab) {
    write(&[]);
    lab.pernet(&["up", FILE]);
    lab.pernet(&["node", "del", "t.b"]);
    let (_, steps) = plan(lab);
    assert_eq!(steps.len(), 3, "{steps:?}");
    lab.pernet(&["up", FILE]);
    in_node(lab, "t.a", &["ping", "-c", "1", "-W", "1", "10.0.0.2"]);
    in_node(lab, "t.a", &["ping", "-c", "1", "-W", "1", "10.1.0.2"]);
}

pub fn addresses_are_tried_for_duplicates_where_asked(lab: &Lab) {
    // Node b has an address more than its file says, which a node that is new wants.
    let of = |address: &str| {
        let new = format!(
            "[nodes.c]\ndad = true\nkind = \"net-only\"\n[[links]]\nends = [\"c:eth0={address}/64\", \"s\"]\n[nodes.b]"
        );
        write(&[
            ("a:eth0=10.0.0.1/24", "a:eth0=10.0.0.1/24,fd00::1/64"),
            ("b:eth0=10.0.0.2/24", "b:eth0=10.0.0.2/24,fd00::2/64"),
            ("[nodes.a]", "[nodes.a]\ndad = true"),
            ("[nodes.b]", &new),
        ]);
    };
    of("fd00::3");
    lab.pernet(&["up", FILE]);
    for name in ["t.a", "t.c"] {
        let said = lab.command("ip", &["-6", "-n", name, "-j", "address"]);
        let said: Value = serde_json::from_str(&said).unwrap();
        let devices = said.as_array().unwrap().iter();
        let addresses: Vec<_> = devices
            .flat_map(|device| device["addr_info"].as_array().unwrap())
            .filter(|address| address["local"].as_str().unwrap().starts_with("fd00::"))
            .collect();
        assert_eq!(addresses.len(), 1, "{said}");
        // That it was on trial is to be seen by what it no longer lacks.
        assert_eq!(
            (&addresses[0]["tentative"], &addresses[0]["nodad"]),
            (&Value::Null, &Value::Null)
        );
    }

    write(&[]);
    lab.pernet(&["up", FILE]);
    write(&[("10.0.0.2/24", "10.0.0.2/24,fd00::2/64")]);
    lab.pernet(&["up", FILE]);
    let taken = [
        "-n",
        "t.b",
        "address",
        "add",
        "fd00::3/64",
        "dev",
        "eth0",
        "nodad",
    ];
    lab.command("ip", &taken);
    let before = told_by_ip(lab);
    of("fd00::3");
    let outcome = lab.run(&["up", FILE]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(
        outcome
            .err
            .contains("node c is not ready: address fd00::3 is another's already"),
        "{}",
        outcome.err
    );
    assert_eq!(lab.nodes(), ["t.a", "t.b"]);
    assert_eq!(told_by_ip(lab), before);
    write(&[("10.0.0.2/24", "10.0.0.2/24,fd00::2/64")]);
    assert_eq!(plan(lab), (0, Vec::new()));
}

pub fn what_is_in_the_way_changes_nothing(lab: &Lab) {
    // And is told before.
    let refuses = |says: &str| {
        lab.refuses(&["up", FILE], says);
        lab.refuses(&["plan", FILE], says);
    };
    write(&[]);
    lab.command("ip", &["netns", "add", "t.b"]);
    refuses("network namespace called t.b exists already");
    lab.command("ip", &["netns", "del", "t.b"]);
    lab.command("ip", &["link", "add", "x", "type", "bridge"]);
    lab.command(
        "ip",
        &["link", "property", "add", "dev", "x", "altname", "t.s"],
    );
    refuses("there is a device t.s here already");
    lab.command("ip", &["link", "del", "x"]);
    write(&[("net.ipv4.ip_forward", "net.ipv4.no_such_thing")]);
    refuses("no_such_thing");
    write(&[(
        "kind = \"full\"",
        "kind = \"full\"\ncounting = { traffic = true }",
    )]);
    if !std::path::Path::new("/sys/module/pernet").exists() {
        refuses("the kernel module pernet is not loaded");
    }
    lab.refuses(&["down", "t"], "no lab is called t");
    lab.refuses(&["down", "t", "t"], "named twice");
    lab.refuses(&["lab", "restart", "a"], "no lab has a node called a");
}

pub fn a_lab_of_many_nodes_is_spread_over_the_cores(lab: &Lab) {
    let before = lab.state();
    for kind in ["full", "net-only"] {
        let mut text = "name = \"t\"\n[bridges.s]\n".to_owned();
        for node in 0..40 {
            text += &format!("[nodes.n{node}]\nkind = \"{kind}\"\n");
        }
        for node in 0..40 {
            text += &format!(
                "[[links]]\nends = [\"n{node}:eth0=10.0.0.{}/24\", \"s\"]\n",
                node + 1
            );
        }
        fs::write(FILE, &text).unwrap();
        lab.pernet(&["up", "--quiet", FILE]);
        assert_eq!(lab.nodes().len(), 40);
        in_node(lab, "t.n0", &["ping", "-c", "1", "-W", "1", "10.0.0.40"]);
        lab.pernet(&["down", "t"]);
        // One that fails among many.
        let wrong = "sysctls = { \"net.ipv4.ip_forward\" = \"no number\" }";
        fs::write(
            FILE,
            text.replace("[nodes.n30]", &format!("[nodes.n30]\n{wrong}")),
        )
        .unwrap();
        lab.refuses_and_is_as_before(&["up", FILE], "cannot set up node n30");
        fs::remove_file(FILE).unwrap();
    }
    eventually("all is gone", || lab.state() == before);
}
