// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet completions`: what shells complete a command line from.

use anyhow::Result;
use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell as Dialect, generate};

use super::output;

/// Print a script from which a shell completes pernet's command lines
///
/// `make install` puts it where each shell looks for it.
#[derive(Args)]
#[command(after_help = "Example: . <(pernet completions bash)")]
pub struct Arguments {
    /// The shell that it is for
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub fn run(arguments: &Arguments, mut all: Command) -> Result<()> {
    let dialect = match arguments.shell {
        Shell::Bash => Dialect::Bash,
        Shell::Zsh => Dialect::Zsh,
        Shell::Fish => Dialect::Fish,
    };
    let mut script = Vec::new();
    generate(dialect, &mut all, "pernet", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
