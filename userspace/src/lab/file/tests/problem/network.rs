// SPDX-License-Identifier: MIT OR Apache-2.0

//! Addresses, bridges and routes that cannot be.

use super::super::{lab, wrong};
use super::say;

#[test]
fn addresses_have_their_rules() {
    let link = |ends: &str, more: &str| {
        format!(
            "nodes = {{ a = {{}}, b = {{ ipv6 = false }} }}\nbridges = {{ s = {{}} }}\nlinks = [{{ ends = [{ends}]{more} }}]"
        )
    };
    for (ends, more, problem) in [
        (
            r#""a=10.0.0.1", "s""#,
            "",
            "3:23: link 1: address `10.0.0.1` has no prefix length; write `10.0.0.1/24` if its network is that wide",
        ),
        (
            r#""a=10.0.0.0/24", "s""#,
            "",
            "3:23: link 1: address 10.0.0.0/24 means the network itself",
        ),
        (
            r#""a=10.0.0.255/24", "s""#,
            "",
            "3:23: link 1: address 10.0.0.255/24 means everybody in it",
        ),
        (
            r#""a=127.0.0.1/8", "s""#,
            "",
            "3:23: link 1: address 127.0.0.1 is the loopback device's",
        ),
        (
            r#""b=fd00::1/64", "s""#,
            "",
            "3:23: link 1: address fd00::1/64 is IPv6, which node `b` is to have none of (`ipv6 = false`)",
        ),
        (
            r#""a=fd00::1/64", "s""#,
            ", mtu = 1279",
            "3:48: link 1: IPv6 takes an MTU of 1280 at least, not 1279",
        ),
        (
            r#""a", "s=10.0.0.1/24""#,
            "",
            "3:28: link 1: `s` is a bridge, whose ports have no address of their own",
        ),
        (
            r#""a=10.0.0.1/24", "b=10.0.0.2/25""#,
            "",
            "3:40: link 1: address 10.0.0.2/25 is in the network of 10.0.0.1/24 of line 3, but with another prefix length",
        ),
        (
            r#""a=03:00:00:00:00:01", "s""#,
            "",
            "3:23: link 1: `03:00:00:00:00:01` cannot be the address of one device",
        ),
        (
            r#""a", "s", "b""#,
            "",
            "3:12: link 1: a link has two `ends`, not 3",
        ),
        (
            r#"{ node = "a", vlan = 5 }, "s""#,
            "",
            "3:34: link 1: `vlan` is for ports of bridges, not for ends in nodes",
        ),
        (
            r#"{ node = "a", bridge = "s" }, "s""#,
            "",
            "3:20: link 1: an end is of a `node` or of a `bridge`: one of both",
        ),
        (
            r#""a", { bridge = "s", vlan = 5 }"#,
            "",
            "3:48: link 1: bridge `s` looks at no VLAN; set `vlan-filtering` there",
        ),
        (
            r#"{ bridge = "a" }, "s""#,
            "",
            "3:31: link 1: `a` is a node, not a bridge",
        ),
        (
            r#""s", "s""#,
            "",
            "3:26: link 1: both ends are on bridge `s`",
        ),
    ] {
        let text = link(ends, more);
        assert_eq!(wrong(&text), [problem], "{text}");
    }
    // Two networks of one address on a link are usual, and so are equal
    // link-local addresses.
    lab(&link(
        r#""a=10.0.0.1/32,fe80::1/64", "a=10.0.0.2/32,fe80::1/64""#,
        "",
    ));
}

#[test]
fn bridges_have_their_rules() {
    say(&[
        (
            "bridges = { s = { stp = true, forward-delay = 1 } }",
            &["1:47: bridge `s`: with STP, `forward-delay` is 2 to 30 seconds, not 1"],
        ),
        (
            "bridges = { a = {}, b = {}, c = {} }\nlinks = [{ ends = [\"a\", \"b\"] }, { ends = [\"b\", \"c\"] },\n{ ends = [\"c\", \"a\"] }]",
            &[
                "3:1: link 3: it closes a loop of bridges, in which packets would go round for ever; set `stp` on one of them",
            ],
        ),
    ]);
    lab(
        "bridges = { a = { stp = true }, b = {} }\nlinks = [{ ends = [\"a\", \"b\"] }, { ends = [\"b\", \"a\"] }]",
    );
}

