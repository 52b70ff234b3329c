// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is told of namespaces, piece by piece. Serialised, each is a line of JSON of
//! `pernet monitor`, which docs/json.md describes.

use std::path::PathBuf;

use serde::Serialize;

use crate::netlink::pernet::{Change, Counting};
use crate::stat::model::Snapshot;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Piece {
    /// How things are: what comes next is what happens to them.
    State(Snapshot),
    Event(Event),
    /// Events were lost. A state follows.
    Overrun {
        #[serde(rename = "time_ns")]
        time: u64,
    },
}

/// What has happened to a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When it was heard of, in nanoseconds since 1970.
    #[serde(rename = "time_ns")]
    pub time: u64,
    #[serde(rename = "event")]
    pub kind: &'static str,
    pub name: Option<String>,
    pub cookie: Option<u64>,
    pub inode: Option<u64>,
    pub nsid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    #[serde(rename = "teardown_ns", skip_serializing_if = "Option::is_none")]
    pub teardown: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counting: Option<Counting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The file that it is bound to, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Device {
    pub index: u32,
    pub name: String,
}

impl Event {
    /// What the module told.
    pub fn of(change: Change, time: u64) -> Self {
        let device = change.device_index.map(|index| Device {
            index,
            name: change.device_name.unwrap_or_default(),
        });
        Event {
            time,
            kind: change.kind.name().unwrap_or("unknown"),
            name: None,
            cookie: Some(change.cookie),
            inode: Some(change.inode),
            nsid: change.nsid,
            device,
            teardown: change.teardown,
            counting: change.counting,
            epoch: change.epoch,
            path: None,
        }
    }
}
