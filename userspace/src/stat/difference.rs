// SPDX-License-Identifier: MIT OR Apache-2.0

//! What was counted between two snapshots.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::model::{Count, Counted, Kernel, Link, Namespace, Protocol, Snapshot, Source, Way};
use crate::netlink::pernet::{DeviceCounts, Dropped};

/// A snapshot with the counts since another one. What is no count, as the number
/// of devices that are present, is as it was at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub source: Source,
    pub boot: String,
    #[serde(rename = "time_ns")]
    pub time: u64,
    #[serde(rename = "uptime_ns")]
    pub uptime: u64,
    /// Nanoseconds between the two.
    #[serde(rename = "interval_ns")]
    pub interval: u64,
    pub namespaces: Vec<Namespace>,
    /// As at the end.
    pub unread: Vec<String>,
    /// Those that are no more, or not to be seen any more, at the end.
    pub gone: Vec<Gone>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    pub name: Option<String>,
    pub cookie: u64,
}

impl Snapshot {
    /// What was counted since `earlier`. Of a namespace that was not there then,
    /// it is all of it.
    pub fn since(&self, earlier: &Snapshot) -> Result<Difference> {
        ensure!(
            self.boot == earlier.boot,
            "the earlier snapshot is of another boot of this machine, or of another machine; take a new one"
        );
        ensure!(
            self.source == earlier.source,
            "the earlier snapshot has the counts of {}, and not those of {}; take a new one, or choose with --source",
            earlier.source,
            self.source
        );
        ensure!(
            self.uptime >= earlier.uptime,
            "the earlier snapshot is the later one"
        );
        let mut before: HashMap<u64, &Namespace> = (earlier.namespaces.iter())
            .map(|namespace| (namespace.cookie, namespace))
            .collect();
        let namespaces = (self.namespaces.iter())
            .map(|now| match before.remove(&now.cookie) {
                Some(before) => now.since(before),
                None => now.clone(),
            })
            .collect();
        let mut gone: Vec<_> = (before.into_values())
            .map(|namespace| Gone {
                name: namespace.name.clone(),
                cookie: namespace.cookie,
            })
            .collect();
        gone.sort_by_key(|namespace| namespace.cookie);
        Ok(Difference {
            source: self.source,
            boot: self.boot.clone(),
            time: self.time,
            uptime: self.uptime,
            interval: self.uptime - earlier.uptime,
            namespaces,
            unread: self.unread.clone(),
            gone,
        })
    }
}

