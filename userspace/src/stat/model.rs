// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces as they are shown. Serialised, this is the JSON of `pernet stat`,
//! which docs/json.md describes: what changes here changes there.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::netlink::pernet::uapi::{Family, Hook};
use crate::netlink::pernet::{Counting, DeviceCounts, Dropped, NetnsReport};

/// What all namespaces had counted at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub source: Source,
    /// The boot in which it was taken: cookies begin anew with each.
    pub boot: String,
    /// Nanoseconds since 1970.
    #[serde(rename = "time_ns")]
    pub time: u64,
    /// Nanoseconds since the machine was started, time in suspend included.
    #[serde(rename = "uptime_ns")]
    pub uptime: u64,
    /// In the order of their cookies.
    pub namespaces: Vec<Namespace>,
    /// Why namespaces are missing that the caller may see, one each.
    #[serde(default)]
    pub unread: Vec<String>,
}

/// Who counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The module.
    Module,
    /// The kernel by itself, as /proc/net shows it inside each namespace.
    Kernel,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Source::Module => "the module pernet",
            Source::Kernel => "the kernel itself",
        })
    }
}

/// One namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    pub name: Option<String>,
    pub names: Vec<String>,
    /// The lab that it belongs to.
    pub lab: Option<String>,
    /// The node that it is: its name in its lab, or on the machine.
    pub node: Option<String>,
    pub cookie: u64,
    pub inode: u64,
    pub userns_inode: Option<u64>,
    pub nsid: Option<i32>,
    #[serde(flatten)]
    pub counted: Option<Counted>,
    #[serde(flatten)]
    pub kernel: Option<Kernel>,
    pub drops: Vec<Dropped>,
}

/// What the module counted in a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    #[serde(rename = "age_ns")]
    pub age: u64,
    pub preexisting: bool,
    pub epoch: u64,
    #[serde(rename = "epoch_age_ns")]
    pub epoch_age: u64,
    pub devices: DeviceCounts,
    pub traffic: BTreeMap<Family, BTreeMap<Hook, Count>>,
    pub counting: Counting,
}

/// Packets at one hook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

/// What the kernel counted in a namespace by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    pub links: Vec<Link>,
    pub protocols: BTreeMap<Family, Protocol>,
}

/// A device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub name: String,
    pub rx: Way,
    pub tx: Way,
}

/// What a device received, or sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    pub packets: u64,
    pub bytes: u64,
    pub errors: u64,
    pub dropped: u64,
}

/// Packets of a protocol family, as they went through the stack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    pub received: u64,
    pub delivered: u64,
    pub forwarded: u64,
    pub originated: u64,
    /// Older kernels do not count them.
    pub sent: Option<u64>,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

/// What the module says of a namespace, with no names yet.
pub fn namespace(report: NetnsReport) -> Namespace {
    let mut traffic: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for counts in report.traffic {
        let count = Count {
            packets: counts.packets,
            bytes: counts.bytes,
        };
        let hooks = traffic.entry(counts.family).or_default();
        hooks.insert(counts.hook, count);
    }
    Namespace {
        cookie: report.cookie,
        inode: report.inode,
        userns_inode: Some(report.userns_inode),
        nsid: report.nsid,
        counted: Some(Counted {
            age: report.age,
            preexisting: report.preexisting,
            epoch: report.epoch,
            epoch_age: report.epoch_age,
            devices: report.devices,
            traffic,
            counting: report.counting,
        }),
        drops: report.drops,
        ..Namespace::default()
    }
}

impl Namespace {
    /// Packets dropped, for any reason.
    pub fn dropped(&self) -> u64 {
        self.drops.iter().map(|dropped| dropped.packets).sum()
    }

    /// How many devices it has, whoever counted.
    pub fn devices(&self) -> Option<u64> {
        let of_module = self.counted.as_ref().map(|it| it.devices.present);
        let of_kernel = self.kernel.as_ref().map(|it| it.links.len() as u64);
        of_module.or(of_kernel)
    }

    /// What it is called: by its name or, if it has none, by its file.
    pub fn title(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("net:[{}]", self.inode),
        }
    }
}

