// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec`: running a command in a namespace.

use std::ffi::OsString;

use anyhow::Error;
use clap::Args;

use crate::netns::Reference;
use crate::node::exec;

/// Run a command in a node, or any other network namespace
///
/// The command takes the place of pernet: it has its terminal, its signals and
/// its exit status. It sees the namespace's network and, in /sys, its devices.
/// Where NS is a name, it sees files of /etc/netns/NAME in the place of those in
/// /etc too.
///
/// Exit status: the command's; 127 where there is no such command, 126 where it
/// cannot be run, 1 where the namespace cannot be entered.
#[derive(Args)]
#[command(after_help = "Example: pernet exec n1 -- ping -c 3 10.0.0.2")]
pub struct Arguments {
    /// The namespace: a node's name, pid:N, a path, ...; see `pernet --help`
    ns: Reference,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Returns only when the command cannot be run.
pub fn run(arguments: &Arguments) -> Error {
    let note = |error: Error| eprintln!("pernet: note: {error:#}");
    exec::become_command(&arguments.ns, &arguments.command, note)
}
