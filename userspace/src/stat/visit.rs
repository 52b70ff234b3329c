// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own counters, of many namespaces: each is entered, by threads that
//! do nothing else.

use anyhow::{Context, Error, Result};
use nix::unistd::Pid;

use super::model::{Kernel, Namespace};
use super::procfs;
use crate::forbidden;
use crate::netlink::pernet::Dropped;
use crate::netns::discover::Found;
use crate::netns::visit::{Tour, Visitor};
use crate::netns::{Netns, own_cookie, process};
use crate::parallel;

/// Where a namespace is to be found.
pub enum Place {
    Found(Found),
    Held(Netns),
}

/// What came of the visits.
#[derive(Default)]
pub struct Visits {
    /// In the order of their cookies. Those that are gone by now are not there.
    pub namespaces: Vec<Namespace>,
    /// Why one of them could not be entered by the caller, if any.
    pub refused: Option<Error>,
    /// Why others could not be read.
    pub failed: Vec<Error>,
}

/// Reads each namespace.
pub fn all(places: &[Place]) -> Result<Visits> {
    let tour = Tour::begin()?;
    let reader = || Reader {
        visitor: tour.visitor(),
        buffer: Vec::new(),
    };
    let mut visits = Visits::default();
    for visit in parallel::map(places, reader, Reader::visit) {
        match visit {
            Ok(namespace) => visits.namespaces.extend(namespace),
            Err(error) if forbidden::is(&error) => visits.refused = Some(error),
            Err(error) => visits.failed.push(error),
        }
    }
    let namespaces = &mut visits.namespaces;
    namespaces.sort_unstable_by_key(|namespace| namespace.cookie);
    Ok(visits)
}

/// What a thread has with it.
struct Reader {
    visitor: Visitor,
    buffer: Vec<u8>,
}

impl Reader {
    /// Nothing, where the namespace is gone.
    fn visit(&mut self, place: &Place) -> Result<Option<Namespace>> {
        match place {
            Place::Held(netns) => self.read(netns, None).map(Some),
            Place::Found(found) => {
                let Some(netns) = found.open()? else {
                    return Ok(None);
                };
                let what = || format!("cannot read the namespace {}", found.describe());
                (self.read(&netns, Some(&found.pids)).with_context(what)).map(Some)
            }
        }
    }

    /// The counts of a namespace that the caller may not enter, but has a process in,
    /// as in a user namespace that is the caller's own; and whose cookie the kernel
    /// tells from outside. Its processes are looked for where they are not `known`.
    fn look_into(
        &mut self,
        netns: &Netns,
        known: Option<&[Pid]>,
    ) -> Result<Option<(Kernel, Vec<Dropped>)>> {
        if netns.id().is_none() {
            return Ok(None);
        }
        let inode = netns.inode()?;
        let first = match known {
            Some(inside) => inside.first().copied(),
            None => process::all().find_map(|(pid, it)| (it == inode).then_some(pid)),
        };
        let Some(pid) = first else { return Ok(None) };
        let read = procfs::read(&format!("/proc/{pid}/net"), &mut self.buffer)?;
        // Another process may have got its number meanwhile.
        let is_still_there = process::inode(&process::path(pid)) == Some(inode);
        Ok(is_still_there.then_some(read))
    }

    fn read(&mut self, netns: &Netns, inside: Option<&[Pid]>) -> Result<Namespace> {
        let (kernel, drops) = match self.visitor.enter(netns) {
            Err(error) if forbidden::is(&error) => self.look_into(netns, inside)?.ok_or(error)?,
            entered => entered.and_then(|()| procfs::read(procfs::OWN, &mut self.buffer))?,
        };
        Ok(Namespace {
            cookie: netns.id().map_or_else(own_cookie, Ok)?,
            inode: netns.inode()?.number,
            userns_inode: netns.owner().map(|owner| owner.inode),
            nsid: self.visitor.nsid(netns)?,
            kernel: Some(kernel),
            drops,
            ..Namespace::default()
        })
    }
}
