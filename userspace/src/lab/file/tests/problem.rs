// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of a file that is wrong.

use super::wrong;
use crate::lab::file::parse;

/// Files with one line that is wrong, and the whole of what is said.
fn say(cases: &[(&str, &[&str])]) {
    for (text, problems) in cases {
        assert_eq!(wrong(text), *problems, "{text}");
    }
}

#[test]
fn what_is_no_toml_is_told_by_line() {
    say(&[
        ("[nodes\n", &["1:7: unclosed table, expected `]`"]),
        (
            "[nodes.a]\n[nodes.b]\n[nodes.a]\n",
            &["3:8: `a` is there twice"],
        ),
        (
            "a = [1,\nb = \"x\n",
            &[
                "2:1: string values must be quoted, expected literal string",
                "2:3: unexpected `=` in array, expected value, `]`",
                "2:5: missing comma between array elements, expected `,`",
                "2:7: unclosed array, expected `]`",
                "2:7: invalid basic string, expected `\"`",
            ],
        ),
    ]);
}

#[test]
fn words_that_are_not_known_are_pointed_out() {
    say(&[
        (
            "node = {}",
            &["1:1: there is no key `node`; did you mean `nodes`?"],
        ),
        (
            "xyz = 1",
            &[
                "1:1: there is no key `xyz`; there are name, prefix, defaults, pools, shapes, nodes, bridges, links",
            ],
        ),
        (
            "nodes = { a = { dda = 1 } }",
            &["1:17: node `a`: there is no key `dda`; did you mean `dad`?"],
        ),
        (
            "nodes = { a = { kind = \"ful\" } }",
            &["1:24: node `a`: `ful` is no kind of node; there are full and net-only"],
        ),
        (
            "defaults.links = { ends = [] }",
            &["1:20: defaults of links: there is no key `ends`; there are pool, mtu, impairment"],
        ),
        (
            "shapes = [{ shape = \"rnig\" }]",
            &["1:21: shape 1: there is no shape `rnig`; did you mean `ring`?"],
        ),
        (
            "nodes = { nord = {} }\nlinks = [{ ends = [\"nort\", \"x\"] }]",
            &[
                "2:21: link 1: there is no node or bridge `nort`; did you mean `nord`?",
                "2:29: link 1: there is no node or bridge `x`",
            ],
        ),
        (
            "pools = { lan = \"10.0.0.0/8\" }\nbridges = { s = { pool = \"lam\" } }",
            &["2:26: bridge `s`: there is no pool `lam`; did you mean `lan`?"],
        ),
    ]);
}

#[test]
fn values_of_another_kind_are_pointed_out() {
    say(&[
        (
            "name = 5",
            &["1:8: `name` takes a string, not a whole number"],
        ),
        ("nodes = []", &["1:9: `nodes` takes a table, not a list"]),
        (
            "nodes = { a = 1 }",
            &["1:15: node `a`: expected a table, not a whole number"],
        ),
        (
            "nodes = { a = { dad = 1 } }",
            &["1:23: node `a`: `dad` takes true or false, not a whole number"],
        ),
        ("links = {}", &["1:9: `links` takes a list, not a table"]),
        (
            "bridges = { s = { mtu = 67 } }",
            &["1:25: bridge `s`: `mtu` takes a whole number, 68 to 65535, not 67"],
        ),
        (
            "bridges = { s = { mtu = 1e3 } }",
            &["1:25: bridge `s`: `mtu` takes a whole number, 68 to 65535, not a decimal number"],
        ),
        (
            "bridges = { s = { mtu = 99999999999999999999 } }",
            &[
                "1:25: bridge `s`: `mtu` takes a whole number, 68 to 65535, not 99999999999999999999",
            ],
        ),
        (
            "nodes = { a = { sysctls = { \"net.x\" = 1.5 } } }",
            &["1:39: node `a`: a sysctl takes a number, a string, or true or false"],
        ),
    ]);
}

