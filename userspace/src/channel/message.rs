// SPDX-License-Identifier: MIT OR Apache-2.0

//! Messages of CORE's control channel, as bytes.
//!
//! ```text
//! message = u32 type, u32 length of what follows, { TLV }
//! TLV     = u32 type, u32 length of the value, value
//! ```
//!
//! Numbers are in the machine's own byte order, and nothing is padded. A packet
//! is one message, and a message with anything wrong about its frame, or with a
//! value that cannot be what its type says, is rejected whole; values of no
//! length, values that reach past the end and values of unknown types are
//! skipped, as CORE's server does.

use std::ffi::{CStr, CString};
use std::fmt;

/// The longest packet, header included.
pub const LONGEST_PACKET: usize = 65535;

/// The most arguments of a command, its own name among them.
pub const MOST_ARGUMENTS: usize = 1023;

const HEADER: usize = 8;

const CMDREQ: u32 = 1;
const CMDREQACK: u32 = 2;
const CMDSTATUS: u32 = 3;
const CMDSIGNAL: u32 = 4;

const TLV_CMDID: u32 = 1;
const TLV_CMDARG: u32 = 5;
const TLV_CMDPID: u32 = 6;
const TLV_CMDSTATUS: u32 = 7;
const TLV_SIGNUM: u32 = 8;

/// What client and server tell each other. An `id` is the client's choice, and
/// is the same in all that is said about one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Client: run this command.
    Request { id: i32, arguments: Vec<CString> },
    /// Server: it has this pid, in the node; -1 when it cannot be run.
    Started { id: i32, pid: i32 },
    /// Server: it ended, with this status of wait(2).
    Ended { id: i32, status: i32 },
    /// Client: send it this signal.
    Signal { id: i32, signal: i32 },
}

/// Why a packet is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than a header, or not as long as the header says.
    Frame,
    /// Nothing follows the header.
    Empty,
    /// A type that is no message's.
    Type(u32),
    /// A number that is not four bytes long.
    Number,
    /// An argument that does not end in NUL.
    Argument,
    /// More arguments than there may be.
    Arguments,
}

impl Message {
    /// Reads one packet.
    pub fn decode(packet: &[u8]) -> Result<Self, Malformed> {
        let (kind, length, mut rest) = header(packet).ok_or(Malformed::Frame)?;
        if rest.len() != length {
            return Err(Malformed::Frame);
        }
        if rest.is_empty() {
            return Err(Malformed::Empty);
        }
        if !(CMDREQ..=CMDSIGNAL).contains(&kind) {
            return Err(Malformed::Type(kind));
        }
        let mut values = Values::default();
        while let Some((kind, length, after)) = header(rest) {
            let Some((value, after)) = after.split_at_checked(length) else {
                break;
            };
            rest = after;
            if !value.is_empty() {
                values.take(kind, value)?;
            }
        }
        Ok(values.into_message(kind))
    }

    /// The packet that says this.
    pub fn encode(&self) -> Vec<u8> {
        let mut packet = vec![0; HEADER];
        let (kind, id) = match self {
            Message::Request { id, .. } => (CMDREQ, id),
            Message::Started { id, .. } => (CMDREQACK, id),
            Message::Ended { id, .. } => (CMDSTATUS, id),
            Message::Signal { id, .. } => (CMDSIGNAL, id),
        };
        put(&mut packet, TLV_CMDID, &id.to_ne_bytes());
        match self {
            Message::Request { arguments, .. } => {
                for argument in arguments {
                    put(&mut packet, TLV_CMDARG, argument.as_bytes_with_nul());
                }
            }
            Message::Started { pid, .. } => put(&mut packet, TLV_CMDPID, &pid.to_ne_bytes()),
            Message::Ended { status, .. } => {
                put(&mut packet, TLV_CMDSTATUS, &status.to_ne_bytes());
            }
            Message::Signal { signal, .. } => put(&mut packet, TLV_SIGNUM, &signal.to_ne_bytes()),
        }
        let length = word(packet.len() - HEADER);
        packet[..4].copy_from_slice(&kind.to_ne_bytes());
        packet[4..HEADER].copy_from_slice(&length);
        packet
    }
}

/// What the values of a message say, whatever their order; of two numbers of one
/// type the later one holds, and one that is missing is 0.
#[derive(Default)]
struct Values {
    id: i32,
    pid: i32,
    status: i32,
    signal: i32,
    arguments: Vec<CString>,
}

