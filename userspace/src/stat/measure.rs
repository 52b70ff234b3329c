// SPDX-License-Identifier: MIT OR Apache-2.0

//! What namespaces can be compared by, whoever counted: numbers and labels, each
//! with a name by which people ask for it.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};

use super::model::{Link, Namespace, Protocol};
use crate::netlink::pernet::DeviceCounts;
use crate::netlink::pernet::uapi::{Family, Hook};

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Label(Label),
    Measure(Measure),
}

/// What says which namespace it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Name,
    Names,
    Lab,
    Node,
    Cookie,
    Inode,
    Userns,
    Nsid,
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Packets,
    Bytes,
    Received,
    Delivered,
    Forwarded,
    Originated,
    Sent,
    ReceivedBytes,
    SentBytes,
    Drops,
    Devices,
    Age,
    RxPackets,
    RxBytes,
    RxErrors,
    RxDropped,
    TxPackets,
    TxBytes,
    TxErrors,
    TxDropped,
    Registered,
    Unregistered,
    Up,
    Down,
    MovedIn,
    MovedOut,
    Renamed,
}

use Label::{Cookie, Inode, Lab, Name, Names, Node, Nsid, Userns};

const LABELS: &[(&str, Label)] = &[
    ("name", Name),
    ("names", Names),
    ("lab", Lab),
    ("node", Node),
    ("cookie", Cookie),
    ("inode", Inode),
    ("userns", Userns),
    ("nsid", Nsid),
];

const MEASURES: &[(&str, Measure)] = &[
    ("packets", Measure::Packets),
    ("bytes", Measure::Bytes),
    ("received", Measure::Received),
    ("delivered", Measure::Delivered),
    ("forwarded", Measure::Forwarded),
    ("originated", Measure::Originated),
    ("sent", Measure::Sent),
    ("received-bytes", Measure::ReceivedBytes),
    ("sent-bytes", Measure::SentBytes),
    ("drops", Measure::Drops),
    ("devices", Measure::Devices),
    ("age", Measure::Age),
    ("rx-packets", Measure::RxPackets),
    ("rx-bytes", Measure::RxBytes),
    ("rx-errors", Measure::RxErrors),
    ("rx-dropped", Measure::RxDropped),
    ("tx-packets", Measure::TxPackets),
    ("tx-bytes", Measure::TxBytes),
    ("tx-errors", Measure::TxErrors),
    ("tx-dropped", Measure::TxDropped),
    ("registered", Measure::Registered),
    ("unregistered", Measure::Unregistered),
    ("up", Measure::Up),
    ("down", Measure::Down),
    ("moved-in", Measure::MovedIn),
    ("moved-out", Measure::MovedOut),
    ("renamed", Measure::Renamed),
];

impl Column {
    /// What is shown where nothing else is asked for.
    pub const USUAL: [Column; 7] = [
        Column::Label(Name),
        Column::Label(Cookie),
        Column::Measure(Measure::Received),
        Column::Measure(Measure::ReceivedBytes),
        Column::Measure(Measure::Sent),
        Column::Measure(Measure::SentBytes),
        Column::Measure(Measure::Drops),
    ];

    pub fn name(self) -> &'static str {
        let labels = LABELS
            .iter()
            .map(|&(name, label)| (name, Column::Label(label)));
        let measures = MEASURES
            .iter()
            .map(|&(name, measure)| (name, Column::Measure(measure)));
        let mut all = labels.chain(measures);
        all.find(|&(_, column)| column == self)
            .map_or("", |(name, _)| name)
    }

    /// What it says of a namespace; nothing where that is not known.
    pub fn text(self, namespace: &Namespace) -> Option<String> {
        let number = match self {
            Column::Measure(measure) => measure.of(namespace)?.to_string(),
            Column::Label(Name) => namespace.title(),
            Column::Label(Names) if namespace.names.is_empty() => return None,
            Column::Label(Names) => namespace.names.join(","),
            Column::Label(Lab) => namespace.lab.clone()?,
            Column::Label(Node) => namespace.node.clone()?,
            Column::Label(Cookie) => namespace.cookie.to_string(),
            Column::Label(Inode) => namespace.inode.to_string(),
            Column::Label(Userns) => namespace.userns_inode?.to_string(),
            Column::Label(Nsid) => namespace.nsid?.to_string(),
        };
        Some(number)
    }

    /// What is to be compared as a number.
    pub fn number(self, namespace: &Namespace) -> Option<u64> {
        match self {
            Column::Measure(measure) => measure.of(namespace),
            Column::Label(Cookie) => Some(namespace.cookie),
            Column::Label(Inode) => Some(namespace.inode),
            Column::Label(Userns) => namespace.userns_inode,
            Column::Label(Nsid) => namespace.nsid.and_then(|id| u64::try_from(id).ok()),
            Column::Label(_) => None,
        }
    }

    /// Whether it has numbers, where they are known.
    pub fn is_numeric(self) -> bool {
        !matches!(self, Column::Label(Name | Names | Lab | Node))
    }
}

