// SPDX-License-Identifier: MIT OR Apache-2.0

//! One netlink socket: requests out, answers and refusals back.

use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use anyhow::{Context, Error, Result, bail, ensure};
use neli::ToBytes;
use neli::consts::nl::NlmF;
use neli::consts::socket::{Msg, NlFamily};
use neli::nl::{NlPayload, Nlmsghdr, NlmsghdrBuilder};
use neli::socket::NlSocket;
use neli::types::Buffer;
use neli::utils::Groups;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};

use super::batch::{Request, fitting};
use super::datagram::{Outcome, aligned, bytes, messages, outcome};
use super::{Batch, Refusal};
use crate::kernel::descriptor;

/// No datagram of the kernel's is longer: dumps stop at 32 KiB, and an error
/// carries at most the request.
pub(super) const DATAGRAM: usize = 64 * 1024;

/// How often a dump is begun again because the kernel's tables changed under it.
const DUMP_ATTEMPTS: usize = 16;

thread_local! {
    /// What a datagram is received in, by one socket at a time: each has no more to do
    /// with it than to read it.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; DATAGRAM]);
}

/// A netlink socket of the namespace the thread was in when it was opened.
pub struct Socket {
    inner: NlSocket,
    sequence: u32,
}

impl Socket {
    /// A socket for routing messages.
    pub fn route() -> Result<Self> {
        Self::open(NlFamily::Route)
    }

    /// A socket for generic netlink.
    pub fn generic() -> Result<Self> {
        Self::open(NlFamily::Generic)
    }

    /// A socket that hears what the kernel tells everybody about routing, of this
    /// group (`RTNLGRP_` numbers of linux/rtnetlink.h).
    pub(super) fn listen(group: u32) -> Result<Self> {
        Self::route()?.join(group)
    }

    /// Lets it hear what is said in a group.
    pub(super) fn join(self, group: u32) -> Result<Self> {
        let group = Groups::new_groups(&[group]);
        let joined = self.inner.add_mcast_membership(group);
        joined.context("cannot listen to the kernel")?;
        Ok(self)
    }

    /// Sets how many bytes may wait to be heard.
    pub(super) fn set_room(&self, bytes: usize) -> Result<()> {
        let most = i32::MAX as usize;
        ensure!(
            bytes <= most,
            "there cannot be room for more than {most} bytes of messages"
        );
        // More than the machine's limit for everybody, where the caller may do so.
        let set = setsockopt(&self.descriptor(), sockopt::RcvBufForce, &bytes)
            .or_else(|_| setsockopt(&self.descriptor(), sockopt::RcvBuf, &bytes));
        set.with_context(|| format!("cannot have room for {bytes} bytes of messages"))
    }

    /// How much the kernel keeps of what was sent and not yet read, its own bookkeeping
    /// included.
    fn room(&self) -> Result<usize> {
        let room = getsockopt(&self.descriptor(), sockopt::RcvBuf);
        room.context("cannot examine a netlink socket")
    }

