// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of a file that is wrong.

mod network;
mod part;

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