impl FromStr for Column {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let label = LABELS.iter().find(|(name, _)| *name == text);
        if let Some(&(_, label)) = label {
            return Ok(Column::Label(label));
        }
        let measure = MEASURES.iter().find(|(name, _)| *name == text);
        measure
            .map(|&(_, measure)| Column::Measure(measure))
            .ok_or_else(|| anyhow!("no column is called {text:?}; there are {}", all_names()))
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names of all columns.
pub fn all_names() -> String {
    let labels = LABELS.iter().map(|(name, _)| *name);
    let measures = MEASURES.iter().map(|(name, _)| *name);
    labels.chain(measures).collect::<Vec<_>>().join(", ")
}

impl Measure {
    /// Whether it grows with what happens, so that there is a rate of it.
    pub fn is_count(self) -> bool {
        !matches!(self, Measure::Devices | Measure::Age)
    }

    /// What it is in a namespace; nothing, where nobody counted it.
    pub fn of(self, namespace: &Namespace) -> Option<u64> {
        match self {
            Measure::Packets => sum([Measure::Received, Measure::Originated], namespace),
            Measure::Bytes => sum([Measure::ReceivedBytes, Measure::SentBytes], namespace),
            Measure::Received => packets(namespace, Hook::Prerouting, |ip| Some(ip.received)),
            Measure::Delivered => packets(namespace, Hook::LocalIn, |ip| Some(ip.delivered)),
            Measure::Forwarded => packets(namespace, Hook::Forward, |ip| Some(ip.forwarded)),
            Measure::Originated => packets(namespace, Hook::LocalOut, |ip| Some(ip.originated)),
            Measure::Sent => packets(namespace, Hook::Postrouting, |ip| ip.sent),
            Measure::ReceivedBytes => bytes(namespace, Hook::Prerouting, |ip| ip.received_bytes),
            Measure::SentBytes => bytes(namespace, Hook::Postrouting, |ip| ip.sent_bytes),
            Measure::Drops => Some(namespace.dropped()),
            Measure::Devices => namespace.devices(),
            Measure::Age => namespace.counted.as_ref().map(|it| it.age / 1_000_000_000),
            Measure::RxPackets => links(namespace, |link| link.rx.packets),
            Measure::RxBytes => links(namespace, |link| link.rx.bytes),
            Measure::RxErrors => links(namespace, |link| link.rx.errors),
            Measure::RxDropped => links(namespace, |link| link.rx.dropped),
            Measure::TxPackets => links(namespace, |link| link.tx.packets),
            Measure::TxBytes => links(namespace, |link| link.tx.bytes),
            Measure::TxErrors => links(namespace, |link| link.tx.errors),
            Measure::TxDropped => links(namespace, |link| link.tx.dropped),
            Measure::Registered => devices(namespace, |devices| devices.registered),
            Measure::Unregistered => devices(namespace, |devices| devices.unregistered),
            Measure::Up => devices(namespace, |devices| devices.up),
            Measure::Down => devices(namespace, |devices| devices.down),
            Measure::MovedIn => devices(namespace, |devices| devices.moved_in),
            Measure::MovedOut => devices(namespace, |devices| devices.moved_out),
            Measure::Renamed => devices(namespace, |devices| devices.renamed),
        }
    }
}

fn sum(measures: [Measure; 2], namespace: &Namespace) -> Option<u64> {
    let [a, b] = measures.map(|measure| measure.of(namespace));
    Some(a?.saturating_add(b?))
}

/// Packets of all families at a hook, or what the kernel counts in its place.
fn packets(
    namespace: &Namespace,
    hook: Hook,
    own: impl Fn(&Protocol) -> Option<u64>,
) -> Option<u64> {
    if let Some(counted) = &namespace.counted {
        let hooks = counted
            .traffic
            .values()
            .filter_map(|hooks| hooks.get(&hook));
        return Some(hooks.map(|count| count.packets).sum());
    }
    let protocols = &namespace.kernel.as_ref()?.protocols;
    Family::ALL
        .iter()
        .filter_map(|family| protocols.get(family))
        .map(own)
        .sum()
}

fn bytes(namespace: &Namespace, hook: Hook, own: impl Fn(&Protocol) -> u64) -> Option<u64> {
    if let Some(counted) = &namespace.counted {
        let hooks = counted
            .traffic
            .values()
            .filter_map(|hooks| hooks.get(&hook));
        return Some(hooks.map(|count| count.bytes).sum());
    }
    let protocols = &namespace.kernel.as_ref()?.protocols;
    Some(protocols.values().map(own).sum())
}

/// Of all devices but the loopback device, which talks to nobody else.
fn links(namespace: &Namespace, count: impl Fn(&Link) -> u64) -> Option<u64> {
    let links = namespace.kernel.as_ref()?.links.iter();
    Some(links.filter(|link| link.name != "lo").map(count).sum())
}

fn devices(namespace: &Namespace, count: impl Fn(&DeviceCounts) -> u64) -> Option<u64> {
    namespace.counted.as_ref().map(|it| count(&it.devices))
}

#[cfg(test)]
pub mod tests {
    use std::collections::BTreeMap;

