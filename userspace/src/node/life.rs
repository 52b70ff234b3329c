// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a node's birth to its end.

use std::collections::HashSet;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use serde::Serialize;

use super::departure::Departure;
use super::interrupt::Deferred;
use super::registry::{NodeRecord, Registry, Shelf};
use crate::netlink::{Batch, Socket, link};
use crate::netns::named::{self, Entry};
use crate::netns::{Name, Netns, own_cookie};

/// Every network namespace is made with its loopback device, as its first.
const LOOPBACK: i32 = 1;

/// A node that is there.
#[derive(Debug, Serialize)]
pub struct Node {
    pub name: String,
    pub cookie: u64,
    pub inode: u64,
}

/// What became of a name in the registry.
enum State {
    /// The namespace that was made for it still has the name.
    Alive(Netns),
    /// Nothing has the name any more, or only the file left by a run that died
    /// between making the file and binding the namespace to it.
    Gone,
    /// The name was given to a namespace that is not ours.
    Taken,
}

/// Makes nodes of these names: all of them, or none.
pub fn add(names: &[Name]) -> Result<()> {
    check_distinct(names)?;
    let registry = Registry::change()?;
    let signals = Deferred::hold()?;
    named::share_directory()?;
    for name in names {
        check_free(&registry.nodes(), name)?;
    }
    for (made, name) in names.iter().enumerate() {
        let step = signals.check().and_then(|()| make(&registry.nodes(), name));
        if let Err(error) = step {
            return Err(undo(&registry, &names[..made], error));
        }
    }
    signals
        .check()
        .map_err(|error| undo(&registry, names, error))
}

fn check_distinct(names: &[Name]) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        ensure!(seen.insert(name), "node {name} is named twice");
    }
    Ok(())
}

/// Makes sure that nothing has the name; leftovers of ours under it go.
fn check_free(records: &Shelf, name: &Name) -> Result<()> {
    let record: Option<NodeRecord> = records.get(name.as_str())?;
    match (named::look(name)?, record) {
        (Entry::Nothing, _) => Ok(()),
        (Entry::Empty, Some(_)) => named::unbind(name),
        (Entry::Empty, None) => {
            let path = named::path(name);
            bail!(
                "file {} is in the way of node {name}; no namespace is bound to it",
                path.display()
            )
        }
        (Entry::Bound(netns), Some(record)) if netns.cookie()? == record.cookie => {
            bail!("node {name} exists already; `pernet node del {name}` deletes it")
        }
        (Entry::Bound(_), _) => {
            bail!(
                "a network namespace called {name} exists already; `ip netns del {name}` deletes it"
            )
        }
    }
}

/// Makes one node, or nothing.
fn make(records: &Shelf, name: &Name) -> Result<()> {
    let made = Netns::create(|netns| {
        let cookie = own_cookie()?;
        records.put(name.as_str(), &NodeRecord { cookie })?;
        let named = raise_loopback().and_then(|()| named::bind(name, netns));
        named.map_err(|error| match records.remove(name.as_str()) {
            Ok(()) => error,
            Err(failure) => anyhow!("{error:#}; its record is left behind: {failure:#}"),
        })
    });
    made.with_context(|| format!("cannot make node {name}"))
}

fn raise_loopback() -> Result<()> {
    let mut batch = Batch::default();
    link::up(&mut batch, "cannot bring up its loopback device", LOOPBACK)?;
    Socket::route()?.transact(&batch).map(drop)
}

/// Takes back what was made, last first, and returns the reason for it.
fn undo(registry: &Registry, made: &[Name], reason: Error) -> Error {
    let failed: Vec<String> = (made.iter().rev())
        .filter_map(|name| remove(&registry.nodes(), name).err())
        .map(|failure| format!("{failure:#}"))
        .collect();
    match failed.is_empty() {
        true => reason,
        false => anyhow!("{reason:#}; not all could be undone: {}", failed.join("; ")),
    }
}

