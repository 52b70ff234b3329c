// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet check`: what is wrong with a lab file.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::output;
use crate::lab::file;
use crate::lab::model::Lab;

/// Check a lab file, without looking at anything else
///
/// Everything that is wrong with it is told at once, as FILE:LINE:COLUMN and
/// what it is; else it says what the lab has. Anybody may do this: neither the
/// kernel nor what is there already is asked. docs/lab.md describes the file.
#[derive(Args)]
#[command(after_help = "Example: pernet check lab.toml --json | jq '.links[].ends'")]
pub struct Arguments {
    /// The lab file
    file: PathBuf,
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let lab = file::load(&arguments.file)?;
    match arguments.json {
        true => output::print_document(&lab),
        false => output::print(&summary(&lab)),
    }
}

fn summary(lab: &Lab) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    format!(
        "lab {}: {}, {}, {}\n",
        lab.name,
        count(lab.nodes.len(), "node"),
        count(lab.bridges.len(), "bridge"),
        count(lab.links.len(), "link")
    )
}
