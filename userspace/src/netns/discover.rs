// SPDX-License-Identifier: MIT OR Apache-2.0

//! What network namespaces there are, and how each can be reached. The kernel
//! has no list of them: one is found where it has a name, a process or a
//! mount, and not where only an open file holds it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use nix::unistd::Pid;

use super::{Inode, Name, Netns, mounts, named, process};

/// A network namespace, and every way in which it was found. It is not held,
/// since there may be more of them than a process may have files open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub inode: Inode,
    /// Under /run/netns, in order.
    pub names: Vec<Name>,
    /// The processes in it that one may see, in order.
    pub pids: Vec<Pid>,
    /// The files that it is bound to, but for those of its names, in order.
    pub paths: Vec<PathBuf>,
}

/// Every namespace that can be found, in the order of the inodes.
pub fn all() -> Result<Vec<Found>> {
    let mut found = BTreeMap::new();
    for (name, inode) in named::all()? {
        at(&mut found, inode).names.push(name);
    }
    for (pid, inode) in process::all() {
        at(&mut found, inode).pids.push(pid);
    }
    for (path, inode) in mounts::all()? {
        at(&mut found, inode).paths.push(path);
    }
    let mut found: Vec<Found> = found.into_values().collect();
    found.iter_mut().for_each(Found::tidy);
    Ok(found)
}

fn at(found: &mut BTreeMap<Inode, Found>, inode: Inode) -> &mut Found {
    found.entry(inode).or_insert_with(|| Found {
        inode,
        names: Vec::new(),
        pids: Vec::new(),
        paths: Vec::new(),
    })
}

impl Found {
    /// In order and each thing once: a mount on a directory that is shared is
    /// listed several times.
    fn tidy(&mut self) {
        self.names.sort();
        self.pids.sort();
        self.paths.sort();
        self.paths.dedup();
        let names: Vec<PathBuf> = self.names.iter().map(named::path).collect();
        self.paths.retain(|path| !names.contains(path));
    }

    /// Opens it, by the first way that still leads to it; nothing, where it is
    /// gone meanwhile.
    pub fn open(&self) -> Result<Option<Netns>> {
        let names = self.names.iter().map(named::path);
        let pids = self.pids.iter().map(|&pid| process::path(pid));
        let mut failure = None;
        for way in names.chain(self.paths.iter().cloned()).chain(pids) {
            match Netns::look(&way).and_then(|netns| self.check(netns)) {
                Ok(None) => {}
                Ok(netns) => return Ok(netns),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// What a way leads to, unless it leads to another namespace by now.
    fn check(&self, netns: Option<Netns>) -> Result<Option<Netns>> {
        match netns {
            Some(netns) if netns.inode()? == self.inode => Ok(Some(netns)),
            _ => Ok(None),
        }
    }

    /// One of the ways in which it was found, as people know it.
    pub fn describe(&self) -> String {
        match (self.names.first(), self.pids.first(), self.paths.first()) {
            (Some(name), _, _) => format!("called {name}"),
            (None, Some(&pid), _) => format!("that of {}", process::describe(pid)),
            (None, None, Some(path)) => format!("bound to {path:?}"),
            (None, None, None) => format!("inode {}", self.inode.number),
        }
    }
}