fn remove(records: &Shelf, name: &Name) -> Result<()> {
    named::unbind(name)
        .and_then(|()| records.remove(name.as_str()))
        .with_context(|| format!("cannot delete node {name}"))
}

/// The nodes there are, by name.
pub fn list() -> Result<Vec<Node>> {
    let Some(registry) = Registry::read()? else {
        return Ok(Vec::new());
    };
    let mut nodes = Vec::new();
    for (name, record) in recorded(&registry)? {
        if let State::Alive(netns) = state(&name, &record)? {
            nodes.push(Node {
                name: name.to_string(),
                cookie: record.cookie,
                inode: netns.inode()?.number,
            });
        }
    }
    Ok(nodes)
}

fn recorded(registry: &Registry) -> Result<Vec<(Name, NodeRecord)>> {
    let shelf = registry.nodes();
    let mut nodes = Vec::new();
    for key in shelf.keys()? {
        if let Some(record) = shelf.get(&key)? {
            nodes.push((key.parse()?, record));
        }
    }
    Ok(nodes)
}

fn state(name: &Name, record: &NodeRecord) -> Result<State> {
    let cookie = |netns: &Netns| {
        netns
            .cookie()
            .with_context(|| format!("cannot tell whose network namespace {name} is"))
    };
    Ok(match named::look(name)? {
        Entry::Bound(netns) if cookie(&netns)? == record.cookie => State::Alive(netns),
        Entry::Bound(_) => State::Taken,
        Entry::Nothing | Entry::Empty => State::Gone,
    })
}

/// Deletes nodes of these names: all of them, or none where one is not ours.
/// `note` hears of those that something keeps alive.
pub fn delete(names: &[Name], note: impl Fn(String)) -> Result<()> {
    check_distinct(names)?;
    let registry = Registry::change()?;
    let mut ours = Vec::new();
    for name in names {
        let record = registry.nodes().get(name.as_str())?;
        ours.push((name, check_ours(name, record.as_ref())?));
    }
    let alive = (ours.iter()).filter_map(|(name, netns)| Some((*name, netns.as_ref()?)));
    let leaving = Departure::of(alive)?;
    drop(ours);
    // A namespace takes tens of milliseconds to go, a hundred let go together
    // hardly more: so nothing waits between one and the next.
    names
        .iter()
        .try_for_each(|name| remove(&registry.nodes(), name))?;
    drop(registry);
    leaving.wait(note)
}

/// The namespace of a node that may be deleted, if it is still there.
fn check_ours(name: &Name, record: Option<&NodeRecord>) -> Result<Option<Netns>> {
    let state = match record {
        Some(record) => state(name, record)?,
        None => match named::look(name)? {
            Entry::Bound(_) => State::Taken,
            Entry::Nothing | Entry::Empty => {
                bail!("no node is called {name}; `pernet node ls` lists them")
            }
        },
    };
    match state {
        State::Alive(netns) => Ok(Some(netns)),
        State::Gone => Ok(None),
        State::Taken => {
            bail!(
                "network namespace {name} was not made by pernet; `ip netns del {name}` deletes it"
            )
        }
    }
}

/// Deletes every node, and forgets those that are gone or whose name is now
/// another's. Returns the names of the deleted.
pub fn delete_all(note: impl Fn(String)) -> Result<Vec<Name>> {
    let registry = Registry::change()?;
    let mut alive = Vec::new();
    for (name, record) in recorded(&registry)? {
        match state(&name, &record)? {
            State::Alive(netns) => alive.push((name, netns)),
            State::Gone => remove(&registry.nodes(), &name)?,
            State::Taken => registry.nodes().remove(name.as_str())?,
        }
    }
    let leaving = Departure::of(alive.iter().map(|(name, netns)| (name, netns)))?;
    let names: Vec<Name> = alive.into_iter().map(|(name, _)| name).collect();
    names
        .iter()
        .try_for_each(|name| remove(&registry.nodes(), name))?;
    drop(registry);
    leaving.wait(note)?;
    Ok(names)
}
