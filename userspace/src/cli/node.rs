// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet node`: making, listing and deleting nodes.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::output;
use crate::netns::Name;
use crate::node::life;

#[derive(Subcommand)]
#[command(after_help = "Example: pernet node add n1 n2 && pernet node ls && pernet node del --all")]
pub enum Verb {
    /// Make nodes: all of those named, or none
    ///
    /// A node is a network namespace with a name in /run/netns, where `ip
    /// netns` sees it too, and with its loopback device up.
    #[command(after_help = "Example: pernet node add n1 n2")]
    Add(Add),
    /// List the nodes that pernet made
    #[command(after_help = "Example: pernet node ls --json | jq -r '.[].name'")]
    Ls(Ls),
    /// Delete nodes that pernet made
    ///
    /// Their links go with them: this waits until the ends here are gone, but not
    /// for a process that still runs in a node. Nothing is deleted when one of
    /// the nodes is not pernet's.
    #[command(after_help = "Example: pernet node del n1 n2")]
    Del(Del),
}

#[derive(Args)]
pub struct Add {
    /// Names of the nodes
    #[arg(required = true)]
    name: Vec<Name>,
}

#[derive(Args)]
pub struct Ls {
    /// Print JSON: [{"name": string, "cookie": integer, "inode": integer}, ...]
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Del {
    /// Names of the nodes
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    name: Vec<Name>,
    /// Delete every node that pernet made, and print their names
    #[arg(long)]
    all: bool,
}

pub fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Add(Add { name }) => life::add(&name),
        Verb::Ls(Ls { json }) => list(json),
        Verb::Del(Del { all: false, name }) => life::delete(&name, note),
        Verb::Del(Del { all: true, .. }) => {
            let deleted = life::delete_all(note)?;
            output::print(
                &deleted
                    .iter()
                    .map(|name| format!("{name}\n"))
                    .collect::<String>(),
            )
        }
    }
}

fn note(text: String) {
    eprintln!("pernet: note: {text}");
}

fn list(json: bool) -> Result<()> {
    let nodes = life::list()?;
    if json {
        return output::print_json(&nodes);
    }
    let rows: Vec<_> = (nodes.into_iter())
        .map(|node| [node.name, node.cookie.to_string(), node.inode.to_string()])
        .collect();
    output::print(&output::columns(["NODE", "COOKIE", "INODE"], &rows))
}
