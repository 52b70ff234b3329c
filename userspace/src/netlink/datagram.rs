// SPDX-License-Identifier: MIT OR Apache-2.0

//! Messages as bytes: building them, and taking apart what the kernel sent.

use std::io::Cursor;

use anyhow::{Result, anyhow, ensure};
use neli::consts::nl::Nlmsg;
use neli::err::{Nlmsgerr, SerError};
use neli::nl::{NlPayload, Nlmsghdr};
use neli::types::Buffer;
use neli::{FromBytes, ToBytes};

use super::Refusal;

/// Length of a message's header.
pub const HEADER: usize = 16;

pub fn bytes<T: ToBytes>(value: &T) -> Result<Vec<u8>> {
    let mut cursor = Cursor::new(Vec::new());
    value
        .to_bytes(&mut cursor)
        .map_err(|error: SerError| anyhow!("cannot build a netlink message: {error}"))?;
    Ok(cursor.into_inner())
}

pub enum Outcome {
    Payload(Buffer),
    Done,
    Refused(Refusal),
}

pub fn outcome(message: Nlmsghdr<u16, Buffer>) -> Outcome {
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
pub fn messages(datagram: &[u8]) -> Result<Vec<Nlmsghdr<u16, Buffer>>> {
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

pub fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use neli::consts::nl::NlmF;
    use nix::errno::Errno;
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
