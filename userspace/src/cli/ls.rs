// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet ls`: every namespace there is.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::output;
use crate::inventory::model::Entry;
use crate::inventory::{self, table};

/// List every network namespace of the machine, whatever holds it
///
/// A namespace may have a name or none; processes in it, or only a file that it is
/// bound to, an open file, or a socket; or nothing but what the kernel knows of.
/// Containers are known by their control groups. Shown is what the caller may see.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Print JSON, with all devices, addresses and processes; see docs/json.md
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
COOKIE is what no other namespace gets until the next boot. AGE is exact with the
kernel module pernet, and else at least so much where something shows it. A `?` is
in the place of what is inside a namespace that could not be entered, or read.

Example: pernet ls --json | jq -r '.namespaces[] | select(.processes == []) | .inode'
         pernet holders inode:4026532131";

#[derive(Serialize)]
struct Document {
    namespaces: Vec<Entry>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let namespaces = inventory::read()?;
    let troubles = namespaces.iter().filter_map(|entry| {
        let why = entry.error.as_ref()?;
        Some(format!("of net:[{}] not all is known: {why}", entry.inode))
    });
    output::remark(&troubles.collect::<Vec<_>>());
    if arguments.json {
        return output::print_document(&Document { namespaces });
    }
    let rows: Vec<_> = namespaces.iter().map(table::row).collect();
    output::print(&output::columns(table::HEADING, &rows))
}
