// SPDX-License-Identifier: MIT OR Apache-2.0

//! Deleting nodes.

use anyhow::{Result, bail};

use super::{Node, check_distinct, end};
use crate::netns::named::{self, Entry};
use crate::netns::{Name, Netns};
use crate::node::departure::Departure;
use crate::node::links;
use crate::node::registry::{Kind, Registry};

/// How long deleting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until the ends of links here are gone, whose names are then free.
    LinksAreGone,
    /// Until the kernel has nothing left of the namespaces.
    NamespacesAreGone,
}

/// Deletes nodes of these names: all of them, or none where one is not ours.
/// `note` hears of those that something keeps alive.
pub fn delete(names: &[Name], until: Until, note: impl Fn(String)) -> Result<()> {
    check_distinct(names)?;
    let registry = Registry::change()?;
    let nodes = names
        .iter()
        .map(|name| ours(&registry, name))
        .collect::<Result<Vec<_>>>()?;
    remove(registry, nodes, until, note)
}

/// Deletes every node, and forgets those that are gone. Returns the names of
/// those that were there.
pub fn delete_all(until: Until, note: impl Fn(String)) -> Result<Vec<Name>> {
    let registry = Registry::change()?;
    let nodes = Node::all(&registry)?;
    let there = nodes.iter().filter(|node| node.exists());
    let names = there.map(|node| node.name.clone()).collect();
    remove(registry, nodes, until, note)?;
    Ok(names)
}

/// The node of this name, if it may be deleted.
fn ours(registry: &Registry, name: &Name) -> Result<Node> {
    let not_ours = || {
        format!("network namespace {name} was not made by pernet; `ip netns del {name}` deletes it")
    };
    match Node::find(registry, name)? {
        Some(node) if node.exists() || !node.name_is_anothers => Ok(node),
        Some(_) => bail!(not_ours()),
        None => match named::look(name)? {
            Entry::Bound(_) => bail!(not_ours()),
            Entry::Nothing | Entry::Empty => {
                bail!("no node is called {name}; `pernet node ls` lists them")
            }
        },
    }
}

/// Deletes nodes, and forgets those that are gone. Others can go on as soon as the
/// nodes are let go of.
pub fn remove(
    registry: Registry,
    nodes: Vec<Node>,
    until: Until,
    note: impl Fn(String),
) -> Result<()> {
    let leaving = let_go(&registry, nodes, until)?;
    drop(registry);
    leaving.wait(note)
}

/// The same, while nobody else changes anything.
pub fn remove_under(
    registry: &Registry,
    nodes: Vec<Node>,
    until: Until,
    note: impl Fn(String),
) -> Result<()> {
    let_go(registry, nodes, until)?.wait(note)
}

/// The same, but what has to be waited for is left to the caller.
pub fn let_go(registry: &Registry, nodes: Vec<Node>, until: Until) -> Result<Departure> {
    let spaces: Vec<(&Name, Netns)> = (nodes.iter())
        // One that was adopted stays where it is.
        .filter(|node| node.record.kind != Kind::Adopted)
        .filter_map(|node| Some(node.netns().transpose()?.map(|netns| (&node.name, netns))))
        .collect::<Result<_>>()?;
    let mut leaving = Departure::of(spaces.iter().map(|(name, netns)| (*name, netns)))?;
    if until == Until::NamespacesAreGone {
        leaving.announce(spaces.iter().map(|(_, netns)| netns))?;
    }
    end::end(end::processes(&nodes))?;
    leaving.look_inside();
    drop(spaces);
    // A namespace takes tens of milliseconds to go, a hundred let go together
    // hardly more: so nothing waits between one and the next.
    for node in &nodes {
        node.forget(registry)?;
        if let (Some(cookie), true) = (node.record.cookie, node.record.kind != Kind::Adopted) {
            links::forget_all_in(registry, cookie)?;
        }
    }
    Ok(leaving)
}
