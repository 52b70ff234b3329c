// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own counters of a namespace: dev, snmp, netstat and snmp6 of
//! /proc/net, which is that of the namespace a process or a thread is in.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};

use anyhow::{Context, Result};

use super::model::{Kernel, Link, Protocol, Way};
use super::reason::counter::{self, Cause};
use crate::netlink::pernet::Dropped;
use crate::netlink::pernet::uapi::Family;

/// That of the thread that looks. /proc/net is that of the process's first thread.
pub const OWN: &str = "/proc/thread-self/net";

/// Reads the counters in a folder, and what of them are drops. The buffer is for the
/// texts, of which there are many when namespaces are read one after the other.
pub fn read(folder: &str, buffer: &mut Vec<u8>) -> Result<(Kernel, Vec<Dropped>)> {
    let path = |file: &str| format!("{folder}/{file}");
    let mut counters = Counters::default();
    counters.devices(text(&path("dev"), buffer)?)?;
    // Each of these is missing where the kernel was built without the protocol.
    counters.tables(text(&path("snmp"), buffer)?);
    counters.tables(text(&path("netstat"), buffer)?);
    counters.list(text(&path("snmp6"), buffer)?);
    Ok(counters.finish())
}

/// What is in a file; nothing where there is none. It is read piece by piece into
/// whatever room there is: the kernel does not know how long it is either.
fn text<'a>(path: &str, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    const ROOM: usize = 16 * 1024;
    let reading = || format!("cannot read {path}");
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(&[]),
        file => file.with_context(reading)?,
    };
    let mut length = 0;
    loop {
        if buffer.len() - length < ROOM / 4 {
            buffer.resize(buffer.len() + ROOM, 0);
        }
        match file.read(&mut buffer[length..]) {
            Ok(0) => return Ok(&buffer[..length]),
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(reading),
        }
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    line.split(is_blank).filter(|word| !word.is_empty())
}

/// Nothing where it is no count: what may be negative is a setting.
fn number(word: &[u8]) -> Option<u64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    word.iter().try_fold(0_u64, |number, &byte| {
        number.checked_mul(10)?.checked_add(digit(byte)?)
    })
}

#[derive(Default)]
struct Counters {
    links: Vec<Link>,
    ipv4: Protocol,
    ipv6: Option<Protocol>,
    drops: Vec<Dropped>,
}

impl Counters {
    /// A line each, after two of heading: the name, a colon, eight numbers of what
    /// was received and eight of what was sent.
    fn devices(&mut self, text: &[u8]) -> Result<()> {
        for line in lines(text).skip(2) {
            let link = link(line).with_context(|| {
                let line = String::from_utf8_lossy(line);
                format!("cannot understand {line:?} of /proc/net/dev")
            });
            self.links.push(link?);
        }
        for (cause, count) in counter::DEVICE {
            let packets = self.links.iter().map(count).sum();
            self.drop(cause, packets);
        }
        Ok(())
    }

    /// Lines in pairs: names, and the values below them, with the protocol's name
    /// in front of both.
    fn tables(&mut self, text: &[u8]) {
        let mut lines = lines(text);
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let (mut names, mut values) = (words(names), words(values));
            let (Some(protocol), Some(_)) = (names.next(), values.next()) else {
                continue;
            };
            let protocol = protocol.strip_suffix(b":").unwrap_or(protocol);
            // Some protocols have many counters, of which none is asked for.
            if let Some(causes) = counter::of_table(protocol) {
                for (name, value) in names.zip(values) {
                    self.count(protocol, name, value, causes);
                }
            }
        }
    }

    /// A counter of a table. Most are zero, and most that are not count no drops.
    fn count(&mut self, protocol: &[u8], name: &[u8], value: &[u8], causes: &'static [Cause]) {
        let Some(value) = number(value) else { return };
        let ip = &mut self.ipv4;
        match (protocol, name) {
            (b"Ip", b"OutTransmits") => ip.sent = Some(value),
            _ if value == 0 => {}
            (b"Ip", b"InReceives") => ip.received = value,
            (b"Ip", b"InDelivers") => ip.delivered = value,
            (b"Ip", b"ForwDatagrams") => ip.forwarded = value,
            (b"Ip", b"OutRequests") => ip.originated = value,
            (b"IpExt", b"InOctets") => ip.received_bytes = value,
            (b"IpExt", b"OutOctets") => ip.sent_bytes = value,
            _ => self.drop_of(causes, name, value),
        }
    }

    /// A line each: a name and its value.
    fn list(&mut self, text: &[u8]) {
        for line in lines(text) {
            let mut words = words(line);
            let (Some(name), Some(value)) = (words.next(), words.next().and_then(number)) else {
                continue;
            };
            let ip = self.ipv6.get_or_insert_default();
            match name {
                b"Ip6OutTransmits" => ip.sent = Some(value),
                _ if value == 0 => {}
                b"Ip6InReceives" => ip.received = value,
                b"Ip6InDelivers" => ip.delivered = value,
                b"Ip6OutForwDatagrams" => ip.forwarded = value,
                b"Ip6OutRequests" => ip.originated = value,
                b"Ip6InOctets" => ip.received_bytes = value,
                b"Ip6OutOctets" => ip.sent_bytes = value,
                _ => self.drop_of(counter::of_list(name), name, value),
            }
        }
    }

    fn drop_of(&mut self, causes: &'static [Cause], name: &[u8], packets: u64) {
        let cause = causes.iter().find(|cause| cause.name.as_bytes() == name);
        if let Some(cause) = cause {
            self.drop(cause, packets);
        }
    }

    fn drop(&mut self, cause: &Cause, packets: u64) {
        if packets > 0 {
            self.drops.push(Dropped {
                subsystem: cause.subsystem.into(),
                reason: None,
                name: Some(cause.name.to_owned()),
                packets,
            });
        }
    }

    fn finish(self) -> (Kernel, Vec<Dropped>) {
        let mut protocols = BTreeMap::from([(Family::Ipv4, self.ipv4)]);
        protocols.extend(self.ipv6.map(|protocol| (Family::Ipv6, protocol)));
        let kernel = Kernel {
            links: self.links,
            protocols,
        };
        (kernel, self.drops)
    }
}