/// Writes a type of the specification as its name there, as a key that jq takes
/// without quotes, and reads it.
macro_rules! as_key {
    ($($type:ident),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&key(self.name()))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let written = String::deserialize(deserializer)?;
                let mut all = Self::ALL.into_iter();
                all.find(|value| key(value.name()) == written)
                    .ok_or_else(|| serde::de::Error::custom(format!("{written:?} is unknown")))
            }
        }
    )+};
}

as_key!(Family, Hook);

pub(super) fn key(name: Option<&str>) -> String {
    name.unwrap_or("unknown").replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::pernet::Counts;

    fn read_back(snapshot: &Snapshot) -> Snapshot {
        serde_json::from_value(serde_json::to_value(snapshot).unwrap()).unwrap()
    }

    #[test]
    fn json_has_everything_the_module_says_and_exact_numbers() {
        let namespace = namespace(NetnsReport {
            cookie: 9,
            nsid: Some(0),
            inode: 1,
            userns_inode: 3,
            age: u64::MAX,
            preexisting: true,
            epoch: 2,
            epoch_age: 500,
            traffic: vec![Counts {
                family: Family::Ipv4,
                hook: Hook::LocalIn,
                packets: u64::MAX,
                bytes: 1,
            }],
            drops: vec![Dropped {
                subsystem: "core".into(),
                reason: Some(3),
                name: Some("NO_SOCKET".to_owned()),
                packets: u64::MAX,
            }],
            counting: Counting {
                traffic: true,
                drops: false,
            },
            ..NetnsReport::default()
        });
        let snapshot = Snapshot {
            source: Source::Module,
            boot: "boot".to_owned(),
            time: u64::MAX,
            uptime: 7,
            namespaces: vec![namespace],
            unread: vec!["why".to_owned()],
        };
        let devices = serde_json::json!({
            "present": 0, "registered": 0, "unregistered": 0, "up": 0,
            "down": 0, "moved_in": 0, "moved_out": 0, "renamed": 0,
        });
        assert_eq!(
            serde_json::to_value(&snapshot).unwrap(),
            serde_json::json!({
                "source": "module", "boot": "boot", "time_ns": u64::MAX, "uptime_ns": 7,
                "namespaces": [{
                    "name": null, "names": [], "lab": null, "node": null,
                    "cookie": 9, "nsid": 0, "inode": 1, "userns_inode": 3,
                    "age_ns": u64::MAX, "preexisting": true, "epoch": 2, "epoch_age_ns": 500,
                    "devices": devices,
                    "traffic": {"ipv4": {"local_in": {"packets": u64::MAX, "bytes": 1}}},
                    "drops": [
                        {"subsystem": "core", "reason": 3, "name": "NO_SOCKET", "packets": u64::MAX},
                    ],
                    "counting": {"traffic": true, "drops": false},
                }],
                "unread": ["why"],
            })
        );
        assert_eq!(read_back(&snapshot), snapshot);
    }

    #[test]
    fn the_kernels_own_counts_are_in_other_fields() {
        let link = Link {
            name: "eth0".to_owned(),
            ..Link::default()
        };
        let namespace = Namespace {
            names: vec!["n1".to_owned()],
            kernel: Some(Kernel {
                links: vec![link],
                protocols: BTreeMap::from([(Family::Ipv6, Protocol::default())]),
            }),
            ..Namespace::default()
        };
        let way = serde_json::json!({"packets": 0, "bytes": 0, "errors": 0, "dropped": 0});
        assert_eq!(
            serde_json::to_value(&namespace).unwrap(),
            serde_json::json!({
                "name": null, "names": ["n1"], "lab": null, "node": null,
                "cookie": 0, "inode": 0, "userns_inode": null, "nsid": null,
                "links": [{"name": "eth0", "rx": way, "tx": way}],
                "protocols": {"ipv6": {
                    "received": 0, "delivered": 0, "forwarded": 0, "originated": 0,
                    "sent": null, "received_bytes": 0, "sent_bytes": 0,
                }},
                "drops": [],
            })
        );
        let snapshot = Snapshot {
            source: Source::Kernel,
            boot: String::new(),
            time: 0,
            uptime: 0,
            namespaces: vec![namespace],
            unread: Vec::new(),
        };
        assert_eq!(read_back(&snapshot), snapshot);
    }
}
