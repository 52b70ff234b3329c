// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet cleanup`: removing everything that pernet made.

use anyhow::Result;
use clap::Args;

use super::{node, output};

/// Remove everything that pernet made, and nothing else
///
/// Nodes, links and bridges go by what is recorded of them, whatever became of
/// the runs that made them, and also where one was killed in the middle; what
/// others made stays, whatever its name. While a command is at work on a lab,
/// nothing is removed: it says which. Prints what was removed, a line each.
#[derive(Args)]
#[command(after_help = "Example: pernet cleanup --dry-run")]
pub struct Arguments {
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let remnants = crate::lab::cleanup(!arguments.dry_run, node::note)?;
    if arguments.json {
        return output::print_list("remnants", &remnants);
    }
    let lines: Vec<_> = (remnants.iter())
        .map(|remnant| format!("{remnant}\n"))
        .collect();
    output::print(&lines.concat())
}
