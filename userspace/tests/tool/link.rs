// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet link`, and the example it was made for.

use serde_json::{Value, json};

use crate::lab::Lab;

/// The first line of /proc/net/snmp for `protocol`, as names and numbers.
fn snmp(lab: &Lab, node: &str, protocol: &str) -> Vec<(String, u64)> {
    let text = lab.pernet(&["exec", node, "--", "cat", "/proc/net/snmp"]);
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{protocol}: ")));
    let (names, numbers) = (lines.next().unwrap(), lines.next().unwrap());
    let numbers = numbers.split(' ').map(|number| number.parse().unwrap());
    names.split(' ').map(str::to_owned).zip(numbers).collect()
}

/// Counters of IPv6 that are not zero.
fn snmp6(lab: &Lab, node: &str) -> Vec<String> {
    let text = lab.pernet(&["exec", node, "--", "cat", "/proc/net/snmp6"]);
    let used = |line: &&str| line.split_whitespace().last() != Some("0");
    text.lines().filter(used).map(str::to_owned).collect()
}

fn addresses(lab: &Lab, node: &str, device: &str) -> Value {
    let text = lab.command(
        "ip",
        &["-n", node, "-j", "-d", "addr", "show", "dev", device],
    );
    let devices: Value = serde_json::from_str(&text).unwrap();
    devices
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["ifname"] == device)
        .cloned()
        .unwrap()
}

/// The example of the founding document, by the tool's own commands.
pub fn the_wikis_lab(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["bridge", "add", "b.1.1"]);
    let before = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(
        lab.pernet(&[
            "link",
            "add",
            "n1:eth0=10.0.0.1/24",
            "n1.0.1",
            "--bridge",
            "b.1.1"
        ]),
        ""
    );
    assert_eq!(
        lab.pernet(&[
            "link",
            "add",
            "n2:eth0=10.0.0.2/24",
            "n2.0.1",
            "--bridge",
            "b.1.1"
        ]),
        ""
    );

    let bridges = lab.list("bridges", &["bridge", "ls", "--json"]);
    assert_eq!(bridges.as_array().unwrap().len(), 1);
    let bridge = &bridges[0];
    assert_eq!(bridge["name"], "b.1.1");
    assert_eq!(
        (&bridge["stp"], &bridge["forward_delay"], &bridge["up"]),
        (&json!(false), &json!(0), &json!(true))
    );
    assert_eq!(
        bridge["id"], before[0]["id"],
        "ports must not change the bridge's id"
    );
    let ports: Vec<_> = bridge["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| (&port["name"], &port["state"]))
        .collect();
    let forwarding = json!("forwarding");
    assert_eq!(
        ports,
        [
            (&json!("n1.0.1"), &forwarding),
            (&json!("n2.0.1"), &forwarding)
        ]
    );

    let ping = lab.pernet(&[
        "exec", "n1", "--", "ping", "-c", "3", "-i", "0.2", "-W", "5", "10.0.0.2",
    ]);
    assert!(ping.contains("3 packets transmitted, 3 received"), "{ping}");
    for node in ["n1", "n2"] {
        let ip = snmp(lab, node, "Ip");
        let count = |name: &str| ip.iter().find(|(found, _)| found == name).unwrap().1;
        assert_eq!(
            (
                count("InReceives"),
                count("InDelivers"),
                count("OutRequests")
            ),
            (3, 3, 3),
            "{node}"
        );
        assert_eq!(snmp6(lab, node), Vec::<String>::new(), "{node}");
    }

    lab.pernet(&["node", "del", "n1", "n2"]);
    lab.pernet(&["bridge", "del", "b.1.1"]);
    assert_eq!(lab.list("bridges", &["bridge", "ls", "--json"]), json!([]));
    let left = lab.state().into_iter().filter(|entry| entry != "here: lo");
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
}

pub fn two_nodes_without_a_bridge(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["link", "add", "n1:eth0=10.0.0.1/31", "n2:eth0=10.0.0.0/31"]);
    for (node, own) in [("n1", "10.0.0.1"), ("n2", "10.0.0.0")] {
        let device = addresses(lab, node, "eth0");
        assert_eq!(device["operstate"], "UP");
        let found = device["addr_info"].as_array().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0]["local"], &found[0]["prefixlen"]),
            (&json!(own), &json!(31))
        );
    }
    // Both ends in one node, and both here.
    lab.pernet(&["link", "add", "n1:a", "n1:b"]);
    lab.pernet(&["link", "add", "a", "b"]);
    // One end here, and it may be named first.
    lab.pernet(&["link", "add", "c", "n2:c"]);
    let ends = ["here: a", "here: b", "here: c", "n1: a", "n1: b", "n2: c"];
    let state = lab.state();
    assert!(ends.iter().all(|end| state.contains(*end)), "{state:?}");
}

