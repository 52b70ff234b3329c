// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes that vnoded made. They have no name but the path of their control
//! channel; what is recorded of them serves to remove them, when nobody has.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path};

use anyhow::{Context, Result};
use nix::unistd::Pid;

use super::process::Process;
use super::registry::{Registry, VnodedRecord};
use super::{files, life};
use crate::channel::{Draft, Place};
use crate::kernel::process::Pidfd;

/// A node about to be made, on record.
pub struct Entry {
    key: String,
    record: VnodedRecord,
}

impl Entry {
    /// Records a node before anything of it is made; nothing, for somebody who has
    /// no place for records.
    pub fn begin(draft: &Draft, control: &Path, pid_file: Option<&Path>) -> Result<Option<Self>> {
        let Ok(registry) = Registry::change() else {
            return Ok(None);
        };
        let absolute = |path: &Path| {
            path::absolute(path).with_context(|| format!("cannot name {}", path.display()))
        };
        let entry = Entry {
            key: draft.to_string(),
            record: VnodedRecord {
                control: absolute(control)?,
                pid_file: pid_file.map(absolute).transpose()?,
                socket: None,
                process: None,
            },
        };
        registry.vnoded().put(&entry.key, &entry.record)?;
        Ok(Some(entry))
    }

    /// Where it is recorded, for the node to remove that at its end.
    pub fn place(&self) -> Result<Place> {
        Place::of(&Registry::change()?.vnoded().path(&self.key))
    }

    /// The node's control channel is bound, to an inode of its own.
    pub fn has_socket(&mut self, socket: &Place) -> Result<()> {
        self.record.socket = socket.inode();
        self.put()
    }

    /// The node has a first process.
    pub fn has_process(&mut self, pid: Pid) -> Result<()> {
        self.record.process = Some(Process::of(pid)?);
        self.put()
    }

    fn put(&self) -> Result<()> {
        Registry::change()?.vnoded().put(&self.key, &self.record)
    }

    /// There is no such node, and nothing left of it.
    pub fn withdraw(self) -> Result<()> {
        Registry::change()?.vnoded().remove(&self.key)
    }
}

/// A node that was made and did not end by itself, or not yet.
pub struct Vnoded {
    key: String,
    pub record: VnodedRecord,
    process: Option<Pidfd>,
}

impl Vnoded {
    pub fn state(&self) -> &'static str {
        match self.process {
            Some(_) => "running",
            None => "gone",
        }
    }

    /// Removes what it has left, if that is still its own.
    fn forget(&self, registry: &Registry) -> Result<()> {
        let VnodedRecord {
            control,
            pid_file,
            socket,
            process,
        } = &self.record;
        files::remove(&control.with_file_name(Draft::socket_of(&self.key)))?;
        let inode = |found: fs::Metadata| (found.dev(), found.ino());
        if fs::symlink_metadata(control).is_ok_and(|found| Some(inode(found)) == *socket) {
            files::remove(control)?;
        }
        if let Some(path) = pid_file {
            files::remove(&path.with_file_name(Draft::pid_file_of(&self.key)))?;
            let its_pid = process.map(|process| format!("{}\n", process.pid));
            if fs::read_to_string(path).is_ok_and(|found| Some(found) == its_pid) {
                files::remove(path)?;
            }
        }
        registry.vnoded().remove(&self.key)
    }
}

/// All that there are records of.
pub fn all(registry: &Registry) -> Result<Vec<Vnoded>> {
    let mut nodes = Vec::new();
    for (key, record) in registry.vnoded().all::<VnodedRecord>()? {
        let process = record.process.as_ref().map(Process::open).transpose()?;
        nodes.push(Vnoded {
            key,
            record,
            process: process.flatten(),
        });
    }
    Ok(nodes)
}

/// Ends these nodes, and leaves nothing of them.
pub fn end(registry: &Registry, nodes: &[Vnoded]) -> Result<()> {
    life::end(nodes.iter().filter_map(|node| node.process.as_ref()))?;
    nodes.iter().try_for_each(|node| node.forget(registry))
}
