// SPDX-License-Identifier: MIT OR Apache-2.0

//! Removing labs, by what is recorded of them, whatever became of the runs that
//! made them.

use std::collections::HashSet;

use anyhow::{Result, bail};

use super::commands;
use super::model::Lab;
use super::ports;
use super::record::{LabRecord, State};
use crate::netlink::Socket;
use crate::netns::Name;
use crate::node::Process;
use crate::node::cleanup::{self, Remnant};
use crate::node::life::{self, Node, Until};
use crate::node::registry::Registry;

/// Removes labs of these names: all of them, or none where one of them is not there
/// or not ours to remove now.
pub fn down(names: &[Name], note: impl Fn(String)) -> Result<()> {
    let Some(registry) = Registry::read()? else {
        bail!("no lab is called {}; there are none", names[0]);
    };
    for name in names {
        LabRecord::removable(&registry, name)?;
    }
    drop(registry);
    for name in names {
        // Now that nobody else changes it.
        let registry = Registry::change()?;
        let record = LabRecord::removable(&registry, name)?;
        remove(registry, &record, &note)?;
    }
    Ok(())
}

/// Removes all that there is of a lab, and its record. Its namespaces are let go
/// of together, and the kernel clears them away with all that is in them.
pub fn remove(registry: Registry, record: &LabRecord, note: impl Fn(String)) -> Result<()> {
    let leaving = LabRecord {
        state: State::Leaving,
        worker: Some(Process::own()?),
        ..record.clone()
    };
    leaving.put(&registry)?;
    commands::end(record.commands.iter())?;
    let mut names = HashSet::new();
    let nodes = (record.labs().flat_map(|lab| &lab.nodes))
        .filter(|node| names.insert(&node.netns))
        .filter_map(|node| Node::find(&registry, &node.netns).transpose());
    let leaving = life::let_go(&registry, nodes, Until::LinksAreGone)?;
    let mut socket = Socket::route()?;
    delete_trunks(&registry, &mut socket, record)?;
    let bridges = record.labs().flat_map(|lab| &lab.bridges);
    ports::delete_bridges(&registry, &mut socket, bridges)?;
    registry.labs().remove(record.lab.name.as_str())?;
    drop(registry);
    leaving.wait(note)
}

fn delete_trunks(registry: &Registry, socket: &mut Socket, record: &LabRecord) -> Result<()> {
    let mut labs = record.labs();
    labs.try_for_each(|lab| ports::delete_trunks(registry, socket, lab))
}

/// What `pernet cleanup` finds: labs, and all that is recorded by itself. Where a
/// process is at work on a lab, nothing is removed. From the look to the end nobody
/// else begins to make anything.
pub fn cleanup(remove: bool, note: impl Fn(String)) -> Result<Vec<Remnant>> {
    let mut found = Vec::new();
    if Registry::read()?.is_none() {
        return Ok(found);
    }
    let registry = Registry::change()?;
    let labs = registry.labs().all::<LabRecord>()?;
    let strays = registry.labs().unreadable::<LabRecord>()?;
    for (name, record) in &labs {
        if remove {
            record.check_idle()?;
        }
        found.push(Remnant::Lab {
            name: name.clone(),
            state: record.words()?,
        });
    }
    found.extend(strays.into_iter().map(Remnant::File));
    let (others, remnants) = cleanup::find(&registry)?;
    found.extend(others);
    if !remove {
        return Ok(found);
    }
    commands::end(labs.iter().flat_map(|(_, record)| &record.commands))?;
    let leaving = remnants.remove(&registry)?;
    // Those of another boot too, which are about nothing.
    let shelf = registry.labs();
    (shelf.keys()?.iter()).try_for_each(|name| shelf.remove(name))?;
    drop(registry);
    leaving.wait(note)?;
    Ok(found)
}

/// Every lab there is a record of, by name.
pub fn all() -> Result<Vec<LabRecord>> {
    let Some(registry) = Registry::read()? else {
        return Ok(Vec::new());
    };
    let labs = registry.labs().all::<LabRecord>()?.into_iter();
    Ok(labs.map(|(_, record)| record).collect())
}

/// The lab of this name, as it was made or last changed.
pub fn find(name: &Name) -> Result<LabRecord> {
    match Registry::read()? {
        Some(registry) => LabRecord::existing(&registry, name),
        None => bail!("no lab is called {name}; there are none"),
    }
}

impl Lab {
    /// The node that is called so, in the lab or on the machine.
    pub fn node(&self, name: &str) -> Option<&super::model::Node> {
        let mut nodes = self.nodes.iter();
        nodes.find(|node| node.name.as_str() == name || node.netns.as_str() == name)
    }
}
