// SPDX-License-Identifier: MIT OR Apache-2.0

//! Requests to the kernel, before they are sent.

use anyhow::Result;
use neli::ToBytes;
use neli::consts::nl::NlmF;
use nix::errno::Errno;

use super::datagram::{HEADER, aligned, bytes};
use super::socket::DATAGRAM;

/// What the kernel sets aside for the description of a device, and for a refusal
/// without the request, bookkeeping included.
const DESCRIPTION: usize = 8 * 1024;
const REFUSAL: usize = 1024;

/// Requests that go to the kernel together, in as few datagrams as it has room
/// for the answers of. It works through all of them, whatever becomes of each.
#[derive(Default)]
pub struct Batch {
    pub(super) requests: Vec<Request>,
}

pub(super) struct Request {
    pub what: String,
    pub kind: u16,
    pub flags: NlmF,
    pub payload: Vec<u8>,
    pub tolerated: Vec<Errno>,
}

impl Request {
    /// What the answer occupies in the kernel, at most: a description, or the
    /// request again with the reason why it was refused.
    fn answer(&self) -> usize {
        // The numbers of rtnetlink go in fours, and the third of each reads.
        let describes = self.kind % 4 == 2 || self.flags.contains(NlmF::ECHO);
        match describes {
            true => DESCRIPTION,
            false => REFUSAL + 2 * self.payload.len(),
        }
    }
}

impl Batch {
    /// Adds a request of type `kind`; `what` says in an error what was tried.
    pub fn push(
        &mut self,
        what: impl Into<String>,
        kind: impl Into<u16>,
        flags: NlmF,
        payload: &impl ToBytes,
    ) -> Result<()> {
        self.requests.push(Request {
            what: what.into(),
            kind: kind.into(),
            flags: flags | NlmF::REQUEST,
            payload: bytes(payload)?,
            tolerated: Vec::new(),
        });
        Ok(())
    }

    /// Lets the request added last fail in these ways without being an error.
    pub fn tolerate(&mut self, errnos: &[Errno]) {
        if let Some(request) = self.requests.last_mut() {
            request.tolerated.extend(errnos);
        }
    }

    /// The same of every request that was added.
    pub fn tolerate_everywhere(&mut self, errnos: &[Errno]) {
        for request in &mut self.requests {
            request.tolerated.extend(errnos);
        }
    }

    /// One request on its own.
    pub fn of(
        what: impl Into<String>,
        kind: impl Into<u16>,
        flags: NlmF,
        payload: &impl ToBytes,
    ) -> Result<Self> {
        let mut batch = Batch::default();
        batch.push(what, kind, flags, payload)?;
        Ok(batch)
    }
}

/// How many of the requests, one at least, can go out in one datagram: the kernel
/// answers them all before the first answer can be read, and what its side of the
/// socket has no `room` for is lost.
pub(super) fn fitting(requests: &[Request], room: usize) -> usize {
    let mut answers = 0;
    let mut bytes = 0;
    let fit = requests.iter().take_while(|request| {
        answers += request.answer();
        bytes += HEADER + aligned(request.payload.len());
        answers <= room && bytes <= DATAGRAM
    });
    fit.count().max(1)
}
