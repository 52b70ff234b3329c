// SPDX-License-Identifier: MIT OR Apache-2.0

//! Knowing when the kernel has done away with a namespace.
//!
//! It does that in the background, and in batches (`cleanup_net` of
//! net/core/net_namespace.c): what is waiting becomes a batch, then it takes the
//! ids of every namespace in it away, which it tells (`RTM_DELNSID`), and then
//! it does all the rest; the next batch begins when this one is done. So
//! namespaces are given ids, and when these are gone, a namespace of our own is
//! made and let go: when its id goes, everything of the others has gone.

use std::collections::HashSet;
use std::os::fd::AsFd;

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::user_namespace;
use crate::netlink::{Socket, nsid};
use crate::netns::Netns;

/// Namespaces that are watched until they are gone.
pub struct Gone {
    events: nsid::Events,
    socket: Socket,
    waiting: HashSet<i32>,
}

impl Gone {
    /// Begins to watch. Whoever is not root goes into namespaces of their own for
    /// that, and stays there.
    pub fn watch() -> Result<Self> {
        if !geteuid().is_root() {
            go_where_ids_can_be_given()?;
        }
        Ok(Gone {
            events: nsid::Events::open()?,
            socket: Socket::route()?,
            waiting: HashSet::new(),
        })
    }

    /// Watches one more, which is still there.
    pub fn add(&mut self, netns: &Netns) -> Result<()> {
        let id = nsid::assign(&mut self.socket, netns.as_fd())?;
        self.waiting.insert(id);
        Ok(())
    }

    /// Waits, for ever if something keeps one of them alive.
    pub fn wait(mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.wait_for_ids()?;
        // The last one may get an id whose end was said before, and not heard yet.
        self.events.forget()?;
        let id = Netns::create(|last| nsid::assign(&mut self.socket, last.as_fd()))?;
        self.waiting.insert(id);
        self.wait_for_ids()
    }

    fn wait_for_ids(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            match self.events.heard()? {
                Some(changes) => {
                    let gone = changes.into_iter().filter(|(given, _)| !given);
                    for (_, id) in gone {
                        self.waiting.remove(&id);
                    }
                }
                // More happened than there was room for: what is there still tells it.
                None => {
                    let there = nsid::all(&mut self.socket)?;
                    self.waiting.retain(|id| there.contains(id));
                }
            }
        }
        Ok(())
    }
}

/// Ids are for those to give who have `CAP_NET_ADMIN` where they are given: ordinary
/// users in a user namespace of their own, and in nothing else.
fn go_where_ids_can_be_given() -> Result<()> {
    let same = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
        .context("cannot make a network namespace to watch the others from")?;
    user_namespace::map(same, same)
}
