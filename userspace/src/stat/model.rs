// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces as they are shown. Serialised, this is the JSON of `pernet stat`:
//!
//! ```text
//! [{ "name": string or null,       the first of names
//!    "names": [string, ...],       under /run/netns
//!    "cookie": integer, "inode": integer, "userns_inode": integer,
//!    "nsid": integer or null,
//!    "age_ns": integer, "preexisting": boolean,
//!    "epoch": integer, "epoch_age_ns": integer,
//!    "devices": { "present": integer, "registered": integer,
//!                 "unregistered": integer, "up": integer, "down": integer,
//!                 "moved_in": integer, "moved_out": integer,
//!                 "renamed": integer },
//!    "traffic": { FAMILY: { HOOK: { "packets": integer,
//!                                   "bytes": integer } } },
//!    "drops": [{ "subsystem": SUBSYSTEM, "reason": integer or null,
//!                "name": string or null, "packets": integer }, ...],
//!    "counting": { "traffic": boolean, "drops": boolean } }, ...]
//! FAMILY = "ipv4" | "ipv6"
//! HOOK   = "prerouting" | "local_in" | "forward" | "local_out" | "postrouting"
//! ```
//!
//! SUBSYSTEM = "core" | "mac80211-unusable" | "openvswitch" | "qdisc" | "other"
//!
//! A drop of the core has the number of its reason, which differs between
//! kernels, and the kernel's name for it; drops of another subsystem are
//! counted together. Integers are exact up to 64 bits. Namespaces are in the order of their
//! cookies.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::netlink::pernet::uapi::{Family, Hook};
use crate::netlink::pernet::{Counting, DeviceCounts, Dropped, NetnsReport};

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Namespace {
    pub name: Option<String>,
    pub names: Vec<String>,
    pub cookie: u64,
    pub inode: u64,
    pub userns_inode: u64,
    pub nsid: Option<i32>,
    #[serde(rename = "age_ns")]
    pub age: u64,
    pub preexisting: bool,
    pub epoch: u64,
    #[serde(rename = "epoch_age_ns")]
    pub epoch_age: u64,
    pub devices: DeviceCounts,
    pub traffic: BTreeMap<Family, BTreeMap<Hook, Count>>,
    pub drops: Vec<Dropped>,
    pub counting: Counting,
}

/// Packets at one hook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

/// The namespaces of `reports`, with the names that `names` has for an inode.
pub fn namespaces(reports: Vec<NetnsReport>, names: impl Fn(u64) -> Vec<String>) -> Vec<Namespace> {
    let mut namespaces: Vec<_> = (reports.into_iter())
        .map(|report| {
            let names = names(report.inode);
            namespace(report, names)
        })
        .collect();
    namespaces.sort_by_key(|namespace| namespace.cookie);
    namespaces
}

fn namespace(report: NetnsReport, names: Vec<String>) -> Namespace {
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
        name: names.first().cloned(),
        names,
        cookie: report.cookie,
        inode: report.inode,
        userns_inode: report.userns_inode,
        nsid: report.nsid,
        age: report.age,
        preexisting: report.preexisting,
        epoch: report.epoch,
        epoch_age: report.epoch_age,
        devices: report.devices,
        traffic,
        drops: report.drops,
        counting: report.counting,
    }
}

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        key(self.name(), serializer)
    }
}

impl Serialize for Hook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        key(self.name(), serializer)
    }
}

/// The specification's name, as a key that jq takes without quotes.
fn key<S: Serializer>(name: Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&name.unwrap_or("unknown").replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::pernet::Counts;

    #[test]
    fn json_has_everything_and_exact_numbers() {
        let reports = vec![
            NetnsReport {
                cookie: u64::MAX,
                inode: 2,
                ..NetnsReport::default()
            },
            NetnsReport {
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
                    subsystem: "core",
                    reason: Some(3),
                    name: Some("NO_SOCKET".to_owned()),
                    packets: u64::MAX,
                }],
                counting: Counting {
                    traffic: true,
                    drops: false,
                },
                ..NetnsReport::default()
            },
        ];
        let names = |inode| match inode {
            1 => vec!["n1".to_owned(), "same".to_owned()],
            _ => Vec::new(),
        };
        let devices = serde_json::json!({
            "present": 0, "registered": 0, "unregistered": 0, "up": 0,
            "down": 0, "moved_in": 0, "moved_out": 0, "renamed": 0,
        });
        assert_eq!(
            serde_json::to_value(namespaces(reports, names)).unwrap(),
            serde_json::json!([
                {
                    "name": "n1", "names": ["n1", "same"], "cookie": 9, "nsid": 0,
                    "inode": 1, "userns_inode": 3, "age_ns": u64::MAX,
                    "preexisting": true, "epoch": 2, "epoch_age_ns": 500, "devices": devices,
                    "traffic": {"ipv4": {"local_in": {"packets": u64::MAX, "bytes": 1}}},
                    "drops": [
                        {"subsystem": "core", "reason": 3, "name": "NO_SOCKET", "packets": u64::MAX},
                    ],
                    "counting": {"traffic": true, "drops": false},
                },
                {
                    "name": null, "names": [], "cookie": u64::MAX, "nsid": null,
                    "inode": 2, "userns_inode": 0, "age_ns": 0,
                    "preexisting": false, "epoch": 0, "epoch_age_ns": 0,
                    "devices": devices, "traffic": {},
                    "drops": [], "counting": {"traffic": false, "drops": false},
                },
            ])
        );
    }
}
