// SPDX-License-Identifier: MIT OR Apache-2.0

//! Addresses from pools.

use super::{ends, lab, wrong};

const TWO_ON_A_BRIDGE: &str = r#"
[nodes]
a = {}
b = {}
[bridges]
s = {}
[[links]]
ends = ["a", "s"]
[[links]]
ends = ["b", "s"]
"#;

/// The file above, with something at its beginning and something about the bridge.
fn bridged(first: &str, bridge: &str) -> String {
    format!(
        "{first}{}",
        TWO_ON_A_BRIDGE.replace("s = {}", &format!("s = {{ {bridge} }}"))
    )
}

#[test]
fn a_bridge_has_the_whole_of_a_pool() {
    let text = bridged("", r#"pool = ["10.0.0.0/24", "fd00::/64"]"#);
    assert_eq!(
        ends(&lab(&text)),
        [
            "a:eth0 10.0.0.1/24 fd00::1/64",
            "b:eth0 10.0.0.2/24 fd00::2/64"
        ]
    );
}

#[test]
fn what_is_written_is_given_to_nobody_else() {
    let text =
        bridged("", r#"pool = "10.0.0.0/24""#) + "[[links]]\nends = [\"a=10.0.0.1/24\", \"s\"]\n";
    assert_eq!(
        ends(&lab(&text)),
        [
            "a:eth0 10.0.0.2/24",
            "b:eth0 10.0.0.3/24",
            "a:eth1 10.0.0.1/24"
        ]
    );
}

#[test]
fn an_empty_list_is_a_wish_for_none() {
    let text = bridged("", r#"pool = "10.0.0.0/24""#)
        + "[[links]]\nends = [{ node = \"a\", addresses = [] }, \"s\"]\n";
    assert_eq!(ends(&lab(&text))[2], "a:eth1");
}

#[test]
fn a_family_that_is_written_is_not_taken_again() {
    let text = bridged("", r#"pool = ["10.0.0.0/24", "fd00::/64"]"#)
        + "[[links]]\nends = [\"a=10.0.0.99/24\", \"s\"]\n";
    assert_eq!(ends(&lab(&text))[2], "a:eth1 10.0.0.99/24 fd00::3/64");
}

#[test]
fn segments_get_subnets() {
    let text = r#"
        pools = { p = { network = "10.0.0.0/8", subnet = 24 } }
        nodes = { a = {}, b = {} }
        bridges = { s = { pool = "p" }, t = { pool = "p" }, u = { pool = "p" } }
        links = [
          { ends = ["a", "s"] },
          { ends = ["a=10.0.1.7/24", "t"] },
          { ends = ["b", "t"] },
          { ends = ["b", "s"] },
          { ends = ["a", "b"], pool = "p" },
          { ends = ["t", "u"] },
          { ends = ["a", "u"] },
        ]"#;
    assert_eq!(
        ends(&lab(text)),
        [
            "a:eth0 10.0.0.1/24",
            "a:eth1 10.0.1.7/24",
            "b:eth0 10.0.1.1/24",
            "b:eth1 10.0.0.2/24",
            "a:eth2 10.0.2.1/24",
            "b:eth2 10.0.2.2/24",
            // Bridges that are linked are one segment.
            "a:eth3 10.0.1.2/24",
        ]
    );
}

#[test]
fn links_of_two_get_networks_for_two() {
    let text = r#"
        nodes = { a = {}, b = {} }
        links = [
          { ends = ["a", "b"], pool = ["10.0.0.0/29", "fd00::/48"] },
          { ends = ["a", "b"], pool = ["10.0.0.0/29", "fd00::/48"] },
          { ends = ["a", "b"], pool = "10.1.0.0/31" },
          { ends = ["a=10.2.0.5/30", "b"], pool = "10.2.0.0/29" },
        ]"#;
    assert_eq!(
        ends(&lab(text)),
        [
            "a:eth0 10.0.0.1/30 fd00::1/64",
            "b:eth0 10.0.0.2/30 fd00::2/64",
            "a:eth1 10.0.0.5/30 fd00:0:0:1::1/64",
            "b:eth1 10.0.0.6/30 fd00:0:0:1::2/64",
            "a:eth2 10.1.0.0/31",
            "b:eth2 10.1.0.1/31",
            "a:eth3 10.2.0.5/30",
            "b:eth3 10.2.0.6/30",
        ]
    );
}

#[test]
fn a_pool_can_be_as_large_as_the_internet() {
    let text = bridged("", r#"pool = ["128.0.0.0/1", "8000::/1"]"#);
    assert_eq!(ends(&lab(&text))[0], "a:eth0 128.0.0.1/1 8000::1/1");
    let single = r#"pool = { network = "8000::/1", subnet = 128 }"#;
    assert_eq!(
        wrong(&bridged("", single)),
        ["9:1: link 2: b:eth0: pool 8000::/128 has no address left; there is room for 1"]
    );
}

#[test]
fn a_pool_can_run_out() {
    assert_eq!(
        wrong(&bridged("", r#"pool = "10.0.0.0/32""#)),
        ["9:1: link 2: b:eth0: pool 10.0.0.0/32 has no address left; there is room for 1"]
    );
    let links = "links = [{ ends = [\"a\", \"b\"], pool = \"10.0.0.0/30\" }, { ends = [\"a\", \"b\"], pool = \"10.0.0.0/30\" }]";
    assert_eq!(
        wrong(&format!("nodes = {{ a = {{}}, b = {{}} }}\n{links}")),
        ["2:55: link 2: a:eth1: pool 10.0.0.0/30 has no /30 left"]
    );
}

#[test]
fn an_address_is_in_its_pool() {
    let text =
        bridged("", r#"pool = "10.0.0.0/24""#) + "[[links]]\nends = [\"a=10.0.1.1/24\", \"s\"]\n";
    assert_eq!(
        wrong(&text),
        ["12:12: link 3: address 10.0.1.1/24 is outside its pool 10.0.0.0/24"]
    );
}

#[test]
fn a_pool_is_not_given_twice() {
    let text = r#"
nodes = { a = {}, b = {} }
bridges = { s = { pool = "10.0.0.0/24" }, t = { pool = "10.0.0.0/24" } }
links = [{ ends = ["a", "s"] }, { ends = ["a", "t"] }, { ends = ["b", "t"] }]"#;
    assert_eq!(
        wrong(text),
        [
            "4:33: link 2: a:eth1: pool 10.0.0.0/24 is one network, and something else has it or parts of it; give the pool a `subnet`, or use another"
        ]
    );
}

#[test]
fn pools_do_not_overlap() {
    assert_eq!(
        wrong(
            "[pools]\na = \"10.0.0.0/8\"\nb = \"10.1.0.0/16\"\nc = \"10.0.0.0/8\"\nd = \"11.0.0.0/8\""
        ),
        ["3:1: pool 10.1.0.0/16 overlaps pool 10.0.0.0/8 of line 2"]
    );
}
