// SPDX-License-Identifier: MIT OR Apache-2.0

//! Going from one namespace to the next, in threads that do nothing else.

use std::marker::PhantomData;
use std::os::fd::AsFd;

use anyhow::{Result, anyhow};

use super::{Inode, Netns};
use crate::netlink::{Socket, nsid};

/// Where visitors set out from.
pub struct Tour {
    home: Inode,
    /// Whether any namespace has an id there.
    have_ids: bool,
}

impl Tour {
    /// From the namespace that the thread is in.
    pub fn begin() -> Result<Self> {
        Ok(Tour {
            home: Netns::current()?.inode()?,
            have_ids: !nsid::all(&mut Socket::route()?)?.is_empty(),
        })
    }

    /// To be called in the thread that goes, and before it goes.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            here: self.home,
            ids: self.have_ids.then(Socket::route),
            _stays_on_this_thread: PhantomData,
        }
    }
}

/// A thread that goes from one namespace to the next and ends in the last: to come
/// back each time would take as long again.
pub struct Visitor {
    here: Inode,
    /// Knows the ids that namespaces have where it began, if there are any.
    ids: Option<Result<Socket>>,
    _stays_on_this_thread: PhantomData<*const ()>,
}

impl Visitor {
    /// Goes into a namespace. To enter the one that it is in already takes rights
    /// that it may not have.
    pub fn enter(&mut self, netns: &Netns) -> Result<()> {
        let inode = netns.inode()?;
        if inode != self.here {
            netns.enter()?;
            self.here = inode;
        }
        Ok(())
    }

    /// The id that a namespace has where the visitor began, if any.
    pub fn nsid(&mut self, netns: &Netns) -> Result<Option<i32>> {
        match &mut self.ids {
            None => Ok(None),
            Some(Ok(ids)) => nsid::of(ids, netns.as_fd()),
            Some(Err(error)) => Err(anyhow!("{error:#}")),
        }
    }
}
