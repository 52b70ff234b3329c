// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a command enters.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;

use crate::kernel::process::Pidfd;
use crate::netns::named::{self, Entry};
use crate::netns::resolve::Resolved;
use crate::netns::{Name, Reference};
use crate::node::mounts;
use crate::node::reference;
use crate::node::registry::{Kind, Registry};

/// What a command enters.
#[derive(Debug)]
pub struct Target {
    /// As it was asked for.
    reference: Reference,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A node with a first process: all its namespaces.
    Node {
        first: Pidfd,
        pid: Pid,
        /// It has a user namespace of its own, too.
        is_user: bool,
    },
    /// A network namespace, and a mount namespace that is made for the command.
    Netns(Resolved),
}

/// What changed for this process when it went in.
#[derive(Debug, Default)]
pub struct Inside {
    /// Where the caller was, if the way there has to be found again.
    pub left: Option<PathBuf>,
    /// The user namespace is another, where this process is nobody yet.
    pub is_nobody: bool,
}

/// The namespaces that every full node has of its own.
const NAMESPACES: CloneFlags = CloneFlags::CLONE_NEWNS
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWNET)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWIPC);

impl Target {
    /// What `reference` leads to: the node that has the name, or else a network
    /// namespace, which is all that other forms say.
    pub fn find(reference: &Reference) -> Result<Self> {
        let place = find(reference).with_context(|| format!("cannot enter {reference}"))?;
        Ok(Target {
            reference: reference.clone(),
            place,
        })
    }

    /// Whether this process can go in itself; else only a child of it is inside.
    pub fn takes_this_process(&self) -> bool {
        matches!(self.place, Place::Netns(_))
    }

    /// The name, if that is how it was asked for.
    pub fn name(&self) -> Option<&Name> {
        match (&self.place, &self.reference) {
            (Place::Netns(resolved), _) => resolved.name(),
            (Place::Node { .. }, Reference::Name(name) | Reference::Word(name)) => Some(name),
            (Place::Node { .. }, _) => None,
        }
    }

    /// Goes in and stays there; a pid namespace is entered by children only.
    /// `note` hears of what has to be done without.
    pub fn enter(&self, note: impl Fn(Error)) -> Result<Inside> {
        let entered = match &self.place {
            Place::Node {
                first,
                pid,
                is_user,
            } => enter_node(first, *pid, *is_user),
            Place::Netns(resolved) => enter_netns(resolved, note),
        };
        entered.with_context(|| format!("cannot enter {}", self.reference))
    }
}

fn find(reference: &Reference) -> Result<Place> {
    if let Some(name) = reference::name(reference) {
        return by_name(name, reference);
    }
    let resolved = reference.resolve()?;
    let node = resolved.name().map(by_record).transpose()?;
    Ok(node.flatten().unwrap_or(Place::Netns(resolved)))
}

fn by_name(name: &Name, reference: &Reference) -> Result<Place> {
    match by_record(name)? {
        Some(node) => Ok(node),
        None => reference.resolve().map(Place::Netns),
    }
}

/// The full node of this name. One that is stopped is refused: in its network
/// namespace alone a command would see, and reach, the processes and files here.
fn by_record(name: &Name) -> Result<Option<Place>> {
    let Some(record) = Registry::look_up(name)?.filter(|record| record.kind == Kind::Full) else {
        return Ok(None);
    };
    if let Some(process) = record.process {
        let pid = Pid::from_raw(process.pid);
        if let Some(first) = process.open()? {
            return Ok(Some(Place::Node {
                first,
                pid,
                is_user: record.user,
            }));
        }
    }
    match named::look(name)? {
        Entry::Bound(netns) if record.cookie == Some(netns.cookie()?) => anyhow::bail!(
            "it is stopped; `pernet node start {name}` starts it, and {} is its network alone",
            named::path(name).display()
        ),
        // The name is another's now, or nobody's.
        _ => Ok(None),
    }
}

fn enter_node(first: &Pidfd, pid: Pid, is_user: bool) -> Result<Inside> {
    // It will mean another directory, in the node's mounts.
    let left = env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let is_nobody = match setns(first, NAMESPACES | user_namespace(is_user)) {
        // One may not enter again the user namespace that one is in.
        Err(Errno::EINVAL) if is_user => setns(first, NAMESPACES).map(|()| false),
        entered => entered.map(|()| is_user),
    };
    let is_nobody = match is_nobody {
        Err(Errno::ESRCH) => anyhow::bail!("its first process, {pid}, has ended"),
        entered => entered.with_context(|| format!("cannot enter the namespaces of {pid}"))?,
    };
    Ok(Inside {
        left: Some(left),
        is_nobody,
    })
}

fn user_namespace(is_its_own: bool) -> CloneFlags {
    match is_its_own {
        true => CloneFlags::CLONE_NEWUSER,
        false => CloneFlags::empty(),
    }
}

/// Into the network namespace, and into a mount namespace where /sys is its
/// own and /etc that of its name, if it was asked for by name: another way to
/// it says nothing of files.
fn enter_netns(found: &Resolved, note: impl Fn(Error)) -> Result<Inside> {
    found.netns.enter()?;
    unshare(CloneFlags::CLONE_NEWNS).context("cannot make a mount namespace")?;
    mounts::keep_apart()?;
    mounts::mount_sys()
        .unwrap_or_else(|error| note(error.context("/sys shows the devices of another namespace")));
    if let Some(name) = found.name() {
        mounts::bind_own_files(&mounts::own_etc(name), note)?;
    }
    Ok(Inside::default())
}
