// SPDX-License-Identifier: MIT OR Apache-2.0

//! One netlink socket: requests out, answers and refusals back.

use std::io::Cursor;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use neli::consts::nl::{NlmF, Nlmsg};
use neli::consts::socket::{Msg, NlFamily};
use neli::err::{Nlmsgerr, SerError};
use neli::nl::{NlPayload, Nlmsghdr, NlmsghdrBuilder};
use neli::socket::NlSocket;
use neli::types::Buffer;
use neli::utils::Groups;
use neli::{FromBytes, ToBytes};
use nix::errno::Errno;

use super::Refusal;
use crate::kernel::descriptor;

/// No datagram of the kernel's is longer: dumps stop at 32 KiB, and an error
/// carries at most the request.
const DATAGRAM: usize = 64 * 1024;

/// How often a dump is begun again because the kernel's tables changed under it.
const DUMP_ATTEMPTS: usize = 16;

/// What the kernel sets aside for the description of a device, and for a refusal
/// without the request, bookkeeping included.
const DESCRIPTION: usize = 8 * 1024;
const REFUSAL: usize = 1024;

const HEADER: usize = 16;

/// A netlink socket of the namespace the thread was in when it was opened.
pub struct Socket {
    inner: NlSocket,
    sequence: u32,
    buffer: Vec<u8>,
}

/// Requests that go to the kernel together, in as few datagrams as it has room
/// for the answers of. It works through all of them, whatever becomes of each.
#[derive(Default)]
pub struct Batch {
    requests: Vec<Request>,
}

struct Request {
    what: String,
    kind: u16,
    flags: NlmF,
    payload: Vec<u8>,
    tolerated: Vec<Errno>,
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
        let socket = Self::route()?;
        (socket
            .inner
            .add_mcast_membership(Groups::new_groups(&[group])))
        .context("cannot listen to the kernel")?;
        Ok(socket)
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

    /// Waits until something was said in the group; false where nothing was by
    /// then. What it was is passed over, so that nothing is lost when it was more
    /// than there is room for.
    pub(super) fn hear_anything(&mut self, until: Instant) -> Result<bool> {
        let waiting = "cannot wait for the kernel";
        let left = until.saturating_duration_since(Instant::now());
        if !descriptor::readable(&self.inner, left).context(waiting)? {
            return Ok(false);
        }
        while descriptor::readable(&self.inner, Duration::ZERO).context(waiting)? {
            match self.inner.recv(&mut self.buffer, Msg::TRUNC) {
                Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => drop(received.context(waiting)?),
            }
        }
        Ok(true)
    }

    pub(super) fn open(protocol: NlFamily) -> Result<Self> {
        let inner = NlSocket::connect(protocol, None, Groups::empty())
            .and_then(|socket| socket.enable_ext_ack(true).map(|()| socket))
            .context("cannot open a netlink socket")?;
        Ok(Socket {
            inner,
            sequence: 0,
            buffer: vec![0; DATAGRAM],
        })
    }