/// One line of /proc/net/dev. A name may have any byte in it but a colon.
fn link(line: &[u8]) -> Option<Link> {
    let colon = line.iter().rposition(|&byte| byte == b':')?;
    let mut counts = words(&line[colon + 1..]).map(number);
    let mut way = || {
        let mut next = || counts.next().flatten();
        let way = Way {
            bytes: next()?,
            packets: next()?,
            errors: next()?,
            dropped: next()?,
        };
        for _ in 0..4 {
            next()?;
        }
        Some(way)
    };
    Some(Link {
        rx: way()?,
        tx: way()?,
        name: String::from_utf8_lossy(line[..colon].trim_ascii_start()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(packets: u64, bytes: u64, errors: u64, dropped: u64) -> Way {
        Way {
            packets,
            bytes,
            errors,
            dropped,
        }
    }

    #[test]
    fn devices_are_read_and_what_they_dropped_is_added_up() {
        let text = "Inter-|   Receive  |  Transmit\n face |bytes packets\n\
            \x20   lo:    6438      59    0    0    0     0          0         0     6438      59    0    0    0     0       0          0\n\
            veth12345678901:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551615\n";
        let mut counters = Counters::default();
        counters.devices(text.as_bytes()).unwrap();
        let [lo, veth] = &counters.links[..] else {
            panic!("{} links", counters.links.len());
        };
        assert_eq!((lo.name.as_str(), lo.rx), ("lo", way(59, 6438, 0, 0)));
        assert_eq!(veth.name, "veth12345678901");
        assert_eq!((veth.rx, veth.tx), (way(2, 1, 3, 4), way(10, 9, 11, 12)));
        let drops: Vec<_> = counters.drops.iter().map(|it| it.packets).collect();
        assert_eq!(drops, [3, 4, 11, 12]);
        for wrong in [
            "eth0",
            "eth0: 1 2 3",
            "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x",
            "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551616",
        ] {
            let text = format!("heading\nheading\n{wrong}\n");
            assert!(counters.devices(text.as_bytes()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_device_may_be_called_anything() {
        let line = b"  \xffeth: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
        assert_eq!(link(line).unwrap().name, "\u{fffd}eth");
    }

    #[test]
    fn a_text_is_read_whole_into_a_buffer_that_was_used_before() {
        let path = std::env::temp_dir().join(format!("pernet-text-{}", std::process::id()));
        let path = path.to_str().unwrap();
        let mut buffer = Vec::new();
        for length in [100_000, 3, 0] {
            let written: Vec<u8> = (0..length).map(|at| b'a' + (at % 23) as u8).collect();
            std::fs::write(path, &written).unwrap();
            assert_eq!(text(path, &mut buffer).unwrap(), written);
        }
        std::fs::remove_file(path).unwrap();
        assert_eq!(text(path, &mut buffer).unwrap(), b"");
        assert!(text("/", &mut buffer).is_err());
    }

    #[test]
    fn tables_and_lists_are_read_by_the_names_in_them() {
        let mut counters = Counters::default();
        counters.tables(
            b"Ip: Forwarding InReceives OutNoRoutes OutTransmits\nIp: 2 7 3 0\n\
             Tcp: MaxConn\nTcp: -1\nIpExt: InOctets InNoRoutes New\nIpExt: 700 1 9\n",
        );
        counters.list(
            b"Ip6InReceives                   \t5\nIp6InNoRoutes\t2\nIp6OutDiscards\t0\nNew6\t1\n",
        );
        let (kernel, drops) = counters.finish();
        let ipv4 = &kernel.protocols[&Family::Ipv4];
        assert_eq!(
            (ipv4.received, ipv4.sent, ipv4.received_bytes),
            (7, Some(0), 700)
        );
        let ipv6 = &kernel.protocols[&Family::Ipv6];
        assert_eq!((ipv6.received, ipv6.sent), (5, None));
        let drops: Vec<_> = (drops.iter())
            .map(|it| (it.name.as_deref().unwrap(), it.packets))
            .collect();
        assert_eq!(
            drops,
            [("OutNoRoutes", 3), ("InNoRoutes", 1), ("Ip6InNoRoutes", 2)]
        );
    }

    #[test]
    fn this_namespace_can_be_read() {
        let (kernel, _) = read(OWN, &mut Vec::new()).unwrap();
        assert!(kernel.links.iter().any(|link| link.name == "lo"));
        assert!(kernel.protocols.contains_key(&Family::Ipv4));
    }
}
