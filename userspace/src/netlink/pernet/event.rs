// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the family tells of namespaces while it happens.

use anyhow::{Context, Result};
use neli::genl::Genlmsghdr;
use neli::types::Buffer;

use super::decode::{Counting, is_on, kind};
use super::uapi::{Cmd, Event, EventKind};
use crate::netlink::{Socket, attribute};

/// Listens to the group `events`.
pub struct Events(pub(super) Socket);

/// Something that has happened to a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub kind: EventKind,
    pub cookie: u64,
    pub nsid: Option<i32>,
    pub inode: u64,
    pub device_index: Option<u32>,
    pub device_name: Option<String>,
    /// Nanoseconds.
    pub teardown: Option<u64>,
    pub counting: Option<Counting>,
    pub epoch: Option<u64>,
}

impl Events {
    /// Waits for something to happen; none where something was missed.
    pub fn hear(&mut self) -> Result<Option<Vec<Change>>> {
        let Some(messages) = self.0.hear_or_miss()? else {
            return Ok(None);
        };
        let changes = messages.iter().map(|(_, payload)| change(payload));
        changes.collect::<Result<_>>().map(Some)
    }

    /// Passes over what was told by now.
    pub fn forget(&mut self) -> Result<()> {
        self.0.forget()
    }
}

fn change(message: &Buffer) -> Result<Change> {
    let message: Genlmsghdr<Cmd, Event> = attribute::parse(message.as_ref())?;
    let (mut what, mut cookie) = (None, None);
    let (mut traffic, mut drops) = (None, None);
    let mut change = Change {
        kind: EventKind::Born,
        cookie: 0,
        nsid: None,
        inode: 0,
        device_index: None,
        device_name: None,
        teardown: None,
        counting: None,
        epoch: None,
    };
    for attribute in message.attrs().iter() {
        let payload = attribute.nla_payload();
        match kind(attribute) {
            Event::Kind => what = Some(EventKind::from(attribute::u8(payload)?)),
            Event::Cookie => cookie = Some(attribute::uint(payload)?),
            Event::Nsid => change.nsid = Some(attribute::i32(payload)?),
            Event::Inode => change.inode = attribute::uint(payload)?,
            Event::DeviceIndex => change.device_index = Some(attribute::u32(payload)?),
            Event::DeviceName => change.device_name = Some(attribute::string(payload)?),
            Event::Teardown => change.teardown = Some(attribute::uint(payload)?),
            Event::CountTraffic => traffic = Some(is_on(payload)?),
            Event::CountDrops => drops = Some(is_on(payload)?),
            Event::Epoch => change.epoch = Some(attribute::uint(payload)?),
            Event::UsernsInode | Event::UnrecognizedConst(_) => {}
        }
    }
    change.kind = what.context("the module told of an event of no kind")?;
    change.cookie = cookie.context("the module told of an event without its namespace")?;
    if let (Some(traffic), Some(drops)) = (traffic, drops) {
        change.counting = Some(Counting { traffic, drops });
    }
    Ok(change)
}