    /// Waits until there is something to read, or an error to hear of; false where there
    /// is neither by then.
    fn readable(&self, until: Instant) -> Result<bool> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Rounded up, so as not to come back just too early, again and again.
            let left = left.as_micros().div_ceil(1000);
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut ready = [PollFd::new(self.descriptor(), PollFlags::POLLIN)];
            match poll(&mut ready, timeout) {
                Err(Errno::EINTR) => {}
                ready => return Ok(ready.context("cannot wait for the kernel")? > 0),
            }
        }
    }

    /// Waits for the next message of a group: its type and payload.
    pub(super) fn hear(&mut self) -> Result<Vec<(u16, Buffer)>> {
        let messages = self.receive()?.into_iter();
        Ok(messages
            .filter_map(|message| match message.nl_payload() {
                NlPayload::Payload(payload) => Some((*message.nl_type(), payload.clone())),
                _ => None,
            })
            .collect())
    }

    /// The same; nothing where messages were lost, since there were more of them
    /// than there was room for.
    pub(super) fn hear_or_miss(&mut self) -> Result<Option<Vec<(u16, Buffer)>>> {
        match self.hear() {
            Err(error) if is_overrun(&error) => Ok(None),
            heard => heard.map(Some),
        }
    }

    /// Passes over what was said by now.
    pub(super) fn forget(&mut self) -> Result<()> {
        self.hear_anything(Instant::now()).map(drop)
    }

    /// Readable when something was said.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        descriptor::of_netlink(&self.inner)
    }

    /// Waits until something was said in the group; false where nothing was by
    /// then. What it was is passed over, so that nothing is lost when it was more
    /// than there is room for.
    pub(super) fn hear_anything(&mut self, until: Instant) -> Result<bool> {
        if !self.readable(until)? {
            return Ok(false);
        }
        // What is there now, and no more than that is waited for.
        let now = Instant::now();
        while self.readable(now)? {
            match BUFFER.with_borrow_mut(|buffer| self.inner.recv(buffer, Msg::TRUNC)) {
                Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => drop(received.context("cannot hear the kernel")?),
            }
        }
        Ok(true)
    }

    pub(super) fn open(protocol: NlFamily) -> Result<Self> {
        let inner = NlSocket::connect(protocol, None, Groups::empty())
            .and_then(|socket| socket.enable_ext_ack(true).map(|()| socket))
            .context("cannot open a netlink socket")?;
        Ok(Socket { inner, sequence: 0 })
    }

    /// Sends a batch and returns, for each of its requests, the payloads that
    /// came back; fails with the first refusal.
    pub fn transact(&mut self, batch: &Batch) -> Result<Vec<Vec<Buffer>>> {
        let room = match batch.requests.len() {
            0 | 1 => 0,
            _ => self.room()? / 2,
        };
        let mut answers: Vec<Vec<Buffer>> = Vec::new();
        answers.resize_with(batch.requests.len(), Vec::new);
        let mut refusal = None;
        let mut begin = 0;
        while begin < batch.requests.len() {
            let end = begin + fitting(&batch.requests[begin..], room);
            let requests = &batch.requests[begin..end];
            let refused = self.exchange(requests, &mut answers[begin..end])?;
            if let (None, Some((index, reason))) = (&refusal, refused) {
                refusal = Some((begin + index, reason));
            }
            begin = end;
        }
        match refusal {
            None => Ok(answers),
            Some((index, reason)) => Err(reason).context(batch.requests[index].what.clone()),
        }
    }

    /// One datagram and what comes back; the first refusal with its place.
    fn exchange(
        &mut self,
        requests: &[Request],
        answers: &mut [Vec<Buffer>],
    ) -> Result<Option<(usize, Refusal)>> {
        let first = self.send(requests)?;
        let mut refusal: Option<(usize, Refusal)> = None;
        // The kernel works through them in order, so when the last one is
        // acknowledged, or refused, nothing more comes.
        let last = requests.len() - 1;
        let mut pending = true;
        while pending {
            for message in self.receive()? {
                // Numbers count up from the first request's, and wrap.
                let index = message.nl_seq().wrapping_sub(first) as usize;
                let Some(answer) = answers.get_mut(index) else {
                    continue;
                };
                match outcome(message) {
                    Outcome::Payload(payload) => answer.push(payload),
                    Outcome::Done => pending &= index != last,
                    Outcome::Refused(reason) => {
                        pending &= index != last;
                        if !requests[index].tolerated.contains(&reason.errno) {
                            refusal.get_or_insert((index, reason));
                        }
                    }
                }
            }
        }
        Ok(refusal)
    }

    /// Reads a whole table; begins again when it changed meanwhile.
    pub fn dump(
        &mut self,
        what: &str,
        kind: impl Into<u16>,
        payload: &impl ToBytes,
    ) -> Result<Vec<Buffer>> {
        let request = Batch::of(what, kind, NlmF::DUMP, payload)?;
        until_consistent(|| self.dump_once(&request)).with_context(|| what.to_owned())
    }

    fn dump_once(&mut self, request: &Batch) -> Result<(Vec<Buffer>, bool)> {
        let first = self.send(&request.requests)?;
        let mut entries = Vec::new();
        let mut consistent = true;
        loop {
            for message in self.receive()? {
                if *message.nl_seq() != first {
                    continue;
                }
                consistent &= !message.nl_flags().contains(NlmF::DUMP_INTR);
                match outcome(message) {
                    // An ACK in the middle does not end a dump, DONE does.
                    Outcome::Payload(payload) => entries.push(payload),
                    Outcome::Done => return Ok((entries, consistent)),
                    Outcome::Refused(reason) => return Err(reason.into()),
                }
            }
        }
    }

    /// Sends requests in one datagram; returns the number of the first. Only the
    /// last is acknowledged: refusals come unasked.
    fn send(&mut self, requests: &[Request]) -> Result<u32> {
        let first = self.sequence.wrapping_add(1);
        let mut datagram = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            self.sequence = self.sequence.wrapping_add(1);
            let mut flags = request.flags;
            flags.set(NlmF::ACK, index + 1 == requests.len());
            let message = NlmsghdrBuilder::default()
                .nl_type(request.kind)
                .nl_flags(flags)
                .nl_seq(self.sequence)
                .nl_payload(NlPayload::Payload(Buffer::from(request.payload.as_slice())))
                .build()?;
            datagram.extend(bytes::<Nlmsghdr<u16, Buffer>>(&message)?);
            datagram.resize(aligned(datagram.len()), 0);
        }
        let sent = self
            .inner
            .send(&datagram, Msg::empty())
            .context("cannot send to the kernel")?;
        ensure!(
            sent == datagram.len(),
            "cannot send to the kernel: only {sent} bytes went out"
        );
        Ok(first)
    }

    fn receive(&mut self) -> Result<Vec<Nlmsghdr<u16, Buffer>>> {
        BUFFER.with_borrow_mut(|buffer| {
            let length = loop {
                match self.inner.recv(&mut *buffer, Msg::TRUNC) {
                    Ok((length, _)) => break length,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error).context("cannot receive from the kernel"),
                }
            };
            ensure!(length > 0, "the kernel closed the netlink socket");
            ensure!(
                length <= buffer.len(),
                "the kernel sent {length} bytes at once, more than the {DATAGRAM} there is room for"
            );
            messages(&buffer[..length])
        })
    }
}

fn is_overrun(error: &Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.raw_os_error() == Some(Errno::ENOBUFS as i32))
}

/// Repeats `read` until what it returns is all of one time.
fn until_consistent<T>(mut read: impl FnMut() -> Result<(T, bool)>) -> Result<T> {
    for _ in 0..DUMP_ATTEMPTS {
        if let (table, true) = read()? {
            return Ok(table);
        }
    }
    bail!("it changed {DUMP_ATTEMPTS} times while it was read; try again when less is going on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_repeated_until_nothing_changes_but_not_for_ever() {
        let mut reads = 0;
        let mut read = |consistent_at: usize| {
            reads += 1;
            Ok((reads, reads == consistent_at))
        };
        assert_eq!(until_consistent(|| read(3)).unwrap(), 3);
        let error = until_consistent(|| read(0)).unwrap_err();
        assert!(error.to_string().contains("changed 16 times"), "{error}");
        assert_eq!(reads, 3 + DUMP_ATTEMPTS);
    }
}
