// SPDX-License-Identifier: MIT OR Apache-2.0

//! What became of what is recorded.

use anyhow::{Context, Result};

use crate::kernel::process::Pidfd;
use crate::netns::named::{self, Entry};
use crate::netns::{Name, Netns, process};
use crate::node::files::Files;
use crate::node::process::Process;
use crate::node::registry::{Kind, NodeRecord, Registry};

/// A node of the registry.
pub struct Node {
    pub name: Name,
    pub record: NodeRecord,
    /// Its first process, if that is alive.
    pub process: Option<Pidfd>,
    /// Its network namespace, if its name stands for it.
    pub named: Option<Netns>,
    /// The name stands for something that is not the node's.
    pub name_is_anothers: bool,
}

impl Node {
    /// The node called `name`, if there is a record of it; there may be no more
    /// than that.
    pub fn find(registry: &Registry, name: &Name) -> Result<Option<Self>> {
        let Some(record) = registry.nodes().get::<NodeRecord>(name.as_str())? else {
            return Ok(None);
        };
        let process = record.process.as_ref().map(Process::open).transpose()?;
        let (named, name_is_anothers) = match named::look(name)? {
            Entry::Bound(netns) => match is_of(&netns, name, &record)? {
                true => (Some(netns), false),
                false => (None, true),
            },
            Entry::Nothing | Entry::Empty => (None, false),
        };
        Ok(Some(Node {
            name: name.clone(),
            record,
            process: process.flatten(),
            named,
            name_is_anothers,
        }))
    }

    /// All that there are records of, by name.
    pub fn all(registry: &Registry) -> Result<Vec<Self>> {
        let mut nodes = Vec::new();
        for (key, _) in registry.nodes().all::<NodeRecord>()? {
            nodes.extend(Node::find(registry, &key.parse()?)?);
        }
        Ok(nodes)
    }

    /// There is more of it than its record and some files.
    pub fn exists(&self) -> bool {
        self.process.is_some() || self.named.is_some()
    }

    /// In a word.
    pub fn state(&self) -> &'static str {
        match (self.record.kind, &self.process, &self.named) {
            (Kind::Full, Some(_), _) => "running",
            (Kind::Full, None, Some(_)) => "stopped",
            (_, _, Some(_)) => "present",
            _ => "gone",
        }
    }

    /// Its network namespace.
    pub fn netns(&self) -> Result<Option<Netns>> {
        if let Some(named) = &self.named {
            return named.try_clone().map(Some);
        }
        match (&self.process, self.record.process) {
            (Some(_), Some(process)) => match process.pid_here()? {
                Some(pid) => process::look(pid),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Takes away what is left when its processes have ended: its name, unless
    /// that is another's now, its files and its record.
    pub fn forget(&self, registry: &Registry) -> Result<()> {
        let forgotten = match self.record.named && !self.name_is_anothers {
            true => named::unbind(&self.name),
            false => Ok(()),
        };
        forgotten
            .and_then(|()| Files::of(registry, &self.name).remove())
            .and_then(|()| registry.nodes().remove(self.name.as_str()))
            .with_context(|| format!("cannot delete node {}", self.name))
    }
}

/// Whether `netns`, which has the node's name, is the node's.
fn is_of(netns: &Netns, name: &Name, record: &NodeRecord) -> Result<bool> {
    match netns.cookie() {
        Ok(cookie) => Ok(record.cookie == Some(cookie)),
        // Whoever may not look into it has not made it.
        Err(_) if !record.named => Ok(false),
        Err(error) => Err(error.context(format!("cannot tell whose network namespace {name} is"))),
    }
}
