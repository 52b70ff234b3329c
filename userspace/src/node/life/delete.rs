// SPDX-License-Identifier: MIT OR Apache-2.0

//! Deleting nodes.

use anyhow::{Result, bail};
use nix::unistd::geteuid;

use super::{Node, check_distinct, end};
use crate::netns::Name;
use crate::netns::named::{self, Entry};
use crate::node::departure::{Departure, Leaver};
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
    for name in names {
        ours(&registry, name)?;
    }
    let nodes = names.iter().map(|name| ours(&registry, name));
    let leaving = let_go(&registry, nodes, until)?;
    drop(registry);
    leaving.wait(note)
}

/// Deletes every node, and forgets those that are gone. Returns the names of
/// those that were there.
pub fn delete_all(until: Until, note: impl Fn(String)) -> Result<Vec<Name>> {
    let registry = Registry::change()?;
    let mut names = Vec::new();
    let nodes = Node::all(&registry)?.inspect(|node| {
        let there = node.as_ref().ok().filter(|node| node.exists());
        names.extend(there.map(|node| node.name.clone()));
    });
    let leaving = let_go(&registry, nodes, until)?;
    drop(registry);
    leaving.wait(note)?;
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

/// As many nodes are let go of at a time. A namespace takes the kernel tens of
/// milliseconds to clear away, a hundred together hardly more; while it does, the next
/// are looked at, and no more than these have files open here.
const TOGETHER: usize = 128;

/// Lets go of nodes, and forgets those that are gone. What becomes of them then can
/// be waited for, when others can change the registry again.
pub fn let_go(
    registry: &Registry,
    mut nodes: impl Iterator<Item = Result<Node>>,
    until: Until,
) -> Result<Departure> {
    let until_gone = until == Until::NamespacesAreGone;
    let at_a_time = match until_gone && !geteuid().is_root() {
        // To watch them, this goes where it finds no others.
        true => usize::MAX,
        false => TOGETHER,
    };
    let mut next = || Group::of(nodes.by_ref().take(at_a_time));
    let mut group = next()?;
    let mut leaving = Departure::begin(until_gone)?;
    while !group.nodes.is_empty() {
        group.let_go(registry, &mut leaving)?;
        group = next()?;
    }
    Ok(leaving)
}

/// Nodes that are let go of together.
struct Group {
    nodes: Vec<Node>,
    spaces: Vec<Leaver>,
}

impl Group {
    fn of(nodes: impl Iterator<Item = Result<Node>>) -> Result<Self> {
        let nodes: Vec<Node> = nodes.collect::<Result<_>>()?;
        let spaces = (nodes.iter().filter(goes))
            .filter_map(|node| Some(node.netns().transpose()?.map(|it| (node.name.clone(), it))));
        let spaces = spaces.collect::<Result<_>>()?;
        Ok(Group { nodes, spaces })
    }

    fn let_go(self, registry: &Registry, leaving: &mut Departure) -> Result<()> {
        let Group { nodes, spaces } = self;
        leaving.look_at(&spaces)?;
        end::end(end::processes(&nodes))?;
        leaving.look_inside(&spaces)?;
        drop(spaces);
        nodes.iter().try_for_each(|node| node.forget(registry))?;
        let cookies = nodes.iter().filter(goes);
        let cookies = cookies.filter_map(|node| node.record.cookie).collect();
        links::forget_all_in(registry, &cookies)
    }
}

/// A namespace that was adopted stays where it is.
fn goes(node: &&Node) -> bool {
    node.record.kind != Kind::Adopted
}
