// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own counters of the namespace the thread is in: /proc/net/dev,
//! snmp, netstat and snmp6.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};

use anyhow::{Context, Result};

use super::model::{Kernel, Link, Protocol, Way};
use super::reason::counter::{self, Cause};
use crate::netlink::pernet::Dropped;
use crate::netlink::pernet::uapi::Family;

/// /proc/net is that of the process's first thread.
macro_rules! net {
    ($file:literal) => {
        concat!("/proc/thread-self/net/", $file)
    };
}

/// Reads the counters, and what of them are drops. The buffer is for the texts.
pub fn read(buffer: &mut Vec<u8>) -> Result<(Kernel, Vec<Dropped>)> {
    let mut counters = Counters::default();
    counters.devices(text(net!("dev"), buffer)?)?;
    // Each of these is missing where the kernel was built without the protocol.
    counters.tables(text(net!("snmp"), buffer)?);
    counters.tables(text(net!("netstat"), buffer)?);
    counters.list(text(net!("snmp6"), buffer)?);
    Ok(counters.finish())
}

/// What is in a file; nothing where there is none.
fn text<'a>(path: &str, buffer: &'a mut Vec<u8>) -> Result<&'a str> {
    let reading = || format!("cannot read {path}");
    buffer.clear();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        file => {
            let mut file = file.with_context(reading)?;
            file.read_to_end(buffer).with_context(reading)?;
        }
    }
    std::str::from_utf8(buffer).with_context(reading)
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
    fn devices(&mut self, text: &str) -> Result<()> {
        for line in text.lines().skip(2) {
            let link = link(line);
            let link = link.with_context(|| format!("cannot understand {line:?} of /proc/net/dev"));
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
    fn tables(&mut self, text: &str) {
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let mut names = names.split(' ');
            let protocol = names.next().unwrap_or_default().trim_end_matches(':');
            for (name, value) in names.zip(values.split(' ').skip(1)) {
                // Those that may be negative are settings.
                if let Ok(value) = value.parse() {
                    self.table(protocol, name, value);
                }
            }
        }
    }

    fn table(&mut self, protocol: &str, name: &str, value: u64) {
        let ip = &mut self.ipv4;
        match (protocol, name) {
            ("Ip", "OutTransmits") => ip.sent = Some(value),
            ("Ip", "InReceives") => ip.received = value,
            ("Ip", "InDelivers") => ip.delivered = value,
            ("Ip", "ForwDatagrams") => ip.forwarded = value,
            ("Ip", "OutRequests") => ip.originated = value,
            ("IpExt", "InOctets") => ip.received_bytes = value,
            ("IpExt", "OutOctets") => ip.sent_bytes = value,
            _ if value > 0 => {
                if let Some(cause) = counter::in_table(protocol, name) {
                    self.drop(cause, value);
                }
            }
            _ => {}
        }
    }

    /// A line each: a name and its value.
    fn list(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(Ok(value))) = (words.next(), words.next().map(str::parse)) else {
                continue;
            };
            let ip = self.ipv6.get_or_insert_default();
            match name {
                "Ip6OutTransmits" => ip.sent = Some(value),
                "Ip6InReceives" => ip.received = value,
                "Ip6InDelivers" => ip.delivered = value,
                "Ip6OutForwDatagrams" => ip.forwarded = value,
                "Ip6OutRequests" => ip.originated = value,
                "Ip6InOctets" => ip.received_bytes = value,
                "Ip6OutOctets" => ip.sent_bytes = value,
                _ if value > 0 => {
                    if let Some(cause) = counter::in_list(name) {
                        self.drop(cause, value);
                    }
                }
                _ => {}
            }
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

/// One line of /proc/net/dev.
fn link(line: &str) -> Option<Link> {
    let (name, counts) = line.rsplit_once(':')?;
    let mut counts = counts.split_ascii_whitespace();
    let mut way = || {
        let mut next = || counts.next()?.parse().ok();
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
        name: name.trim_start().to_owned(),
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
        counters.devices(text).unwrap();
        let [lo, veth] = &counters.links[..] else {
            panic!("{} links", counters.links.len());
        };
        assert_eq!((lo.name.as_str(), lo.rx), ("lo", way(59, 6438, 0, 0)));
        assert_eq!(veth.name, "veth12345678901");
        assert_eq!((veth.rx, veth.tx), (way(2, 1, 3, 4), way(10, 9, 11, 12)));
        let drops: Vec<_> = counters.drops.iter().map(|it| it.packets).collect();
        assert_eq!(drops, [3, 4, 11, 12]);
        for wrong in [
            "",
            "eth0",
            "eth0: 1 2 3",
            "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x",
        ] {
            let text = format!("\n\n{wrong}\n");
            assert!(counters.devices(&text).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn tables_and_lists_are_read_by_the_names_in_them() {
        let mut counters = Counters::default();
        counters.tables(
            "Ip: Forwarding InReceives OutNoRoutes OutTransmits\nIp: 2 7 3 0\n\
             Tcp: MaxConn\nTcp: -1\nIpExt: InOctets InNoRoutes New\nIpExt: 700 1 9\n",
        );
        counters.list(
            "Ip6InReceives                   \t5\nIp6InNoRoutes\t2\nIp6OutDiscards\t0\nNew6\t1\n",
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
        let (kernel, _) = read(&mut Vec::new()).unwrap();
        assert!(kernel.links.iter().any(|link| link.name == "lo"));
        assert!(kernel.protocols.contains_key(&Family::Ipv4));
    }
}
