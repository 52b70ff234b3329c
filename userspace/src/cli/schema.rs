// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet schema`: what editors complete lab files from.

use anyhow::Result;
use clap::Args;

use super::output;
use crate::lab::file;

/// Print the JSON schema of lab files
///
/// Editors that know TOML (with taplo, say) complete and check a lab file by it
/// if the file's first line names it: `#:schema lab.schema.json`.
#[derive(Args)]
#[command(after_help = "Example: pernet schema > lab.schema.json")]
pub struct Arguments {}

pub fn run(_: &Arguments) -> Result<()> {
    output::print(file::SCHEMA)
}