impl Values {
    fn take(&mut self, kind: u32, value: &[u8]) -> Result<(), Malformed> {
        match kind {
            TLV_CMDID => self.id = number(value)?,
            TLV_CMDPID => self.pid = number(value)?,
            TLV_CMDSTATUS => self.status = number(value)?,
            TLV_SIGNUM => self.signal = number(value)?,
            TLV_CMDARG => {
                let argument = argument(value).ok_or(Malformed::Argument)?;
                if self.arguments.len() == MOST_ARGUMENTS {
                    return Err(Malformed::Arguments);
                }
                self.arguments.push(argument.to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn into_message(self, kind: u32) -> Message {
        let id = self.id;
        match kind {
            CMDREQACK => Message::Started { id, pid: self.pid },
            CMDSTATUS => Message::Ended {
                id,
                status: self.status,
            },
            CMDSIGNAL => Message::Signal {
                id,
                signal: self.signal,
            },
            _ => Message::Request {
                id,
                arguments: self.arguments,
            },
        }
    }
}

/// Type and length at the beginning of `bytes`, and what follows them.
fn header(bytes: &[u8]) -> Option<(u32, usize, &[u8])> {
    let (kind, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
    Some((u32::from_ne_bytes(*kind), length, rest))
}

fn number(value: &[u8]) -> Result<i32, Malformed> {
    (value.try_into())
        .map(i32::from_ne_bytes)
        .map_err(|_| Malformed::Number)
}

/// Text that ends in NUL; what follows an earlier one is not seen.
fn argument(value: &[u8]) -> Option<&CStr> {
    (value.last() == Some(&0)).then(|| CStr::from_bytes_until_nul(value).ok())?
}

fn put(packet: &mut Vec<u8>, kind: u32, value: &[u8]) {
    packet.extend(kind.to_ne_bytes());
    packet.extend(word(value.len()));
    packet.extend(value);
}

/// A length as it is written. No command line is near four gigabytes long; a
/// packet that is too long is the sender's to notice.
fn word(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes()
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Malformed::Frame => f.write_str("it is not as long as its header says"),
            Malformed::Empty => f.write_str("nothing follows its header"),
            Malformed::Type(kind) => write!(f, "no message is of type {kind}"),
            Malformed::Number => f.write_str("a number in it is not four bytes long"),
            Malformed::Argument => f.write_str("an argument in it does not end in NUL"),
            Malformed::Arguments => {
                write!(f, "it has more than {MOST_ARGUMENTS} arguments")
            }
        }
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a message with these values, whether they make sense or not.
    fn packet(kind: u32, values: &[(u32, &[u8])]) -> Vec<u8> {
        let mut packet = vec![0; HEADER];
        for (kind, value) in values {
            put(&mut packet, *kind, value);
        }
        let length = word(packet.len() - HEADER);
        packet[..4].copy_from_slice(&kind.to_ne_bytes());
        packet[4..HEADER].copy_from_slice(&length);
        packet
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn messages_are_those_seen_on_cores_channel() {
        let started = Message::Started { id: 42, pid: 2 };
        assert_eq!(
            hex(&started.encode()),
            "020000001800000001000000040000002a000000060000000400000002000000"
        );
        let ended = Message::Ended {
            id: 42,
            status: 0x0500,
        };
        assert_eq!(
            hex(&ended.encode()),
            "030000001800000001000000040000002a000000070000000400000000050000"
        );
    }

    #[test]
    fn what_is_written_is_read() {
        for message in [
            Message::Request {
                id: -1,
                arguments: vec![c"echo".into(), c"".into(), c"\xff a".into()],
            },
            Message::Started { id: 0, pid: -1 },
            Message::Ended { id: 7, status: 9 },
            Message::Signal {
                id: i32::MAX,
                signal: 64,
            },
        ] {
            assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn frames_that_do_not_fit_are_rejected() {
        let whole = Message::Signal { id: 1, signal: 2 }.encode();
        for length in 0..whole.len() {
            assert_eq!(Message::decode(&whole[..length]), Err(Malformed::Frame));
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert_eq!(Message::decode(&longer), Err(Malformed::Frame));
        assert_eq!(Message::decode(&packet(CMDREQ, &[])), Err(Malformed::Empty));
        for kind in [0, 5, u32::MAX] {
            let wrong = packet(kind, &[(TLV_CMDID, &[0; 4])]);
            assert_eq!(Message::decode(&wrong), Err(Malformed::Type(kind)));
        }
    }

    #[test]
    fn values_that_cannot_be_are_rejected() {
        for value in [&[0; 3][..], &[0; 5]] {
            let wrong = packet(CMDREQ, &[(TLV_CMDID, value)]);
            assert_eq!(Message::decode(&wrong), Err(Malformed::Number));
        }
        for value in [&b"x"[..], b"\0x"] {
            let wrong = packet(CMDREQ, &[(TLV_CMDARG, value)]);
            assert_eq!(Message::decode(&wrong), Err(Malformed::Argument));
        }
        let most = vec![(TLV_CMDARG, &b"\0"[..]); MOST_ARGUMENTS];
        assert!(Message::decode(&packet(CMDREQ, &most)).is_ok());
        let more = vec![(TLV_CMDARG, &b"\0"[..]); MOST_ARGUMENTS + 1];
        let rejected = Message::decode(&packet(CMDREQ, &more));
        assert_eq!(rejected, Err(Malformed::Arguments));
    }

    #[test]
    fn values_that_say_nothing_are_skipped() {
        let one = 1_i32.to_ne_bytes();
        let mut odd = packet(
            CMDSIGNAL,
            &[
                (TLV_SIGNUM, &one),
                (TLV_CMDID, &[9; 4]),
                (2, b"reserved"),
                (99, b"unknown"),
                (TLV_CMDID, &one),
                (TLV_CMDID, b""),
            ],
        );
        let expected = Ok(Message::Signal { id: 1, signal: 1 });
        assert_eq!(Message::decode(&odd), expected);
        // One that reaches past the end.
        let last = odd.len() - 4;
        odd[last..].copy_from_slice(&word(1));
        assert_eq!(Message::decode(&odd), expected);
    }

    /// What the fuzzer has found so far (`make fuzz`).
    #[test]
    fn what_was_fuzzed_stays_sound() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/message");
        let mut messages = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let packet = std::fs::read(entry.unwrap().path()).unwrap();
            if let Ok(message) = Message::decode(&packet) {
                assert_eq!(Message::decode(&message.encode()), Ok(message));
                messages += 1;
            }
        }
        assert!(messages > 0, "there is no corpus");
    }
}
