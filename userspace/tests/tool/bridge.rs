// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet bridge`.

use serde_json::json;

use crate::lab::Lab;

pub fn bridges_are_listed_with_their_ports(lab: &Lab) {
    assert_eq!(lab.list("bridges", &["bridge", "ls", "--json"]), json!([]));
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "empty"]);
    lab.pernet(&["bridge", "add", "slow", "--forward-delay", "4"]);
    lab.pernet(&["link", "add", "n1:eth0", "p0", "--bridge", "empty"]);
    lab.pernet(&["link", "add", "n1:eth1", "p1", "--bridge", "empty"]);
    lab.pernet(&["link", "del", "p0"]);
    lab.pernet(&["link", "del", "p1"]);
    lab.pernet(&["link", "add", "n1:eth0", "p0", "--bridge", "slow"]);
    let bridges = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(
        (&bridges[0]["name"], &bridges[0]["ports"]),
        (&json!("empty"), &json!([]))
    );
    assert_eq!(
        (&bridges[1]["name"], &bridges[1]["forward_delay"]),
        (&json!("slow"), &json!(4))
    );
    assert_eq!(bridges[1]["ports"][0]["name"], "p0");

    let id = bridges[1]["id"].as_str().unwrap();
    let state = bridges[1]["ports"][0]["state"].as_str().unwrap();
    let table = lab.pernet(&["bridge", "ls"]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["BRIDGE", "ID", "STP", "PORT", "STATE"]);
    assert_eq!(rows[1][0], "empty");
    assert_eq!(rows[2], ["slow", id, "off", "p0", state]);
}

pub fn only_bridges_of_pernet_are_deleted(lab: &Lab) {
    lab.refuses(&["bridge", "del", "br"], "there is no bridge br here");
    lab.refuses(&["bridge", "del", "lo"], "not a bridge");
    lab.command("ip", &["link", "add", "foreign", "type", "bridge"]);
    lab.refuses(&["bridge", "del", "foreign"], "`ip link del foreign`");
    lab.refuses(
        &["bridge", "add", "foreign"],
        "a device foreign here already",
    );

    // Another name does not make it another's.
    lab.pernet(&["bridge", "add", "br"]);
    lab.refuses(&["bridge", "add", "br"], "a device br here already");
    lab.command("ip", &["link", "set", "dev", "br", "name", "renamed"]);
    lab.pernet(&["bridge", "del", "renamed"]);

    // Its name does not make another ours.
    lab.pernet(&["bridge", "add", "br"]);
    lab.command("ip", &["link", "del", "dev", "br"]);
    lab.command("ip", &["link", "add", "name", "br", "type", "bridge"]);
    lab.refuses(&["bridge", "del", "br"], "not made by pernet");
    lab.command("ip", &["link", "del", "dev", "br"]);

    // Nor is the same name in another namespace.
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&[
        "exec",
        "n1",
        "--",
        crate::lab::PERNET,
        "bridge",
        "add",
        "br",
    ]);
    lab.pernet(&["bridge", "del", "br"]);
    lab.pernet(&[
        "exec",
        "n1",
        "--",
        crate::lab::PERNET,
        "bridge",
        "del",
        "br",
    ]);
    assert_eq!(
        std::fs::read_dir("/run/pernet/bridges").unwrap().count(),
        0,
        "records are left"
    );
}

pub fn spanning_tree_has_its_limits(lab: &Lab) {
    lab.pernet(&["bridge", "add", "br", "--stp"]);
    let bridges = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(
        (&bridges[0]["stp"], &bridges[0]["forward_delay"]),
        (&json!(true), &json!(15))
    );
    lab.pernet(&["bridge", "del", "br"]);
    lab.pernet(&["bridge", "add", "br", "--stp", "--forward-delay", "2"]);
    lab.refuses(
        &["bridge", "add", "b2", "--stp", "--forward-delay", "1"],
        "2 to 30 seconds",
    );
    lab.refuses(
        &["bridge", "add", "b2", "--stp", "--forward-delay", "31"],
        "2 to 30 seconds",
    );
    lab.refuses(&["bridge", "add", "b2", "--forward-delay", "-1"], "-1");
    lab.refuses(&["bridge", "add", "a-bridge-too-long"], "17 bytes");
}
