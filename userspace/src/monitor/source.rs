// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where it is heard what happens to namespaces: from the module or, without it,
//! from what the kernel itself tells, of files that namespaces are bound to and of
//! their ids.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::model::Event;
use crate::netlink::nsid;
use crate::netlink::pernet::{Events, Family};
use crate::netns::{Inode, Netns, mounts, named};
use crate::stat::now;

/// What was heard.
pub enum Heard {
    Events(Vec<Event>),
    /// There was more than there was room for.
    Overrun,
}

pub enum Source {
    Module(Events),
    Kernel(Kernel),
}

/// What the kernel tells by itself.
pub struct Kernel {
    ids: nsid::Events,
    /// Says when a mount came or went.
    mounts: File,
    bound: Bound,
}

/// Namespaces by the files that they are bound to.
type Bound = BTreeMap<(PathBuf, Inode), Option<u64>>;

impl Source {
    /// Begins to listen. `room` is how many bytes of events may wait.
    pub fn open(family: Option<&Family>, room: usize) -> Result<Self> {
        match family {
            Some(family) => Ok(Source::Module(family.listen(room)?)),
            None => Ok(Source::Kernel(Kernel::open()?)),
        }
    }

    /// Waits for something to happen.
    pub fn hear(&mut self) -> Result<Heard> {
        match self {
            Source::Module(events) => {
                let Some(changes) = events.hear()? else {
                    return Ok(Heard::Overrun);
                };
                let time = now()?;
                let events = changes.into_iter().map(|change| Event::of(change, time));
                Ok(Heard::Events(events.collect()))
            }
            Source::Kernel(kernel) => kernel.hear(),
        }
    }

    /// Passes over what has been told by now.
    pub fn forget(&mut self) -> Result<()> {
        match self {
            Source::Module(events) => events.forget(),
            Source::Kernel(kernel) => {
                kernel.ids.forget()?;
                kernel.bound = bound(&kernel.bound)?;
                Ok(())
            }
        }
    }
}

impl Kernel {
    fn open() -> Result<Self> {
        let mounts = File::open("/proc/self/mountinfo");
        Ok(Kernel {
            ids: nsid::Events::open()?,
            mounts: mounts.context("cannot watch the mounts")?,
            bound: bound(&Bound::new())?,
        })
    }

    fn hear(&mut self) -> Result<Heard> {
        let ids = self.ids.descriptor();
        let mut ready = [
            PollFd::new(ids, PollFlags::POLLIN),
            PollFd::new(self.mounts.as_fd(), PollFlags::POLLPRI),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(Errno::EINTR) => return Ok(Heard::Events(Vec::new())),
            polled => polled.context("cannot wait for the kernel")?,
        };
        let [ids, mounts] = ready.map(|fd| fd.any().unwrap_or(true));
        let mut events = Vec::new();
        if mounts {
            events.extend(self.mounted()?);
        }
        if ids {
            let Some(changes) = self.ids.heard()? else {
                return Ok(Heard::Overrun);
            };
            let time = now()?;
            events.extend(changes.into_iter().map(|(assigned, id)| Event {
                time,
                kind: if assigned {
                    "nsid-assigned"
                } else {
                    "nsid-removed"
                },
                nsid: Some(id),
                ..Event::default()
            }));
        }
        Ok(Heard::Events(events))
    }

    /// What was bound or unbound since it was last looked at.
    fn mounted(&mut self) -> Result<Vec<Event>> {
        let (time, bound) = (now()?, bound(&self.bound)?);
        let event = |kind, ((path, inode), cookie): (&(PathBuf, Inode), &Option<u64>)| Event {
            time,
            kind,
            name: named::name(path).map(|name| name.to_string()),
            cookie: *cookie,
            inode: Some(inode.number),
            path: Some(path.clone()),
            ..Event::default()
        };
        let gone = self
            .bound
            .iter()
            .filter(|(key, _)| !bound.contains_key(key));
        let mut events: Vec<_> = gone.map(|entry| event("unbound", entry)).collect();
        let new = bound
            .iter()
            .filter(|(key, _)| !self.bound.contains_key(key));
        events.extend(new.map(|entry| event("bound", entry)));
        self.bound = bound;
        Ok(events)
    }
}

/// What is bound now, with the cookies where they can be had.
fn bound(before: &Bound) -> Result<Bound> {
    let bound = mounts::all()?.into_iter().map(|(path, inode)| {
        let cookie = before.get(&(path.clone(), inode)).copied();
        let cookie = cookie.unwrap_or_else(|| Netns::look(&path).ok().flatten()?.id());
        ((path, inode), cookie)
    });
    Ok(bound.collect())
}
