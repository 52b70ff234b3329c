// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a node's birth to its end. Everything is looked at before anything is
//! changed, and changed under the registry's lock.

mod add;
mod delete;
mod end;
mod state;

pub use add::{Birth, Request, add, adopt, look_free, make_free, start};
pub use delete::{Until, delete, delete_all, let_go};
pub use end::{end, stop, wait};
pub use state::Node;

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use nix::unistd::Pid;
use serde::Serialize;

use super::files::Files;
use super::registry::{Kind, Registry};
use crate::netns::named::{self, Entry};
use crate::netns::{Name, process};

/// What can be told of a node.
#[derive(Debug, Serialize)]
pub struct Description {
    pub name: Name,
    pub kind: Kind,
    pub state: &'static str,
    /// Of its first process, in the pid namespace of whoever asks.
    pub pid: Option<i32>,
    pub cookie: Option<u64>,
    pub inode: Option<u64>,
    /// Where `ip netns` finds it.
    pub netns: Option<PathBuf>,
    pub control: Option<PathBuf>,
    pub log: Option<PathBuf>,
}

/// A process in a node.
#[derive(Debug, Serialize)]
pub struct Member {
    pub pid: i32,
    pub command: String,
}

/// The nodes there are, by name.
pub fn list() -> Result<Vec<Description>> {
    let Some(registry) = Registry::read()? else {
        return Ok(Vec::new());
    };
    let there = Node::all(&registry)?.filter_map(|node| match node {
        Ok(node) if !node.exists() => None,
        node => Some(node.and_then(|node| describe(&registry, &node))),
    });
    there.collect()
}

/// One node, with the processes in it.
pub fn show(name: &Name) -> Result<(Description, Vec<Member>)> {
    let Some(registry) = Registry::read()? else {
        bail!("no node is called {name}; there are none");
    };
    let node = existing(&registry, name)?;
    let mut members = Vec::new();
    if let Some(netns) = node.netns()? {
        let inside = netns.inode()?;
        members.extend(
            process::all()
                .filter(|(_, inode)| *inode == inside)
                .map(|(pid, _)| Member {
                    pid: pid.as_raw(),
                    command: process::command(pid),
                }),
        );
        members.sort_by_key(|member| member.pid);
    }
    Ok((describe(&registry, &node)?, members))
}

fn describe(registry: &Registry, node: &Node) -> Result<Description> {
    let netns = node.netns()?;
    let inode = netns.map(|netns| netns.inode()).transpose()?;
    let files = Files::of(registry, &node.name);
    let pid = node
        .process
        .is_some()
        .then_some(node.record.process)
        .flatten();
    let here = match &pid {
        Some(process) => process.pid_here()?,
        None => None,
    };
    Ok(Description {
        name: node.name.clone(),
        kind: node.record.kind,
        state: node.state(),
        pid: here.map(Pid::as_raw),
        cookie: node.record.cookie,
        inode: inode.map(|inode| inode.number),
        netns: node.named.is_some().then(|| named::path(&node.name)),
        control: pid.is_some().then_some(files.control),
        log: (node.record.kind == Kind::Full).then_some(files.log),
    })
}

/// The node called `name`, which there must be.
fn existing(registry: &Registry, name: &Name) -> Result<Node> {
    match Node::find(registry, name)? {
        Some(node) if node.exists() => Ok(node),
        _ => match named::look(name)? {
            Entry::Bound(_) => bail!(
                "network namespace {name} is not a node; `pernet node adopt {name}` makes it one"
            ),
            _ => bail!("no node is called {name}; `pernet node ls` lists them"),
        },
    }
}

fn check_distinct(names: &[Name]) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        ensure!(seen.insert(name), "node {name} is named twice");
    }
    Ok(())
}
