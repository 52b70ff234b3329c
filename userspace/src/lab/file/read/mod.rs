// SPDX-License-Identifier: MIT OR Apache-2.0

//! From TOML to a [`Draft`]: each table by itself.

mod bridge;
mod command;
mod link;
mod node;
mod pool;
mod shape;
mod sysctl;

use std::ops::RangeInclusive;

use anyhow::{Result, bail, ensure};
use toml::de::DeTable;

use super::draft::{Defaults, Draft};
use super::expand;
use super::problem::Report;
use super::table::{Keys, Subject, Table};
use crate::netlink::DeviceName;

pub use bridge::BRIDGE;
pub use command::PATIENCE;
#[cfg(test)]
pub use command::{COMMAND, READY};
pub use link::LINK_DEFAULTS;
#[cfg(test)]
pub use link::{END, IMPAIRMENT, LINK};
pub use node::NODE_DEFAULTS;
#[cfg(test)]
pub use node::{COUNTING, NODE, ROUTE};
#[cfg(test)]
pub use pool::POOL;
#[cfg(test)]
pub use shape::SHAPE;

pub const FILE: Keys = &[
    "name", "prefix", "defaults", "pools", "shapes", "nodes", "bridges", "links",
];
pub const DEFAULTS: Keys = &["nodes", "bridges", "links"];

/// What the kernel takes as a veth's MTU.
const MTU: RangeInclusive<u32> = 68..=65535;

/// Reads the file's table.
pub fn file(document: &DeTable, report: &Report) -> Draft {
    let table = Table::of(document, 0, FILE, Subject::File, report);
    let name = |text: &str| {
        check_lab_name(text)?;
        text.parse()
    };
    let mut draft = Draft {
        name: table.parsed("name", name),
        prefix: table.parsed("prefix", prefix).map(|prefix| prefix.value),
        pools: pool::all(&table),
        ..Draft::default()
    };
    let defaults = defaults(&table);
    for shape in shape::all(&table) {
        expand::shape(shape, &defaults, &mut draft, report);
    }
    node::all(&table, &defaults.nodes, &mut draft.nodes);
    bridge::all(&table, &defaults.bridges, &mut draft.bridges);
    link::all(&table, &defaults.links, &mut draft.links);
    draft
}

fn defaults(table: &Table) -> Defaults {
    let Some(table) = table.table("defaults", DEFAULTS) else {
        return Defaults::default();
    };
    let of = |key, keys| {
        let value = table.get(key)?;
        Table::read(value, keys, Subject::Defaults(key), table.report)
    };
    let mut defaults = Defaults::default();
    if let Some(table) = of("nodes", NODE_DEFAULTS) {
        node::settings(&table, &mut defaults.nodes);
    }
    if let Some(table) = of("bridges", BRIDGE) {
        bridge::settings(&table, &mut defaults.bridges);
    }
    if let Some(table) = of("links", LINK_DEFAULTS) {
        link::settings(&table, &mut defaults.links);
    }
    defaults
}

/// A lab's name begins other names, up to a `.`.
pub fn check_lab_name(text: &str) -> Result<()> {
    ensure!(!text.is_empty(), "the lab's name is empty");
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if let Some(wrong) = text.chars().find(|&c| !allowed(c)) {
        bail!(
            "the lab's name {text:?} has {wrong:?} in it; letters, digits, `-` and `_` are allowed there"
        );
    }
    Ok(())
}

fn prefix(text: &str) -> Result<String> {
    // Names of devices begin with it, unless it is empty.
    if !text.is_empty() {
        DeviceName::check(text)?;
    }
    Ok(text.to_owned())
}