#[test]
fn names_have_their_rules() {
    say(&[
        (
            "name = \"a.b\"",
            &[
                "1:8: the lab's name \"a.b\" has '.' in it; letters, digits, `-` and `_` are allowed there",
            ],
        ),
        (
            "prefix = \"a/\"",
            &["1:10: device name \"a/\" has '/' in it, which is not allowed there"],
        ),
        (
            "nodes = { \"a/b\" = {} }",
            &["1:11: node `a/b`: name \"a/b\" has '/' in it, which is not allowed there"],
        ),
        (
            "bridges = { \"a b\" = {} }",
            &["1:13: bridge `a b`: device name \"a b\" has ' ' in it, which is not allowed there"],
        ),
        (
            "nodes = { a = {} }\nlinks = [{ ends = [\"a:eth/0\", \"a:\"] }]",
            &[
                "2:23: link 1: device name \"eth/0\" has '/' in it, which is not allowed there",
                "2:34: link 1: device name is empty",
            ],
        ),
        (
            "nodes = { a = {} }\nlinks = [{ ends = [\"a:lo\", \"a\"] }]",
            &["2:23: link 1: a node has a device `lo` already"],
        ),
    ]);
}

#[test]
fn what_is_there_twice_is_pointed_out() {
    say(&[
        (
            "bridges = { a = {} }\nnodes = { a = {} }",
            &["2:11: there is a node or bridge `a` already, of line 1"],
        ),
        (
            "shapes = [\n{ shape = \"line\", size = 2 },\n{ shape = \"line\", size = 1 }]",
            &["3:1: there is a node or bridge `n1` already, of line 2"],
        ),
        (
            "nodes = { a = {}, b = {} }\nlinks = [{ ends = [\"a:x\", \"b:x\"] },\n{ ends = [\"a:x\", \"b:y\"] }]",
            &["3:14: link 2: there is a device `x` in `a` already, of line 2"],
        ),
        (
            "nodes = { a = {} }\nbridges = { s = {}, t = {} }\nlinks = [{ ends = [\"a\", \"s:p\"] },\n{ ends = [\"a\", \"t:p\"] }]",
            &["4:19: link 2: there is a device `p` among the ports of bridges already, of line 3"],
        ),
        (
            "nodes = { a = {} }\nbridges = { s = {}, t = {} }\nlinks = [{ ends = [\"a\", \"s:t\"] }]",
            &[
                "3:10: link 1: devices `t` and `t` would both be called `lab.t`; give one another name",
            ],
        ),
        (
            "nodes = { a = { loopback = [\"10.0.0.1/32\"] } }\nlinks = [\n{ ends = [\"a=10.0.0.1/24\", \"a=10.0.0.2/24\"] },\n{ ends = [\"a=10.0.1.1/24\", \"a=10.0.0.2/24\"] }]",
            &[
                "3:14: link 1: address 10.0.0.1 twice; the other one is of line 1",
                "4:31: link 2: address 10.0.0.2 twice; the other one is of line 3",
            ],
        ),
        (
            "nodes = { a = {} }\nlinks = [{ ends = [\"a=02:00:00:00:00:01\", \"a=02:00:00:00:00:01\"] }]",
            &["2:46: link 1: Ethernet address 02:00:00:00:00:01 twice; the other one is of line 2"],
        ),
        (
            "nodes.a.commands = [{ name = \"x\", run = \"a\" },\n{ name = \"x\", run = \"b\" }]",
            &["2:1: node `a`: a second command called `x`"],
        ),
    ]);
}

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
    super::lab(&link(
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
    super::lab(
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
    super::lab(&circle("default"));
    super::lab(&circle("10.0.0.0/8"));
}

#[test]
fn what_a_node_cannot_have_is_pointed_out() {
    say(&[
        (
            "nodes.a.sysctls = { \"kernel.panic\" = 1, \"net..x\" = 1, \"net.ipv4.conf.eth0.rp_filter\" = 1 }",
            &[
                "1:21: node `a`: sysctl `kernel.panic` is not one of a network namespace; those of a node are net.*",
                "1:41: node `a`: `net..x` is no sysctl",
                "1:55: node `a`: it has no device `eth0`",
            ],
        ),
        (
            "nodes.a.sysctls = { \"net/../kernel/panic\" = 1 }",
            &["1:21: node `a`: `net/../kernel/panic` is no sysctl"],
        ),
        (
            // Where they would be set, these are the machine's.
            "nodes.a.sysctls = { kernel.hostname = \"x\", \"fs.mqueue.msg_max\" = 1, \"net\" = 1 }",
            &[
                "1:28: node `a`: sysctl `kernel.hostname` is not one of a network namespace; those of a node are net.*",
                "1:44: node `a`: sysctl `fs.mqueue.msg_max` is not one of a network namespace; those of a node are net.*",
                "1:69: node `a`: sysctl `net` is not one of a network namespace; those of a node are net.*",
            ],
        ),
        (
            "nodes.a = { kind = \"net-only\", commands = [\"true\"] }",
            &["1:44: node `a` is net-only, so there is nothing in it that runs commands"],
        ),
        (
            "nodes.a.commands = [{ ready = \"soon\" }, { run = \"\" }, { run = \"x\", ready = { tcp = 0 } }, { run = \"x\", directory = \"y\" }]",
            &[
                "1:21: node `a`: a command needs a `run`: a line for the shell, or a list of words",
                "1:49: node `a`: `run` has no program to run",
                "1:84: node `a`: `tcp` takes a whole number, 1 to 65535, not 0",
                "1:116: node `a`: `y` is not an absolute path",
            ],
        ),
    ]);
}

#[test]
fn impairments_have_their_rules() {
    let impaired = |impairment: &str| format!("defaults.links.impairment = {{ {impairment} }}");
    for (text, problem) in [
        (
            "delay = \"10\"",
            "1:39: defaults of links: `10` is not a time; expected one like 10ms, 1.5s or 200us",
        ),
        (
            "delay = \"1ms\", jitter = \"2ms\"",
            "1:46: defaults of links: `jitter` is more than the `delay` that it varies",
        ),
        (
            "reorder = \"1%\"",
            "1:31: defaults of links: `reorder` is of packets that do not wait for the `delay`, and there is none",
        ),
        (
            "loss = \"101%\"",
            "1:38: defaults of links: `101%` is more than 100%",
        ),
        (
            "rate = \"10\"",
            "1:38: defaults of links: `10` is not a rate; expected one like 10mbit or 64kbit",
        ),
        (
            "limit = 0",
            "1:39: defaults of links: `limit` takes a whole number, 1 to 4294967295, not 0",
        ),
    ] {
        assert_eq!(wrong(&impaired(text)), [problem]);
    }
}

#[test]
fn shapes_have_their_sizes() {
    say(&[
        (
            "shapes = [{ size = 2 }]",
            &["1:11: shape 1: `shape` is missing; it is one of line, ring, star, mesh, tree, grid"],
        ),
        (
            "shapes = [{ shape = \"ring\" }]",
            &["1:11: shape 1: a ring needs its `size`"],
        ),
        (
            "shapes = [{ shape = \"ring\", size = 2 }]",
            &["1:36: shape 1: `size` takes a whole number, 3 to 100000, not 2"],
        ),
        (
            "shapes = [{ shape = \"grid\", size = 2, width = 1, height = 1 }]",
            &["1:29: shape 1: a grid has no `size`, but width, height, wrap"],
        ),
        (
            "shapes = [{ shape = \"mesh\", size = 5000 }]",
            &["1:11: shape 1: it would have more than 100000 nodes or 1000000 links"],
        ),
    ]);
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_in_order() {
    let links: String = (0..60)
        .map(|index| format!("{{ ends = [\"x{index}\", \"a\"] }},\n"))
        .collect();
    let text = format!("nodes = {{ a = {{ x = 1 }} }}\nlinks = [\n{links}]");
    let problems = parse(&text, "dir/lab.toml").unwrap_err();
    assert_eq!(problems.problems.len(), 61);
    let told = problems.to_string();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 52);
    assert_eq!(lines[0], "dir/lab.toml has 61 errors:");
    assert!(
        lines[1].starts_with("dir/lab.toml:1:17: node `a`: there is no key `x`"),
        "{told}"
    );
    assert!(
        lines[2].starts_with("dir/lab.toml:3:12: link 1: "),
        "{told}"
    );
    assert_eq!(lines[51], "and 11 more");
}

#[test]
fn a_file_whose_name_is_no_labs_says_so() {
    let problems = parse("", "dir/my lab.toml").unwrap_err();
    assert_eq!(
        problems.to_string(),
        "dir/my lab.toml has an error:\ndir/my lab.toml:1:1: the lab's name \"my lab\" has ' ' in it; letters, digits, `-` and `_` are allowed there; give it a `name`, which is the file's otherwise"
    );
    parse("name = \"mine\"", "dir/my lab.toml").unwrap();
}
