// SPDX-License-Identifier: MIT OR Apache-2.0

//! Going from one namespace to the next, in a thread that does nothing else.

use std::marker::PhantomData;

use anyhow::Result;

use super::{Inode, Netns};

/// A thread that goes from one namespace to the next and ends in the last: to come
/// back each time would take as long again.
pub struct Visitor {
    here: Inode,
    _stays_on_this_thread: PhantomData<*const ()>,
}

impl Visitor {
    /// To be made in the thread, which is where `home` is.
    pub fn new(home: Inode) -> Self {
        Visitor {
            here: home,
            _stays_on_this_thread: PhantomData,
        }
    }

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
}
