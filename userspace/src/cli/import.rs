// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet import`: lab files from what others have.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use super::node::note;
use super::output;
use crate::lab::import::{Imported, core, shape};

/// Make a lab file of a session of CORE, or of a shape of mininet
///
/// The file goes to standard output. What a lab cannot have (radio, say, or
/// CORE's services) is named on standard error, one line for each thing; nothing
/// is left out in silence.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    #[arg(value_name = "FILE|SHAPE", help = SOURCES)]
    what: String,
}

const SOURCES: &str = "A session's XML file, or a shape: minimal, single,K, linear,K[,N], \
    tree[,depth=D][,fanout=F], torus,X,Y[,N]";

const AFTER: &str = "\
Examples:
  pernet import session.xml > lab.toml
  pernet import tree,depth=2,fanout=3 > lab.toml";

pub fn run(arguments: &Arguments) -> Result<()> {
    let what = &*arguments.what;
    let path = Path::new(what);
    if shape::is_shape(what) && !path.exists() {
        return output::print(&shape::import(what)?);
    }
    let text = fs::read_to_string(path).with_context(|| {
        format!("cannot read {what}, which is no shape either; `pernet import --help` lists them")
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Imported { text, left_out } =
        core::import(&text, &name).with_context(|| format!("cannot import {what}"))?;
    for left_out in left_out {
        note(format!("{what}: not in the lab: {left_out}"));
    }
    output::print(&text)
}
