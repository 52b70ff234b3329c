// SPDX-License-Identifier: MIT OR Apache-2.0

//! The ids that namespaces have for one another.

use std::os::fd::{AsRawFd, BorrowedFd};

use anyhow::{Context, Result};
use neli::consts::nl::NlmF;
use neli::consts::rtnl::Rtm;
use neli::types::Buffer;

use super::socket::bytes;
use super::{Batch, Socket, attribute};

/// Numbers of linux/net_namespace.h.
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
const NETNSA_NSID_NOT_ASSIGNED: i32 = -1;

/// `struct rtgenmsg` with the padding that follows it.
const HEADER: [u8; 4] = [0; 4];

/// The id that the namespace `netns` has in the socket's, if any.
pub fn of(socket: &mut Socket, netns: BorrowedFd) -> Result<Option<i32>> {
    let what = "cannot find the id of a network namespace";
    let mut message = Buffer::from(HEADER.as_slice());
    let fd = attribute::rt(NETNSA_FD, netns.as_raw_fd().unsigned_abs())?;
    message.extend_from_slice(&bytes(&fd)?);
    let batch = Batch::of(what, Rtm::Getnsid, NlmF::empty(), &message)?;
    let answers = socket.transact(&batch)?;
    let answer = answers.iter().flatten().next().context(what)?;
    let attributes = answer.as_ref().get(HEADER.len()..).context(what)?;
    for attribute in attribute::rt_nest::<u16>(&Buffer::from(attributes))?.iter() {
        if *attribute.rta_type() == NETNSA_NSID {
            let id = attribute::i32(attribute.rta_payload())?;
            return Ok((id != NETNSA_NSID_NOT_ASSIGNED).then_some(id));
        }
    }
    Ok(None)
}
