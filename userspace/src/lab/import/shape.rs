// SPDX-License-Identifier: MIT OR Apache-2.0

//! Shapes as mininet writes them, `tree,depth=2,fanout=3` or `tree,2,3`: hosts
//! h1, h2, …, and switches s1, s2, … that are bridges here.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

/// A shape's name and its parameters, each with what it is where it is not said.
struct Known {
    name: &'static str,
    parameters: &'static [(&'static str, u32)],
    text: fn(&[u32]) -> String,
}

const KNOWN: &[Known] = &[
    Known {
        name: "minimal",
        parameters: &[],
        text: |_| star(2),
    },
    Known {
        name: "single",
        parameters: &[("k", 2)],
        text: |values| star(values[0]),
    },
    Known {
        name: "linear",
        parameters: &[("k", 2), ("n", 1)],
        text: |values| linear(values[0], values[1]),
    },
    Known {
        name: "tree",
        parameters: &[("depth", 1), ("fanout", 2)],
        text: |values| tree(values[0], values[1]),
    },
    Known {
        name: "torus",
        parameters: &[("x", 3), ("y", 3), ("n", 1)],
        text: |values| torus(values[0], values[1], values[2]),
    },
];

/// All hosts are in one network, as mininet has it.
const POOL: &str = "10.0.0.0/8";

/// More hosts than a machine can hold are a mistake.
const MAX: u32 = 100_000;

/// Whether this looks like a shape and not like a file.
pub fn is_shape(text: &str) -> bool {
    let name = text.split(',').next().unwrap_or_default();
    KNOWN.iter().any(|known| known.name == name)
}

/// The lab file for a shape.
pub fn import(text: &str) -> Result<String> {
    let mut words = text.split(',');
    let name = words.next().unwrap_or_default();
    let known = KNOWN.iter().find(|known| known.name == name);
    let known = known.with_context(|| {
        let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
        format!("there is no shape `{name}`; there are {}", names.join(", "))
    })?;
    let parameters = known.parameters;
    let mut values: Vec<u32> = parameters.iter().map(|(_, usual)| *usual).collect();
    for (position, word) in words.enumerate() {
        let (index, value) = match word.split_once('=') {
            Some((key, value)) => {
                let index = parameters.iter().position(|(name, _)| *name == key);
                let names: Vec<_> = parameters.iter().map(|(name, _)| *name).collect();
                let what = || format!("{name} has no `{key}`, but {}", names.join(", "));
                (index.with_context(what)?, value)
            }
            None => (position, word),
        };
        ensure!(
            index < parameters.len(),
            "{name} takes {} numbers, and `{word}` is one more",
            parameters.len()
        );
        let value = value.parse().ok().filter(|value| (1..=MAX).contains(value));
        values[index] = value
            .with_context(|| format!("`{word}` in `{text}` is not a number from 1 to {MAX}"))?;
    }
    if name == "torus" {
        ensure!(
            values[0] >= 3 && values[1] >= 3,
            "a torus goes round three switches at least, in both directions"
        );
    }
    let total = (values.iter()).try_fold(1_u32, |total, value| total.checked_mul(*value));
    if name != "tree" && total.is_none_or(|total| total > MAX) {
        bail!("`{text}` would have more than {MAX} hosts");
    }
    Ok(format!(
        "# {text}\nname = \"{name}\"\n{}",
        (known.text)(&values)
    ))
}

fn star(size: u32) -> String {
    format!(
        "shapes = [{{ shape = \"star\", size = {size}, nodes = \"h\", bridges = \"s\", pool = \"{POOL}\" }}]\n"
    )
}

fn tree(depth: u32, fanout: u32) -> String {
    format!(
        "shapes = [{{ shape = \"tree\", depth = {depth}, fanout = {fanout}, nodes = \"h\", bridges = \"s\", pool = \"{POOL}\" }}]\n"
    )
}

/// Switches one after the other, with so many hosts at each.
fn linear(switches: u32, hosts: u32) -> String {
    let trunks = (1..switches).map(|switch| (switch, switch + 1)).collect();
    explicit(switches, hosts, trunks, false)
}

/// A grid of switches whose rows and columns are rings.
fn torus(width: u32, height: u32, hosts: u32) -> String {
    let number = |row: u32, column: u32| row % height * width + column % width + 1;
    let cells = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let trunks = cells.flat_map(|(row, column)| {
        let here = number(row, column);
        [
            (here, number(row, column + 1)),
            (here, number(row + 1, column)),
        ]
    });
    explicit(width * height, hosts, trunks.collect(), true)
}

fn explicit(switches: u32, hosts: u32, trunks: Vec<(u32, u32)>, loops: bool) -> String {
    let mut text = format!("\n[defaults.bridges]\npool = \"{POOL}\"\n");
    if loops {
        text += "stp = true\nforward-delay = 2\n";
    }
    text += "\n[nodes]\n";
    let mut write = |line: std::fmt::Arguments| text.write_fmt(line).expect("memory takes all");
    for host in 1..=switches * hosts {
        write(format_args!("h{host} = {{}}\n"));
    }
    write(format_args!("\n[bridges]\n"));
    for switch in 1..=switches {
        write(format_args!("s{switch} = {{}}\n"));
    }
    for host in 1..=switches * hosts {
        let switch = (host - 1) / hosts + 1;
        write(format_args!(
            "\n[[links]]\nends = [\"h{host}\", \"s{switch}\"]\n"
        ));
    }
    for (a, b) in trunks {
        write(format_args!("\n[[links]]\nends = [\"s{a}\", \"s{b}\"]\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::file::parse;

    /// Nodes, bridges and links of the lab that a shape becomes.
    fn parts(text: &str) -> (usize, usize, usize) {
        let file = import(text).unwrap();
        let lab = parse(&file, "shape").unwrap_or_else(|problems| panic!("{problems}\n{file}"));
        (lab.nodes.len(), lab.bridges.len(), lab.links.len())
    }

    #[test]
    fn shapes_become_labs() {
        for (text, expected) in [
            ("minimal", (2, 1, 2)),
            ("single", (2, 1, 2)),
            ("single,3", (3, 1, 3)),
            ("linear", (2, 2, 3)),
            ("linear,4", (4, 4, 7)),
            ("linear,k=3,n=2", (6, 3, 8)),
            ("tree", (2, 1, 2)),
            ("tree,2", (4, 3, 6)),
            ("tree,depth=2,fanout=3", (9, 4, 12)),
            ("tree,fanout=3,depth=2", (9, 4, 12)),
            ("torus,3,3", (9, 9, 27)),
            ("torus,x=3,y=4,n=2", (24, 12, 48)),
        ] {
            assert_eq!(parts(text), expected, "{text}");
            assert!(is_shape(text));
        }
    }

    #[test]
    fn what_is_no_shape_says_so() {
        for (text, says) in [
            ("ring,3", "there are minimal, single, linear, tree, torus"),
            ("single,0", "`0` in `single,0` is not a number from 1"),
            ("single,x", "not a number"),
            ("single,3,4", "`4` is one more"),
            ("minimal,1", "takes 0 numbers"),
            ("tree,deep=2", "no `deep`, but depth, fanout"),
            ("torus,2,3", "three switches at least"),
            ("linear,100000,2", "more than 100000 hosts"),
        ] {
            let error = format!("{:#}", import(text).unwrap_err());
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