    /// Sends a batch and returns, for each of its requests, the payloads that
    /// came back; fails with the first refusal.
    pub fn transact(&mut self, batch: &Batch) -> Result<Vec<Vec<Buffer>>> {
        let room = match batch.requests.len() {
            0 | 1 => 0,
            _ => descriptor::room(&self.inner).context("cannot examine a netlink socket")? / 2,
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
        let length = loop {
            match self.inner.recv(&mut self.buffer, Msg::TRUNC) {
                Ok((length, _)) => break length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot receive from the kernel"),
            }
        };
        ensure!(length > 0, "the kernel closed the netlink socket");
        ensure!(
            length <= self.buffer.len(),
            "the kernel sent {length} bytes at once, more than the {DATAGRAM} there is room for"
        );
        messages(&self.buffer[..length])
    }
}

/// How many of the requests, one at least, can go out in one datagram: the kernel
/// answers them all before the first answer can be read, and what its side of the
/// socket has no `room` for is lost.
fn fitting(requests: &[Request], room: usize) -> usize {
    let mut answers = 0;
    let mut bytes = 0;
    let fit = requests.iter().take_while(|request| {
        answers += request.answer();
        bytes += HEADER + aligned(request.payload.len());
        answers <= room && bytes <= DATAGRAM
    });
    fit.count().max(1)
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

enum Outcome {
    Payload(Buffer),
    Done,
    Refused(Refusal),
}

fn outcome(message: Nlmsghdr<u16, Buffer>) -> Outcome {
    match message.nl_payload() {
        NlPayload::Payload(payload) => Outcome::Payload(payload.clone()),
        NlPayload::Ack(_) | NlPayload::Empty => Outcome::Done,
        // The end of a dump carries its result: negative when it broke off.
        NlPayload::DumpExtAck(end) if *end.error() >= 0 => Outcome::Done,
        NlPayload::DumpExtAck(end) => Outcome::Refused(refusal(end)),
        NlPayload::Err(error) => Outcome::Refused(refusal(error)),
    }
}

fn refusal<M>(error: &Nlmsgerr<M>) -> Refusal {
    Refusal::new(*error.error(), error.ext_ack())
}

/// The messages of a datagram. Lengths are checked before neli, which trusts
/// them, computes with them.
fn messages(datagram: &[u8]) -> Result<Vec<Nlmsghdr<u16, Buffer>>> {
    let mut rest = datagram;
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let length = length_at(rest, 0).filter(|&length| length <= rest.len());
        let length = length.ok_or_else(|| anyhow!("malformed message from the kernel"))?;
        check_error(&rest[..length])?;
        // neli expects the padding, which the last message may lack.
        let mut message = rest[..length].to_vec();
        message.resize(aligned(length), 0);
        let message = Nlmsghdr::from_bytes(&mut Cursor::new(message))
            .map_err(|error| anyhow!("malformed message from the kernel: {error}"))?;
        messages.push(message);
        rest = &rest[aligned(length).min(rest.len())..];
    }
    Ok(messages)
}

/// In a message that reports an error: the request it is about, whole or only
/// its header, must lie inside the message.
fn check_error(message: &[u8]) -> Result<()> {
    let kind = u16::from_ne_bytes([message[4], message[5]]);
    if kind != u16::from(Nlmsg::Error) {
        return Ok(());
    }
    let request = length_at(message, HEADER + size_of::<i32>());
    let inside = request.is_some_and(|request| {
        let room = message.len() - HEADER - size_of::<i32>();
        request == HEADER || aligned(request) <= room || is_ack(message)
    });
    ensure!(inside, "malformed error message from the kernel");
    Ok(())
}

/// An acknowledgement repeats no more than the request's header.
fn is_ack(message: &[u8]) -> bool {
    message[HEADER..].starts_with(&[0; size_of::<i32>()])
}

/// The length field of a message header at `offset`, if a header fits there
/// and the length covers it.
fn length_at(bytes: &[u8], offset: usize) -> Option<usize> {
    let header = bytes.get(offset..offset + HEADER)?;
    let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
    (length >= HEADER).then_some(length)
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

pub(super) fn bytes<T: ToBytes>(value: &T) -> Result<Vec<u8>> {
    let mut cursor = Cursor::new(Vec::new());
    value
        .to_bytes(&mut cursor)
        .map_err(|error: SerError| anyhow!("cannot build a netlink message: {error}"))?;
    Ok(cursor.into_inner())
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    const GETLINK: u16 = 18;

    /// A message with these payload bytes, which says it is `length` long.
    fn message(kind: u16, flags: NlmF, length: usize, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u32::try_from(length).unwrap().to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.bits().to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn whole(kind: u16, flags: NlmF, payload: &[u8]) -> Vec<u8> {
        message(kind, flags, HEADER + payload.len(), payload)
    }

    /// The payload of an error about a request, with the kernel's words.
    fn error(code: i32, request: &[u8], text: &str) -> Vec<u8> {
        let mut payload = code.to_ne_bytes().to_vec();
        payload.extend(request);
        payload.extend(u16::try_from(text.len() + 4).unwrap().to_ne_bytes());
        payload.extend(u16::from(neli::consts::nl::NlmsgerrAttr::Msg).to_ne_bytes());
        payload.extend(text.bytes());
        payload.resize(payload.len().next_multiple_of(4), 0);
        payload
    }

    fn outcomes(datagram: &[u8]) -> Result<Vec<Outcome>> {
        Ok(messages(datagram)?.into_iter().map(outcome).collect())
    }

    #[test]
    fn a_datagram_is_taken_apart() {
        let done = whole(Nlmsg::Done.into(), NlmF::MULTI, &0_i32.to_ne_bytes());
        let datagram = [whole(GETLINK, NlmF::MULTI, b"12345"), done].concat();
        let outcomes = outcomes(&datagram).unwrap();
        let [Outcome::Payload(payload), Outcome::Done] = &outcomes[..] else {
            panic!("{} outcomes", outcomes.len());
        };
        assert_eq!(payload.as_ref(), b"12345");
    }

    #[test]
    fn a_refusal_has_the_kernels_words() {
        let request = whole(GETLINK, NlmF::REQUEST, &[0; 16]);
        let payload = error(-libc::EPERM, &request, "no\0");
        let outcomes = outcomes(&whole(Nlmsg::Error.into(), NlmF::ACK_TLVS, &payload)).unwrap();
        let [Outcome::Refused(refusal)] = &outcomes[..] else {
            panic!("no refusal");
        };
        assert_eq!(refusal.to_string(), "Operation not permitted (kernel: no)");
    }

    #[test]
    fn an_acknowledgement_and_a_dump_that_broke_off_are_told_apart() {
        let request = whole(GETLINK, NlmF::REQUEST, &[]);
        let ack = [&0_i32.to_ne_bytes()[..], &request].concat();
        let ack = whole(Nlmsg::Error.into(), NlmF::CAPPED, &ack);
        assert!(matches!(outcomes(&ack).unwrap()[..], [Outcome::Done]));

        let broken = whole(
            Nlmsg::Done.into(),
            NlmF::MULTI,
            &(-libc::EINVAL).to_ne_bytes(),
        );
        let outcomes = outcomes(&broken).unwrap();
        let [Outcome::Refused(refusal)] = &outcomes[..] else {
            panic!("no refusal");
        };
        assert_eq!(refusal.errno, Errno::EINVAL);
    }

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

    #[test]
    fn lengths_that_lie_are_errors() {
        for length in [0, 4, 15, 21, 4096] {
            let datagram = message(GETLINK, NlmF::empty(), length, &[0; 4]);
            assert!(messages(&datagram).is_err(), "message of {length}");
        }
        assert!(messages(&[0; 15]).is_err());
        // An error about a request longer than the error, or shorter than any.
        for length in [0, 15, 64, u32::MAX as usize] {
            let request = message(GETLINK, NlmF::REQUEST, length, &[0; 4]);
            let payload = error(-libc::EPERM, &request, "");
            assert!(
                messages(&whole(Nlmsg::Error.into(), NlmF::empty(), &payload)).is_err(),
                "request of {length}"
            );
        }
        assert!(messages(&whole(Nlmsg::Error.into(), NlmF::empty(), &[0; 4])).is_err());
    }
}
