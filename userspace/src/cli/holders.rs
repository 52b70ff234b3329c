// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet holders`: why a namespace is still there.

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::output;
use crate::inventory::model::Holder;
use crate::inventory::{self, table};
use crate::netns::Reference;
use crate::node::reference;

/// Show what keeps a network namespace alive
///
/// That is: names, processes and threads in it, files that it is bound to, in
/// other mount namespaces too, open files of it and of its /proc/net, and sockets.
/// When the last of these is gone the kernel clears the namespace away, unless it
/// still has work with it, as with connections that are being closed.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The namespace: a node's name, pid:N, a path, ...; see `pernet --help`
    ns: Reference,
    /// Print JSON; see docs/json.md
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Example: pernet holders cookie:12 --json | jq '.holders[] | select(.kind == \"socket\").pid'";

const NOBODY: &str = "\
nothing that can be seen from here holds it: a descriptor that is on its way from one
process to another, a socket or a device of the kernel itself, or a process that only
root may look at
";

#[derive(Serialize)]
struct Document {
    cookie: u64,
    inode: u64,
    holders: Vec<Holder>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let netns = reference::resolve(&arguments.ns)?.netns;
    let holders = inventory::holders(&netns)
        .with_context(|| format!("cannot find out what holds {}", arguments.ns))?;
    if arguments.json {
        return output::print_document(&Document {
            cookie: netns.cookie()?,
            inode: netns.inode()?.number,
            holders,
        });
    }
    match &holders[..] {
        [] => output::print(NOBODY),
        holders => {
            let rows = table::holders(holders);
            output::print(&output::columns(["HELD BY", "WHICH"], &rows))
        }
    }
}