#[test]
fn routes_lead_somewhere() {
    let route = |route: &str| {
        format!(
            "nodes.a.routes = [{{ {route} }}]\nnodes.b = {{}}\nnodes.c = {{}}\nlinks = [{{ ends = [\"a=10.0.0.1/24\", \"b=10.0.0.2/24\"] }}]"
        )
    };
    for (text, problem) in [
        (
            r#"to = "default""#,
            "1:19: node `a`: a route needs a `via` or a `device`",
        ),
        (
            r#"via = "b""#,
            "1:19: node `a`: a route needs a `to`: a network, or \"default\"",
        ),
        (
            r#"to = "default", device = "eth0""#,
            "1:19: node `a`: a default route without a gateway is for one family; write 0.0.0.0/0 or ::/0",
        ),
        (
            r#"to = "10.1.0.1/16", via = "b""#,
            "1:26: node `a`: `10.1.0.1/16` has bits set behind its prefix; did you mean `10.1.0.0/16`?",
        ),
        (
            r#"to = "default", via = "10.0.1.1""#,
            "1:43: node `a`: gateway 10.0.1.1 is in none of its networks",
        ),
        (
            r#"to = "default", via = "10.0.0.1""#,
            "1:43: node `a`: gateway 10.0.0.1 is the node itself",
        ),
        (
            r#"to = "default", via = "a""#,
            "1:43: node `a`: its gateway is the node itself",
        ),
        (
            r#"to = "default", via = "c""#,
            "1:43: node `a`: gateway `c` is not linked with it",
        ),
        (
            r#"to = "default", via = "d""#,
            "1:43: node `a`: gateway `d` is neither an address nor a node",
        ),
        (
            r#"to = "::/0", via = "b""#,
            "1:40: node `a`: `b` has no address there of the family of the route",
        ),
        (
            r#"to = "::/0", via = "10.0.0.2""#,
            "1:40: node `a`: gateway 10.0.0.2 is of another family than the route to ::/0",
        ),
        (
            r#"to = "::/0", via = "fe80::1""#,
            "1:40: node `a`: gateway fe80::1 may be on any device; name one with `device`",
        ),
        (
            r#"to = "10.9.0.0/16", device = "eth1""#,
            "1:50: node `a`: it has no device `eth1`; did you mean `eth0`?",
        ),
    ] {
        assert_eq!(wrong(&route(text)), [problem], "{text}");
    }
    let twice = "to = \"10.1.0.0/16\", via = \"b\" }, { to = \"10.1.0.0/16\", via = \"10.0.0.3\"";
    assert_eq!(
        wrong(&route(twice)),
        ["1:54: node `a`: a second route to 10.1.0.0/16; give one of them another `metric`"]
    );
}

#[test]
fn packets_do_not_go_in_a_circle() {
    let circle = |to: &str| {
        format!(
            "shapes = [{{ shape = \"star\", size = 3, pool = \"10.0.0.0/24\" }}]\nnodes.n1.routes = [{{ to = \"{to}\", via = \"n2\" }}]\nnodes.n2.routes = [{{ to = \"{to}\", via = \"n3\" }}]\nnodes.n3.routes = [{{ to = \"{to}\", via = \"n1\" }}]"
        )
    };
    assert_eq!(
        wrong(&circle("10.9.0.0/16")),
        ["4:20: packets to 10.9.0.0/16 would go in a circle: `n1` to `n2` to `n3` to `n1`"]
    );
    // Each may know a part of it better.
    lab(&circle("default"));
    lab(&circle("10.0.0.0/8"));
}