    use super::super::model::{Count, Counted, Kernel, Way};
    use super::*;

    /// As the module and as the kernel itself would count this many packets.
    pub fn both(name: &str, cookie: u64, packets: u64) -> [Namespace; 2] {
        let named = Namespace {
            name: Some(name.to_owned()),
            cookie,
            ..Namespace::default()
        };
        let count = Count {
            packets,
            bytes: 10 * packets,
        };
        let hooks: BTreeMap<_, _> = Hook::ALL.map(|hook| (hook, count)).into();
        let counted = Counted {
            traffic: BTreeMap::from([(Family::Ipv4, hooks.clone()), (Family::Ipv6, hooks)]),
            ..Counted::default()
        };
        let protocol = Protocol {
            received: packets,
            delivered: packets,
            forwarded: packets,
            originated: packets,
            sent: Some(packets),
            received_bytes: 10 * packets,
            sent_bytes: 10 * packets,
        };
        let way = Way {
            packets,
            ..Way::default()
        };
        let link = |name: &str| Link {
            name: name.to_owned(),
            rx: way,
            tx: way,
        };
        let kernel = Kernel {
            links: ["lo", "eth0", "eth1"].map(link).into(),
            protocols: BTreeMap::from([(Family::Ipv4, protocol), (Family::Ipv6, protocol)]),
        };
        [
            Namespace {
                counted: Some(counted),
                ..named.clone()
            },
            Namespace {
                kernel: Some(kernel),
                ..named
            },
        ]
    }

    #[test]
    fn both_sources_fill_the_same_columns() {
        for namespace in both("n1", 7, 3) {
            for (name, value) in [
                ("received", 6),
                ("delivered", 6),
                ("forwarded", 6),
                ("originated", 6),
                ("sent", 6),
                ("packets", 12),
                ("received-bytes", 60),
                ("bytes", 120),
                ("drops", 0),
                ("cookie", 7),
            ] {
                let column: Column = name.parse().unwrap();
                assert_eq!(column.number(&namespace), Some(value), "{name}");
                assert_eq!(column.text(&namespace), Some(value.to_string()), "{name}");
            }
        }
        let [counted, kernel] = both("n1", 7, 3);
        let rx: Column = "rx-packets".parse().unwrap();
        assert_eq!((rx.number(&counted), rx.number(&kernel)), (None, Some(6)));
    }

    #[test]
    fn every_column_has_a_name_of_its_own() {
        for name in all_names().split(", ") {
            assert_eq!(name.parse::<Column>().unwrap().to_string(), name);
        }
        let error = "cookies".parse::<Column>().unwrap_err().to_string();
        assert!(
            error.contains("\"cookies\"") && error.contains(", rx-packets,"),
            "{error}"
        );
    }
}
