// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a command enters.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;

use crate::kernel::process::Pidfd;
use crate::netns::resolve::Resolved;
use crate::netns::{Name, Reference};
use crate::node::mounts;
use crate::node::registry::Registry;

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
    Node { first: Pidfd, pid: Pid },
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

/// The namespaces of a process that others can enter by a hold on it, and their
/// files in /proc. That of time is not among them: it is entered by children
/// only, and nodes have none of their own.
const NAMESPACES: [(CloneFlags, &str); 7] = [
    (CloneFlags::CLONE_NEWUSER, "user"),
    (CloneFlags::CLONE_NEWNS, "mnt"),
    (CloneFlags::CLONE_NEWPID, "pid"),
    (CloneFlags::CLONE_NEWNET, "net"),
    (CloneFlags::CLONE_NEWUTS, "uts"),
    (CloneFlags::CLONE_NEWIPC, "ipc"),
    (CloneFlags::CLONE_NEWCGROUP, "cgroup"),
];

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
            Place::Node { first, pid } => enter_node(first, *pid),
            Place::Netns(resolved) => enter_netns(resolved, note),
        };
        entered.with_context(|| format!("cannot enter {}", self.reference))
    }
}

fn find(reference: &Reference) -> Result<Place> {
    match reference {
        Reference::Name(name) => return by_name(name, reference),
        // Only a number may be something else.
        Reference::Word(name) if !name.as_str().bytes().all(|byte| byte.is_ascii_digit()) => {
            return by_name(name, reference);
        }
        _ => {}
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

/// The node that pernet made under this name, as long as its first process lives.
fn by_record(name: &Name) -> Result<Option<Place>> {
    let record = Registry::look_up(name)?;
    let Some(process) = record.and_then(|record| record.process) else {
        return Ok(None);
    };
    let pid = process.pid();
    Ok(process.open()?.map(|first| Place::Node { first, pid }))
}

fn enter_node(first: &Pidfd, pid: Pid) -> Result<Inside> {
    let different = different_namespaces(pid)?;
    // It will mean another directory, in the node's mounts.
    let left = match different.contains(CloneFlags::CLONE_NEWNS) {
        true => env::current_dir().ok().or_else(|| Some(PathBuf::from("/"))),
        false => None,
    };
    match setns(first, different) {
        Err(Errno::ESRCH) => anyhow::bail!("its first process, {pid}, has ended"),
        entered => entered.with_context(|| format!("cannot enter the namespaces of {pid}"))?,
    }
    Ok(Inside {
        left,
        is_nobody: different.contains(CloneFlags::CLONE_NEWUSER),
    })
}

/// The namespaces in which process `pid` is and this one is not: one may not enter
/// again the user namespace that one is in, and has no need to with others.
fn different_namespaces(pid: Pid) -> Result<CloneFlags> {
    let mut different = CloneFlags::empty();
    for (flag, name) in NAMESPACES {
        let look = |who: &str| {
            let path = format!("/proc/{who}/ns/{name}");
            fs::metadata(&path)
                .map(|file| (file.dev(), file.ino()))
                .with_context(|| format!("cannot examine {path}"))
        };
        if look("self")? != look(&pid.to_string())? {
            different |= flag;
        }
    }
    Ok(different)
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
