// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec`: running a command in a node.

use std::ffi::OsString;

use anyhow::Error;
use clap::Args;

use crate::netns::Name;
use crate::node::exec;

/// Run a command in a node
///
/// The command takes the place of pernet: it has its terminal, its signals and
/// its exit status. It sees the node's network, the node's devices in /sys, and
/// files of /etc/netns/NODE in the place of those in /etc. NODE may be any name
/// that `ip netns` lists.
///
/// Exit status: the command's; 127 where there is no such command, 126 where it
/// cannot be run, 1 where the node cannot be entered.
#[derive(Args)]
#[command(after_help = "Example: pernet exec n1 -- ping -c 3 10.0.0.2")]
pub struct Arguments {
    /// Name of the node
    node: Name,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Returns only when the command cannot be run.
pub fn run(arguments: &Arguments) -> Error {
    let note = |error: Error| eprintln!("pernet: note: {error:#}");
    exec::become_command(&arguments.node, &arguments.command, note)
}
