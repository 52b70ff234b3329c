// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names and settings that a part of a lab cannot have.

use super::super::wrong;
use super::say;

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
