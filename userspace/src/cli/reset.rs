// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet reset`: the counts of a namespace begin at zero.

use anyhow::Result;
use clap::Args;

use crate::netns::Reference;
use crate::stat::control;

/// Let the kernel module's counts of namespaces begin at zero
///
/// What is there stays: the devices that are present, the age, the settings.
/// Needs CAP_NET_ADMIN over each namespace.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The namespaces: nodes' names, pid:N, paths, ...; see `pernet --help`
    #[arg(required = true)]
    ns: Vec<Reference>,
}

const AFTER: &str = "\
`pernet stat --json` tells how often this was done, as `epoch`, and how long
ago, as `epoch_age_ns`.

Example: pernet reset n1 && sleep 10 && pernet stat n1

Exit status: 3 where the module is not loaded.";

pub fn run(arguments: &Arguments) -> Result<()> {
    control::reset(&arguments.ns)
}