pub fn settings_are_applied(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "a-node-with-a-long-name"]);
    lab.pernet(&["bridge", "add", "br"]);
    let end = "n1:eth0=02:00:00:00:00:0a,10.0.0.1/24,192.0.2.1/32,fd00::1/64";
    assert_eq!(
        lab.pernet(&["link", "add", end, "--bridge", "br", "--mtu", "1400"]),
        "n1.eth0\n"
    );
    let device = addresses(lab, "n1", "eth0");
    assert_eq!(device["address"], "02:00:00:00:00:0a");
    assert_eq!(device["mtu"], 1400);
    let found = device["addr_info"].as_array().unwrap();
    let global: Vec<_> = found
        .iter()
        .filter(|address| address["scope"] == "global")
        .collect();
    let fields = |name: &str| {
        global
            .iter()
            .map(|address| address[name].clone())
            .collect::<Value>()
    };
    assert_eq!(fields("local"), json!(["10.0.0.1", "192.0.2.1", "fd00::1"]));
    assert_eq!(fields("prefixlen"), json!([24, 32, 64]));
    assert_eq!(fields("broadcast"), json!(["10.0.0.255", null, null]));
    let port: Value =
        serde_json::from_str(&lab.command("ip", &["-j", "link", "show", "n1.eth0"])).unwrap();
    assert_eq!(
        (&port[0]["mtu"], &port[0]["master"]),
        (&json!(1400), &json!("br"))
    );

    // A name that does not fit is shortened, and always in the same way.
    let name = lab.pernet(&[
        "link",
        "add",
        "a-node-with-a-long-name:eth0",
        "--bridge",
        "br",
    ]);
    let name = name.trim();
    assert!(name.len() == 15 && name.starts_with("a-nod."), "{name}");
    lab.pernet(&["link", "del", name]);
    let again = lab.pernet(&[
        "link",
        "add",
        "a-node-with-a-long-name:eth0",
        "--bridge",
        "br",
    ]);
    assert_eq!(again.trim(), name);
}

pub fn ipv6_is_ready_at_once(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["link", "add", "n1:eth0=fd00::1/64", "n2:eth0=fd00::2/64"]);
    let ping = lab.pernet(&["exec", "n1", "--", "ping", "-c", "1", "-W", "5", "fd00::2"]);
    assert!(ping.contains("1 received"), "{ping}");
}

pub fn nothing_is_sent_unasked(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0=10.0.0.1/24", "--bridge", "br"]);
    lab.pernet(&["link", "add", "n2:eth0=10.0.0.2/24", "--bridge", "br"]);
    lab.pernet(&["link", "add", "n1:eth1", "n2:eth1", "--mtu", "1000"]);
    // Reports and solicitations would come within the first seconds.
    std::thread::sleep(std::time::Duration::from_secs(3));
    for node in ["n1", "n2"] {
        let quiet = ["Forwarding", "DefaultTTL"];
        let ip = snmp(lab, node, "Ip");
        let seen: Vec<_> = ip
            .iter()
            .filter(|(name, count)| *count != 0 && !quiet.contains(&&**name))
            .collect();
        assert_eq!(seen, Vec::<&(String, u64)>::new(), "{node}");
        assert_eq!(snmp6(lab, node), Vec::<String>::new(), "{node}");
    }
}

pub fn wrong_links_change_nothing(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0", "port", "--bridge", "br"]);
    for (arguments, says) in [
        (&["n1:eth1"][..], "required"),
        (&["n1:eth1", "n1:eth1"], "both ends are n1:eth1"),
        (
            &["n1:eth0", "n2:eth0"],
            "there is a device eth0 in n1 already",
        ),
        (
            &["n2:eth0", "n1:eth0"],
            "there is a device eth0 in n1 already",
        ),
        (&["n1:eth1", "port"], "a device port here already"),
        (
            &["n1:eth0", "--bridge", "br"],
            "there is a device eth0 in n1 already",
        ),
        (&["n1:eth1", "none:eth0"], "is called `none`"),
        (&["n1:a-device-too-long", "n2:eth0"], "17 bytes"),
        (&["n1:eth1=10.0.0.1", "n2:eth0"], "no prefix length"),
        (&["n1:eth1=10.0.0.1/33", "n2:eth0"], "prefix length"),
        (&["n1:eth1", "--bridge", "none"], "`pernet bridge add none`"),
        (&["n1:eth1", "--bridge", "lo"], "not a bridge"),
        (
            &["n1:eth1", "--bridge", "port"],
            "of kind veth, not a bridge",
        ),
        (
            &["n1:eth1", "n2:eth1", "--bridge", "br"],
            "not in that node",
        ),
        (
            &["n1:eth1", "x=10.0.0.1/24", "--bridge", "br"],
            "no use for an address",
        ),
        (&["eth1", "--bridge", "br"], "second END"),
        (&["n1:eth1", "n2:eth1", "--mtu", "67"], "67"),
        (&["n1:eth1=fd00::1/64", "n2:eth1", "--mtu", "1279"], "1280"),
    ] {
        lab.refuses(&[&["link", "add"], arguments].concat(), says);
    }
    lab.refuses(&["link", "del", "n1:none"], "no link at n1:none");
    lab.refuses(&["link", "del", "br"], "of kind bridge");
    lab.refuses(&["link", "del", "n1:lo"], "not the end of a link");
}

pub fn a_failure_in_the_middle_undoes_the_link(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["bridge", "add", "br"]);
    // The kernel refuses this only after the link is made.
    lab.pernet(&[
        "exec",
        "n1",
        "--",
        "sh",
        "-c",
        "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6",
    ]);
    lab.refuses(
        &["link", "add", "n1:eth0=fd00::1/64", "n2:eth0"],
        "address fd00::1/64",
    );
    lab.refuses(
        &["link", "add", "n2:eth0", "n1:eth0=10.0.0.1/24,fd00::1/64"],
        "Permission denied",
    );
    lab.refuses(
        &["link", "add", "n1:eth0=fd00::1/64", "--bridge", "br"],
        "address fd00::1/64",
    );
    lab.pernet(&["link", "add", "n1:eth0=10.0.0.1/24", "n2:eth0"]);
}

pub fn links_are_deleted_by_either_end(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    let before = lab.state();
    for end in ["n1:a", "n2:b"] {
        lab.pernet(&["link", "add", "n1:a", "n2:b"]);
        lab.pernet(&["link", "del", end]);
        assert_eq!(lab.state(), before);
    }
}
