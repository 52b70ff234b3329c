// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet up`, `plan` and `down`: labs by their files.

use std::path::{self, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{node, output};
use crate::lab::steps::Step;
use crate::lab::{self, file};
use crate::netns::Name;

/// Make the lab that a file describes, or bring the one that runs to it
///
/// Everything is checked before anything is made. Returns when the lab can be used:
/// its links carry, its addresses can be used and its commands are ready. What
/// fails, or is interrupted by ^C, is undone. A lab that runs is changed by the
/// smallest change that leads to the file, and changed back where that fails;
/// processes that were ended do not come back. Prints what was done, as `plan` does.
#[derive(Args)]
#[command(after_help = "Example: pernet up lab.toml && pernet exec lab.n1 -- ping -c 1 10.0.0.2")]
pub struct Up {
    /// The lab file; docs/lab.md describes it
    file: PathBuf,
    /// Do not print what was done
    #[arg(long, short)]
    quiet: bool,
}

/// Show what `pernet up` would do with a lab file; nothing is changed
///
/// Exit status: 0 where there is nothing to do, 4 where there is something, 1 where
/// the file is wrong.
#[derive(Args)]
#[command(after_help = "Example: pernet plan lab.toml")]
pub struct Plan {
    /// The lab file
    file: PathBuf,
    /// Print JSON: [{"action": "add", "remove" or "change", "kind": "node", "bridge"
    /// or "link", "name": string, "details": [string, ...]}, ...]
    #[arg(long)]
    json: bool,
}

/// Remove labs: their nodes, links, bridges and commands
///
/// By what is recorded of them, also where a run died in the middle.
#[derive(Args)]
#[command(after_help = "Example: pernet down lab")]
pub struct Down {
    /// Names of labs, or their files
    #[arg(required = true)]
    lab: Vec<String>,
}

pub fn up(arguments: &Up) -> Result<()> {
    let lab = file::load(&arguments.file)?;
    let file = path::absolute(&arguments.file).context("cannot name the lab file")?;
    let steps = lab::up(&lab, &file, node::note)?;
    match arguments.quiet {
        true => Ok(()),
        false => output::print(&render(&steps)),
    }
}

/// The exit status is another where something is to be done.
pub fn plan(arguments: &Plan) -> Result<bool> {
    let lab = file::load(&arguments.file)?;
    let steps = lab::plan_for(&lab)?;
    match arguments.json {
        true => output::print_json(&steps)?,
        false => output::print(&render(&steps))?,
    }
    Ok(!steps.is_empty())
}

fn render(steps: &[Step]) -> String {
    steps.iter().map(line).collect()
}

fn line(step: &Step) -> String {
    let line = format!("{} {} {}", step.action.sign(), step.kind, step.name);
    match step.details.is_empty() {
        true => line + "\n",
        false => line + ": " + &step.details.join(", ") + "\n",
    }
}

pub fn down(arguments: &Down) -> Result<()> {
    let names = arguments.lab.iter().map(|text| name(text));
    let names = names.collect::<Result<Vec<_>>>()?;
    for (index, name) in names.iter().enumerate() {
        ensure!(!names[..index].contains(name), "lab {name} is named twice");
    }
    lab::down(&names, node::note)
}

/// Of a lab that there is, or of the one that a file describes.
fn name(text: &str) -> Result<Name> {
    let is_file = text.contains('/') || text.ends_with(".toml");
    if let (false, Ok(name)) = (is_file, text.parse()) {
        return Ok(name);
    }
    Ok(file::load(text.as_ref())?.name)
}
