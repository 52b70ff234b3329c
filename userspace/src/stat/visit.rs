// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own counters, of many namespaces: each is entered, by threads that
//! do nothing else.

use std::os::fd::AsFd;

use anyhow::{Error, Result};

use super::model::Namespace;
use super::procfs;
use crate::netlink::{Socket, nsid};
use crate::netns::discover::Found;
use crate::netns::visit::Visitor;
use crate::netns::{Inode, Netns, own_cookie};
use crate::parallel;

/// Where a namespace is to be found.
pub enum Place {
    Found(Found),
    Held(Netns),
}

/// Reads each namespace, but for those that are gone by now and those that the
/// caller may not enter; says why, of one of these.
pub fn all(places: &[Place]) -> Result<(Vec<Namespace>, Option<Error>)> {
    let home = Netns::current()?.inode()?;
    let have_ids = nsid::any(&mut Socket::route()?)?;
    let visits = parallel::map(
        places,
        || Reader::new(home, have_ids),
        |reader, place| reader.visit(place),
    );
    let (mut namespaces, mut refused) = (Vec::new(), None);
    for visit in visits {
        match visit {
            Ok(namespace) => namespaces.extend(namespace),
            Err(error) => refused = Some(error),
        }
    }
    namespaces.sort_unstable_by_key(|namespace| namespace.cookie);
    Ok((namespaces, refused))
}

/// What a thread has with it.
struct Reader {
    visitor: Visitor,
    /// Knows the ids that namespaces have where it began, if there are any.
    ids: Option<Socket>,
    buffer: Vec<u8>,
}

impl Reader {
    fn new(home: Inode, have_ids: bool) -> Self {
        let ids = have_ids.then(Socket::route);
        Reader {
            visitor: Visitor::new(home),
            ids: ids.and_then(Result::ok),
            buffer: Vec::with_capacity(16 * 1024),
        }
    }

    /// Nothing, where the namespace is gone.
    fn visit(&mut self, place: &Place) -> Result<Option<Namespace>> {
        match place {
            Place::Held(netns) => self.read(netns).map(Some),
            Place::Found(found) => match found.open()? {
                Some(netns) => self.read(&netns).map(Some),
                None => Ok(None),
            },
        }
    }

    fn read(&mut self, netns: &Netns) -> Result<Namespace> {
        self.visitor.enter(netns)?;
        let (kernel, drops) = procfs::read(&mut self.buffer)?;
        let nsid = match &mut self.ids {
            Some(ids) => nsid::of(ids, netns.as_fd())?,
            None => None,
        };
        Ok(Namespace {
            cookie: netns.id().map_or_else(own_cookie, Ok)?,
            inode: netns.inode()?.number,
            userns_inode: netns.owner().map(|owner| owner.inode),
            nsid,
            kernel: Some(kernel),
            drops,
            ..Namespace::default()
        })
    }
}
