// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet up`, `plan` and `down`: labs by their files.

use std::path::{self, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{node, output};
use crate::lab::model::Lab;
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
    /// Print what was done as JSON, as docs/json.md describes it
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

/// Show what `pernet up` would do with a lab file; nothing is changed
///
/// Exit status: 0 where there is nothing to do, 4 where there is something, 1 where
/// the file is wrong or something is in the way. What is in the way only root sees.
#[derive(Args)]
#[command(after_help = "Example: pernet plan lab.toml")]
pub struct Plan {
    /// The lab file
    file: PathBuf,
    /// Print JSON, as docs/json.md describes it
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
    match (arguments.quiet, arguments.json) {
        (true, _) => Ok(()),
        (_, true) => output::print_list("steps", &steps),
        _ => output::print(&render(&steps)),
    }
}

/// The exit status is another where something is to be done.
pub fn plan(arguments: &Plan) -> Result<bool> {
    let lab = file::load(&arguments.file)?;
    let steps = lab::plan_for(&lab, node::note)?;
    match arguments.json {
        true => output::print_list("steps", &steps)?,
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
    let names = arguments.lab.iter();
    let names = names.map(|text| Which::of(text).map(Which::into_name));
    let names = names.collect::<Result<Vec<_>>>()?;
    for (index, name) in names.iter().enumerate() {
        ensure!(!names[..index].contains(name), "lab {name} is named twice");
    }
    lab::down(&names, node::note)
}

/// A lab as people say which one they mean.
pub enum Which {
    /// By its name.
    Named(Name),
    /// By a file that describes it.
    Described(Lab),
}

impl Which {
    pub fn of(text: &str) -> Result<Self> {
        let is_file = text.contains('/') || text.ends_with(".toml");
        match text.parse() {
            Ok(name) if !is_file => Ok(Which::Named(name)),
            _ => file::load(text.as_ref()).map(Which::Described),
        }
    }

    fn into_name(self) -> Name {
        match self {
            Which::Named(name) => name,
            Which::Described(lab) => lab.name,
        }
    }
}