/// What came to `before`. Where it is less now it began again meanwhile, as the
/// counts of a device do that took the name of another.
fn grown(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

impl Namespace {
    fn since(&self, before: &Namespace) -> Self {
        let epoch = |namespace: &Namespace| namespace.counted.as_ref().map(|it| it.epoch);
        if epoch(self) != epoch(before) {
            // All that is there was counted since the reset.
            return self.clone();
        }
        let mut since = self.clone();
        if let (Some(now), Some(before)) = (&mut since.counted, &before.counted) {
            now.subtract(before);
        }
        if let (Some(now), Some(before)) = (&mut since.kernel, &before.kernel) {
            now.subtract(before);
        }
        let earlier: HashMap<_, _> = (before.drops.iter())
            .map(|dropped| (cause(dropped), dropped.packets))
            .collect();
        for dropped in &mut since.drops {
            let before = earlier.get(&cause(dropped)).copied();
            dropped.packets = grown(dropped.packets, before.unwrap_or(0));
        }
        since.drops.retain(|dropped| dropped.packets > 0);
        since
    }
}

/// What tells one cause of drops from another.
pub fn cause(dropped: &Dropped) -> (String, Option<u32>, Option<String>) {
    let Dropped {
        subsystem,
        reason,
        name,
        ..
    } = dropped;
    (subsystem.to_string(), *reason, name.clone())
}

impl Counted {
    fn subtract(&mut self, before: &Counted) {
        for (family, hooks) in &mut self.traffic {
            for (hook, count) in hooks {
                let before = before.traffic.get(family).and_then(|hooks| hooks.get(hook));
                let Count { packets, bytes } = before.copied().unwrap_or_default();
                count.packets = grown(count.packets, packets);
                count.bytes = grown(count.bytes, bytes);
            }
        }
        let (now, before) = (&mut self.devices, &before.devices);
        *now = DeviceCounts {
            present: now.present,
            registered: grown(now.registered, before.registered),
            unregistered: grown(now.unregistered, before.unregistered),
            up: grown(now.up, before.up),
            down: grown(now.down, before.down),
            moved_in: grown(now.moved_in, before.moved_in),
            moved_out: grown(now.moved_out, before.moved_out),
            renamed: grown(now.renamed, before.renamed),
        };
    }
}

impl Kernel {
    fn subtract(&mut self, before: &Kernel) {
        let earlier: HashMap<&str, &Link> = (before.links.iter())
            .map(|link| (link.name.as_str(), link))
            .collect();
        for link in &mut self.links {
            if let Some(before) = earlier.get(link.name.as_str()) {
                link.rx.subtract(&before.rx);
                link.tx.subtract(&before.tx);
            }
        }
        for (family, protocol) in &mut self.protocols {
            if let Some(before) = before.protocols.get(family) {
                protocol.subtract(before);
            }
        }
    }
}

impl Way {
    fn subtract(&mut self, before: &Way) {
        *self = Way {
            packets: grown(self.packets, before.packets),
            bytes: grown(self.bytes, before.bytes),
            errors: grown(self.errors, before.errors),
            dropped: grown(self.dropped, before.dropped),
        };
    }
}

impl Protocol {
    fn subtract(&mut self, before: &Protocol) {
        *self = Protocol {
            received: grown(self.received, before.received),
            delivered: grown(self.delivered, before.delivered),
            forwarded: grown(self.forwarded, before.forwarded),
            originated: grown(self.originated, before.originated),
            sent: (self.sent).map(|now| grown(now, before.sent.unwrap_or(0))),
            received_bytes: grown(self.received_bytes, before.received_bytes),
            sent_bytes: grown(self.sent_bytes, before.sent_bytes),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::netlink::pernet::uapi::{Family, Hook};

    fn snapshot(uptime: u64, namespaces: Vec<Namespace>) -> Snapshot {
        Snapshot {
            source: Source::Module,
            boot: "boot".to_owned(),
            time: 0,
            uptime,
            namespaces,
            unread: Vec::new(),
        }
    }

    fn namespace(cookie: u64, epoch: u64, packets: u64) -> Namespace {
        let count = Count { packets, bytes: 1 };
        Namespace {
            cookie,
            counted: Some(Counted {
                epoch,
                traffic: BTreeMap::from([(Family::Ipv4, BTreeMap::from([(Hook::Forward, count)]))]),
                ..Counted::default()
            }),
            drops: vec![Dropped {
                subsystem: "core".into(),
                packets,
                ..Dropped::default()
            }],
            ..Namespace::default()
        }
    }

    fn forwarded(namespace: &Namespace) -> u64 {
        let counted = namespace.counted.as_ref().unwrap();
        counted.traffic[&Family::Ipv4][&Hook::Forward].packets
    }

    #[test]
    fn counts_are_those_in_between_and_begin_again_with_a_reset_or_a_birth() {
        let before = snapshot(
            1,
            vec![namespace(1, 0, 10), namespace(2, 0, 10), namespace(3, 0, 1)],
        );
        let now = snapshot(
            4,
            vec![namespace(1, 0, 15), namespace(2, 1, 11), namespace(4, 0, 7)],
        );
        let since = now.since(&before).unwrap();
        assert_eq!(since.interval, 3);
        let packets: Vec<_> = since.namespaces.iter().map(forwarded).collect();
        assert_eq!(packets, [5, 11, 7]);
        let drops: Vec<_> = since.namespaces.iter().map(Namespace::dropped).collect();
        assert_eq!(drops, [5, 11, 7]);
        let gone: Vec<_> = since.gone.iter().map(|gone| gone.cookie).collect();
        assert_eq!(gone, [3]);
    }

    #[test]
    fn what_did_not_happen_is_not_there() {
        let (before, now) = (namespace(1, 0, 10), namespace(1, 0, 10));
        assert_eq!(now.since(&before).drops, []);
    }

    #[test]
    fn links_are_compared_by_their_names() {
        let kernel = |links: &[(&str, u64)]| Kernel {
            links: (links.iter())
                .map(|&(name, bytes)| Link {
                    name: name.to_owned(),
                    rx: Way {
                        bytes,
                        ..Way::default()
                    },
                    ..Link::default()
                })
                .collect(),
            ..Kernel::default()
        };
        let mut now = kernel(&[("lo", 9), ("eth0", 3), ("eth1", 5)]);
        now.subtract(&kernel(&[("eth0", 4), ("lo", 2)]));
        // Another eth0 took the place of the first.
        assert_eq!(now, kernel(&[("lo", 7), ("eth0", 3), ("eth1", 5)]));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let now = snapshot(2, Vec::new());
        let mut other = snapshot(1, Vec::new());
        other.boot = "other".to_owned();
        assert!(now.since(&other).is_err());
        let mut other = snapshot(1, Vec::new());
        other.source = Source::Kernel;
        assert!(now.since(&other).is_err());
        assert!(now.since(&snapshot(3, Vec::new())).is_err());
    }
}
