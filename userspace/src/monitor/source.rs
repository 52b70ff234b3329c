// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where it is heard what happens to namespaces: from the module or, without it,
//! from what the kernel itself tells, of files that namespaces are bound to, of their
//! ids and, where they are watched, of their end.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::model::Event;
use crate::forbidden;
use crate::netlink::pernet::{Events, Family};
use crate::netlink::{Socket, nsid};
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
    /// How many bytes of events may wait.
    room: usize,
    ends: Option<Ends>,
}

/// Says when namespaces end: these have ids in a namespace of our own, where ids are
/// in nobody's way, and the kernel tells when it takes one away.
struct Ends {
    events: nsid::Events,
    /// The cookies and inodes of those that have them.
    ids: HashMap<i32, (u64, u64)>,
}

/// Namespaces by the files that they are bound to.
type Bound = BTreeMap<(PathBuf, Inode), Option<u64>>;

impl Source {
    /// Begins to listen. `room` is how many bytes of events may wait.
    pub fn open(family: Option<&Family>, room: usize) -> Result<Self> {
        match family {
            Some(family) => Ok(Source::Module(family.listen(room)?)),
            None => Ok(Source::Kernel(Kernel::open(room)?)),
        }
    }

    /// Sees to it that the end of these is heard of. The module tells of every one;
    /// without it the caller may lack the rights, which is `false`.
    pub fn watch(&mut self, namespaces: &[Netns]) -> Result<bool> {
        if let (Source::Kernel(kernel), [_, ..]) = (self, namespaces) {
            match Ends::of(namespaces, kernel.room) {
                Err(error) if forbidden::is(&error) => return Ok(false),
                ends => kernel.ends = Some(ends.context("cannot watch for the end of namespaces")?),
            }
        }
        Ok(true)
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
    fn open(room: usize) -> Result<Self> {
        let mounts = File::open("/proc/self/mountinfo");
        let ids = nsid::Events::open()?;
        ids.set_room(room)?;
        Ok(Kernel {
            ids,
            mounts: mounts.context("cannot watch the mounts")?,
            bound: bound(&Bound::new())?,
            room,
            ends: None,
        })
    }

    fn hear(&mut self) -> Result<Heard> {
        let mut ready = vec![
            PollFd::new(self.ids.descriptor(), PollFlags::POLLIN),
            PollFd::new(self.mounts.as_fd(), PollFlags::POLLPRI),
        ];
        let ends = self.ends.as_ref();
        ready.extend(ends.map(|ends| PollFd::new(ends.events.descriptor(), PollFlags::POLLIN)));
        match poll(&mut ready, PollTimeout::NONE) {
            Err(Errno::EINTR) => return Ok(Heard::Events(Vec::new())),
            polled => polled.context("cannot wait for the kernel")?,
        };
        let is_ready = |at: usize| (ready.get(at)).is_some_and(|fd| fd.any().unwrap_or(true));
        let (ids, mounts, ends) = (is_ready(0), is_ready(1), is_ready(2));
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
        if let (true, Some(watched)) = (ends, &mut self.ends) {
            let Some(ended) = watched.heard()? else {
                return Ok(Heard::Overrun);
            };
            events.extend(ended);
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

impl Ends {
    fn of(namespaces: &[Netns], room: usize) -> Result<Self> {
        let open = |_: &Netns| Ok((nsid::Events::open()?, Socket::route()?));
        let (events, mut socket) = Netns::create(open)?;
        events.set_room(room)?;
        let mut ids = HashMap::new();
        for netns in namespaces {
            let id = nsid::assign(&mut socket, netns.as_fd())?;
            ids.insert(id, (netns.cookie()?, netns.inode()?.number));
        }
        Ok(Ends { events, ids })
    }

    /// Those that have ended; none where something was missed.
    fn heard(&mut self) -> Result<Option<Vec<Event>>> {
        let Some(changes) = self.events.heard()? else {
            return Ok(None);
        };
        let time = now()?;
        let removed = changes.into_iter().filter(|&(assigned, _)| !assigned);
        let ended = removed.filter_map(|(_, id)| self.ids.remove(&id));
        let event = |(cookie, inode)| Event {
            time,
            kind: "died",
            cookie: Some(cookie),
            inode: Some(inode),
            ..Event::default()
        };
        Ok(Some(ended.map(event).collect()))
    }
}

/// What is bound now, with the cookies where they can be had.
fn bound(before: &Bound) -> Result<Bound> {
    let bound = mounts::all()?.into_iter().map(|(path, inode)| {
        let cookie = before.get(&(path.clone(), inode)).copied();
        let cookie = cookie.unwrap_or_else(|| Netns::look(&path).ok().flatten()?.cookie().ok());
        ((path, inode), cookie)
    });
    Ok(bound.collect())
}
