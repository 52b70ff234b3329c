// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet graph`: a picture of a lab.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output;
use crate::lab::file;
use crate::lab::graph::{Counters, mermaid, svg};

/// Draw a lab: its nodes, bridges and links, with addresses and impairments
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The lab file
    file: PathBuf,
    /// What to draw it as
    #[arg(long, value_enum, default_value_t = Format::Svg)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A picture, for light and dark surroundings
    Svg,
    /// Text that GitHub, GitLab and others make a picture of
    Mermaid,
}

const AFTER: &str = "\
Examples:
  pernet graph lab.toml > lab.svg
  pernet graph lab.toml --format mermaid";

pub fn run(arguments: &Arguments) -> Result<()> {
    let lab = file::load(&arguments.file)?;
    let counters = Counters::new();
    output::print(&match arguments.format {
        Format::Svg => svg::render(&lab, &counters),
        Format::Mermaid => mermaid::render(&lab, &counters),
    })
}
