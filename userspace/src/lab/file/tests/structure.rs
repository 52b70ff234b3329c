// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names, devices, shapes and defaults.

use super::{ends, lab};
use crate::lab::model::{Ends, Lab, Place};

fn ports(lab: &Lab) -> Vec<String> {
    let ports = lab.links.iter().flat_map(|link| link.ports());
    ports.map(|port| port.place().to_string()).collect()
}

#[test]
fn an_empty_file_is_an_empty_lab() {
    let lab = lab("");
    assert_eq!((lab.name.as_str(), &*lab.prefix), ("lab", "lab."));
    assert!(lab.nodes.is_empty() && lab.bridges.is_empty() && lab.links.is_empty());
}

#[test]
fn devices_are_numbered_around_those_that_have_names() {
    let lab = lab(r#"
        nodes = { a = {}, b = {} }
        bridges = { s = { stp = true }, t = {} }
        links = [
          { ends = ["a", "b:eth1"] },
          { ends = ["a", "b"] },
          { ends = ["b", "a:eth0"] },
          { ends = ["s", "a:up"] },
          { ends = ["b", "s"] },
          { ends = ["s", "t"] },
          { ends = ["s:xy", "t"] },
        ]"#
    .replace("x=y", "xy")
    .as_str());
    assert_eq!(
        ends(&lab),
        [
            "a:eth1", "b:eth1", "a:eth2", "b:eth0", "b:eth2", "a:eth0", "a:up", "b:eth3"
        ]
    );
    assert_eq!(
        ports(&lab),
        ["s:a.up", "s:b.eth3", "s:s.t", "t:t.s", "s:xy", "t:t.s.2"]
    );
}

#[test]
fn a_link_is_the_same_whichever_end_is_said_first() {
    let one = lab("nodes = { a = {}, b = {} }\nlinks = [{ ends = [\"a:x\", \"b:y\"] }]");
    let other = lab("nodes = { a = {}, b = {} }\nlinks = [{ ends = [\"b:y\", \"a:x\"] }]");
    assert_eq!(one.links[0].key(), other.links[0].key());
    let place = |owner, device| Place { owner, device };
    assert_eq!(one.links[0].key(), [place("a", "x"), place("b", "y")]);
}

#[test]
fn names_on_the_machine_begin_with_the_labs() {
    let text = "nodes = { a = {} }\nbridges = { s = {} }\nlinks = [{ ends = [\"a\", \"s\"] }]";
    let lab = super::lab(text);
    assert_eq!(lab.nodes[0].netns.as_str(), "lab.a");
    assert_eq!(lab.bridges[0].device.name.as_str(), "lab.s");
    let Ends::Bridged { end, port } = &lab.links[0].ends else {
        panic!("{lab:?}");
    };
    assert_eq!(end.device.name.as_str(), "eth0");
    assert_eq!(port.device.name.as_str(), "lab.a.eth0");
    assert_eq!(port.device.altname, None);
}

#[test]
fn shapes_are_nodes_like_others() {
    let lab = lab(r#"
        shapes = [
          { shape = "star", size = 2, pool = "10.0.0.0/24" },
          { shape = "tree", depth = 1, fanout = 2, inner = "node", nodes = "t", mtu = 9000 },
        ]
        [nodes]
        n2 = { kind = "net-only" }
        gateway = {}
        [bridges.b1]
        stp = true
        [[links]]
        ends = ["gateway=10.0.0.254/24", "b1"]"#);
    assert_eq!(
        ends(&lab),
        [
            "n1:eth0 10.0.0.1/24",
            "n2:eth0 10.0.0.2/24",
            "t1:eth0",
            "t2:eth0",
            "t1:eth1",
            "t3:eth0",
            "gateway:eth0 10.0.0.254/24",
        ]
    );
    let names: Vec<_> = lab.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["n1", "n2", "t1", "t2", "t3", "gateway"]);
    assert!(lab.bridges[0].stp);
    assert_eq!(lab.bridges[0].forward_delay, 15);
    assert_eq!(lab.links[2].mtu, Some(9000));
}

#[test]
fn defaults_hold_where_nothing_else_is_said() {
    let lab = lab(r#"
        [defaults.nodes]
        kind = "net-only"
        sysctls.net.ipv4 = { ip_forward = true, tcp_syncookies = 0 }
        [defaults.bridges]
        vlan-filtering = true
        [defaults.links]
        mtu = 1400
        impairment = { delay = "1ms" }
        [nodes]
        a = {}
        b = { kind = "full", sysctls = { "net.ipv4.ip_forward" = 0 } }
        [bridges]
        s = {}
        t = { vlan-filtering = false }
        [[links]]
        ends = ["a", "b"]
        [[links]]
        ends = ["a", "s"]
        mtu = 1500
        impairment = {}"#);
    assert_eq!(lab.nodes[0].sysctls["net/ipv4/ip_forward"], "1");
    assert_eq!(lab.nodes[1].sysctls["net/ipv4/ip_forward"], "0");
    assert_eq!(lab.nodes[1].sysctls["net/ipv4/tcp_syncookies"], "0");
    assert!(lab.bridges[0].vlan_filtering && !lab.bridges[1].vlan_filtering);
    assert_eq!(
        (lab.links[0].mtu, lab.links[1].mtu),
        (Some(1400), Some(1500))
    );
    assert!(lab.links[0].node_ends().all(|end| end.impairment.is_some()));
    assert!(lab.links[1].node_ends().all(|end| end.impairment.is_none()));
}

#[test]
fn commands_have_names() {
    let lab = lab(r#"
        [nodes.a]
        commands = [
          "/usr/sbin/sshd -D",
          { run = ["/usr/sbin/sshd"] },
          { name = "sshd-2", run = "true" },
          "$(odd)",
          { run = "…" },
        ]"#);
    let names: Vec<_> = lab.nodes[0]
        .commands
        .iter()
        .map(|command| &*command.name)
        .collect();
    assert_eq!(names, ["sshd", "sshd-3", "sshd-2", "odd", "command"]);
}

#[test]
fn a_bridge_takes_as_many_ports_as_the_kernel() {
    let star = |size: usize| format!("shapes = [{{ shape = \"star\", size = {size} }}]");
    assert_eq!(lab(&star(1023)).links.len(), 1023);
    assert_eq!(
        super::wrong(&star(1024)),
        [
            "1:11: bridge `b1` would have 1024 ports, and the kernel allows 1023; link several bridges"
        ]
    );
}

#[test]
fn five_thousand_nodes_are_no_matter() {
    let text = r#"shapes = [{ shape = "tree", depth = 2, fanout = 71, pool = ["10.0.0.0/16", "fd00::/64"] }]"#;
    let lab = lab(text);
    assert_eq!((lab.nodes.len(), lab.bridges.len()), (5041, 72));
    let last = lab.ends().last().unwrap().1;
    assert_eq!(last.addresses[0].to_string(), "10.0.19.177/16");
}
