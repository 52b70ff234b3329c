// SPDX-License-Identifier: MIT OR Apache-2.0

//! The ids that namespaces have for one another.

use std::collections::HashSet;
use std::os::fd::{AsRawFd, BorrowedFd};

use anyhow::{Context, Result};
use neli::consts::nl::NlmF;
use neli::consts::rtnl::Rtm;
use neli::types::Buffer;
use nix::errno::Errno;

use super::datagram::bytes;
use super::{Batch, Socket, attribute};

/// Numbers of linux/net_namespace.h.
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
const NETNSA_NSID_NOT_ASSIGNED: i32 = -1;

/// `struct rtgenmsg` with the padding that follows it.
const HEADER: [u8; 4] = [0; 4];

/// `RTNLGRP_NSID` of linux/rtnetlink.h.
const GROUP: u32 = 28;

const FINDING: &str = "cannot find the id of a network namespace";

/// The id that the namespace `netns` has in the socket's, if any.
pub fn of(socket: &mut Socket, netns: BorrowedFd) -> Result<Option<i32>> {
    let ids = of_each(socket, std::iter::once(netns))?;
    ids.first().copied().context(FINDING)
}

/// The same of several namespaces.
pub fn of_each<'a>(
    socket: &mut Socket,
    namespaces: impl Iterator<Item = BorrowedFd<'a>>,
) -> Result<Vec<Option<i32>>> {
    let mut batch = Batch::default();
    for netns in namespaces {
        let message = message(netns, None)?;
        batch.push(FINDING, Rtm::Getnsid, NlmF::empty(), &message)?;
    }
    let answers = socket.transact(&batch)?.into_iter();
    answers
        .map(|answer| id(answer.first().context(FINDING)?))
        .collect()
}

/// The ids that namespaces have in the socket's.
pub fn all(socket: &mut Socket) -> Result<HashSet<i32>> {
    let what = "cannot list the ids of network namespaces";
    let ids = socket.dump(what, Rtm::Getnsid, &Buffer::from(HEADER.as_slice()))?;
    ids.iter()
        .filter_map(|entry| id(entry).transpose())
        .collect()
}

/// The id that the namespace `netns` has in the socket's; a new one, if it has
/// none yet.
pub fn assign(socket: &mut Socket, netns: BorrowedFd) -> Result<i32> {
    let what = "cannot give a network namespace an id";
    let message = message(netns, Some(NETNSA_NSID_NOT_ASSIGNED))?;
    let mut batch = Batch::of(what, Rtm::Newnsid, NlmF::empty(), &message)?;
    batch.tolerate(&[Errno::EEXIST]);
    socket.transact(&batch)?;
    of(socket, netns)?.context(what)
}

/// What becomes of the ids in the namespace in which it was opened.
pub struct Events(Socket);

impl Events {
    pub fn open() -> Result<Self> {
        Socket::listen(GROUP).map(Events)
    }

    /// Waits for something to happen; returns ids, and whether they were given or
    /// taken away. None where something was missed.
    pub fn heard(&mut self) -> Result<Option<Vec<(bool, i32)>>> {
        let Some(messages) = self.0.hear_or_miss()? else {
            return Ok(None);
        };
        let mut changes = Vec::new();
        for (kind, payload) in messages {
            if let Some(id) = id(&payload)? {
                changes.push((kind == u16::from(Rtm::Newnsid), id));
            }
        }
        Ok(Some(changes))
    }

    /// Sets how many bytes of what happens may wait to be heard.
    pub fn set_room(&self, bytes: usize) -> Result<()> {
        self.0.set_room(bytes)
    }

    /// Passes over what has happened by now.
    pub fn forget(&mut self) -> Result<()> {
        self.0.forget()
    }

    /// Readable when something has happened.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.descriptor()
    }
}

fn message(netns: BorrowedFd, id: Option<i32>) -> Result<Buffer> {
    let mut message = Buffer::from(HEADER.as_slice());
    if let Some(id) = id {
        message.extend_from_slice(&bytes(&attribute::rt(NETNSA_NSID, id)?)?);
    }
    let fd = attribute::rt(NETNSA_FD, netns.as_raw_fd().unsigned_abs())?;
    message.extend_from_slice(&bytes(&fd)?);
    Ok(message)
}

fn id(payload: &Buffer) -> Result<Option<i32>> {
    let attributes = payload.as_ref().get(HEADER.len()..);
    let attributes = attributes.context("the kernel said too little of an id")?;
    for attribute in attribute::rt_nest::<u16>(&Buffer::from(attributes))?.iter() {
        if *attribute.rta_type() == NETNSA_NSID {
            let id = attribute::i32(attribute.rta_payload())?;
            return Ok((id != NETNSA_NSID_NOT_ASSIGNED).then_some(id));
        }
    }
    Ok(None)
}
