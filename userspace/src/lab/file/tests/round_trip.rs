// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lab that is written is read as the same one.

use super::{example, lab};
use crate::lab::file::{parse, write};
use crate::lab::model::Lab;

fn goes_round(lab: &Lab) {
    let text = write(lab);
    match parse(&text, "written") {
        Ok(read) => assert_eq!(read, *lab, "{text}"),
        Err(problems) => panic!("{problems}\n{text}"),
    }
    let json = serde_json::to_string(lab).unwrap();
    assert_eq!(serde_json::from_str::<Lab>(&json).unwrap(), *lab);
}

#[test]
fn examples_go_round() {
    for (_, lab) in example::all() {
        goes_round(&lab);
    }
}

#[test]
fn what_is_written_is_legible() {
    let lab = example::all()
        .into_iter()
        .find(|(_, lab)| lab.name.as_str() == "wiki")
        .unwrap()
        .1;
    assert_eq!(
        write(&lab),
        r#"name = "wiki"
prefix = ""

[nodes]
n1 = {}
n2 = {}

[bridges]
"b.1.1" = {}

[[links]]
ends = ["n1:eth0=10.0.0.1/24", "b.1.1:n1.0.1"]

[[links]]
ends = ["n2:eth0=10.0.0.2/24", "b.1.1:n2.0.1"]
"#
    );
}

#[test]
fn odd_names_go_round() {
    goes_round(&lab(r#"
        name = "odd"
        [nodes]
        "a:b" = { routes = [{ to = "10.9.0.0/16", device = "a=b" }, { to = "::/0", device = "very-long-device-name" }] }
        "a = \"b\"" = {}
        "ü" = { sysctls = { "net/ipv4/conf/eth0.5/rp_filter" = 1, "net.ipv4.tcp_rmem" = "4096 1 2" } }
        [[links]]
        ends = [{ node = "a:b", device = "a=b" }, { node = "a = \"b\"", device = "e" }]
        [[links]]
        ends = ["a:b:very-long-device-name", "ü:eth0.5=fe80::1/64,10.0.0.1/24,02:00:00:00:00:01"]
        [[links]]
        ends = ["ü", "ü"]"#));
}

#[test]
fn every_setting_goes_round() {
    goes_round(&lab(r#"
        name = "all"
        prefix = "x-"
        [nodes.a]
        kind = "full"
        ipv6 = true
        dad = true
        loopback = ["10.255.0.1/32", "fd00:255::1/128"]
        counting = { traffic = false }
        routes = [
          { to = "default", via = "b", metric = 5 },
          { to = "10.7.0.0/16", via = "10.0.0.2", device = "eth0" },
          { to = "fd07::/16", via = "fe80::2", device = "eth0" },
          { to = "10.8.0.1", device = "eth0" },
        ]
        commands = [
          "echo \"quoted\" 'text'",
          { run = ["sh", "-c", " "], ready = "exit" },
          { name = "n", run = ["a", "b c", ""], environment = { A = "1", "B.C" = "" }, directory = "/x y" },
          { run = "x", ready = { udp = 53 }, timeout = "1.5s" },
          { run = "x", ready = { file = "/run/x" } },
          { run = "x", ready = { output = "ready: \"yes\"" } },
          { run = "x", ready = { command = ["true", "1"] } },
          { run = "x", ready = { command = "true && true" } },
        ]
        [nodes.b]
        kind = "net-only"
        ipv6 = false
        [nodes.c]
        [bridges]
        s = { stp = true, forward-delay = 4, mtu = 9000, multicast-snooping = true }
        t = { forward-delay = 4, vlan-filtering = true }
        [[links]]
        ends = ["a=10.0.0.1/24", "b=10.0.0.2/24"]
        impairment = { limit = 5 }
        [[links]]
        ends = ["s", { bridge = "t", vlan = 5, tagged = [6, 7], impairment = { loss = "100%" } }]
        [[links]]
        ends = [{ node = "c", mac = "02:00:00:00:00:0a", impairment = { rate = "1gbit", limit = 7 } }, "t"]
        mtu = 1300"#));
}

/// Labs of all shapes and sizes, with a bit of everything, in an order that is
/// the same each time.
#[test]
fn many_labs_go_round() {
    let shapes = ["line", "ring", "star", "mesh"];
    let pools = [
        "\"10.0.0.0/16\"",
        "[\"10.0.0.0/16\", \"fd00::/48\"]",
        "\"fd00::/48\"",
    ];
    let impairments = [
        "{}",
        "{ delay = \"1.5ms\", reorder = \"1%\" }",
        "{ rate = \"64kbit\" }",
    ];
    for (index, shape) in shapes.iter().cycle().take(48).enumerate() {
        let (pool, impairment) = (pools[index % 3], impairments[index / 3 % 3]);
        let size = 3 + index / 4;
        let ipv6 = ["", "ipv6 = true", "dad = true"][index % 5 % 3];
        goes_round(&lab(&format!(
            "shapes = [{{ shape = \"{shape}\", size = {size}, pool = {pool}, impairment = {impairment} }}]
            [defaults.nodes]
            sysctls = {{ \"net.ipv4.ip_forward\" = {} }}
            [nodes.n2]
            {ipv6}",
            index % 2
        )));
    }
}
