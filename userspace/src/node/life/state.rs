// SPDX-License-Identifier: MIT OR Apache-2.0

//! What became of what is recorded.

use std::sync::Arc;

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
    pub named: Option<Arc<Netns>>,
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
                true => (Some(Arc::new(netns)), false),
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

    /// All that there are records of, by name. Each has files open as long as it is
    /// kept, and there may be more nodes than a process may have files.
    pub fn all(registry: &Registry) -> Result<impl Iterator<Item = Result<Self>>> {
        let records = registry.nodes().all::<NodeRecord>()?.into_iter();
        let find = |key: String| Node::find(registry, &key.parse()?);
        Ok(records.filter_map(move |(key, _)| find(key).transpose()))
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
    pub fn netns(&self) -> Result<Option<Arc<Netns>>> {
        if let Some(named) = &self.named {
            return Ok(Some(Arc::clone(named)));
        }
        let pid = match (&self.process, self.record.process) {
            (Some(_), Some(process)) => process.pid_here()?,
            _ => None,
        };
        let found = pid.map_or(Ok(None), process::look)?;
        Ok(found.map(Arc::new))
    }

    /// Takes away what is left when its processes have ended: its name, unless
    /// that is another's now, its files and its record.
    pub fn forget(&self, registry: &Registry) -> Result<()> {
        let forgotten = match self.record.named && !self.name_is_anothers {
            true => named::unbind(&self.name),
            false => Ok(()),
        };
        let remove_files = || match self.record.kind {
            Kind::Full => Files::of(registry, &self.name).remove(),
            Kind::NetOnly | Kind::Adopted => Ok(()),
        };
        forgotten
            .and_then(|()| remove_files())
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
