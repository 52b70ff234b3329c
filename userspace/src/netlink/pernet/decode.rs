// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reading the family's replies. What is not known here is passed over: a
//! newer module may say more.

use std::borrow::Cow;

use anyhow::{Context, Result};
use neli::consts::genl::{CtrlAttr, CtrlAttrMcastGrp, CtrlCmd};
use neli::genl::{Genlmsghdr, Nlattr};
use neli::types::{Buffer, GenlBuffer};
use serde::{Deserialize, Serialize};

use super::uapi::{
    Cmd, Devices, DropSubsystem, Drops, Family, Hook, Netns, Switch, Traffic, group,
};
use crate::netlink::attribute;

/// What the module tells of one namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetnsReport {
    pub cookie: u64,
    pub nsid: Option<i32>,
    pub inode: u64,
    pub userns_inode: u64,
    /// Nanoseconds.
    pub age: u64,
    pub preexisting: bool,
    pub epoch: u64,
    /// Nanoseconds.
    pub epoch_age: u64,
    pub devices: DeviceCounts,
    pub traffic: Vec<Counts>,
    pub drops: Vec<Dropped>,
    pub counting: Counting,
}

/// What the namespace counts; off, where an older module does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counting {
    pub traffic: bool,
    pub drops: bool,
}

/// Packets dropped for one reason, or by one subsystem for any reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub subsystem: Cow<'static, str>,
    pub reason: Option<u32>,
    pub name: Option<String>,
    pub packets: u64,
}

/// What became of the namespace's devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCounts {
    pub present: u64,
    pub registered: u64,
    pub unregistered: u64,
    pub up: u64,
    pub down: u64,
    pub moved_in: u64,
    pub moved_out: u64,
    pub renamed: u64,
}

/// Packets of one family at one hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub family: Family,
    pub hook: Hook,
    pub packets: u64,
    pub bytes: u64,
}

/// What the module offers over netlink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The number that the kernel gave the family.
    pub id: u16,
    /// Of the contract.
    pub version: u32,
    /// The numbers of those that can be asked for.
    pub commands: Vec<u32>,
    /// The number that the kernel gave the group `events`.
    pub events: Option<u32>,
}

/// What "nlctrl" answers about the family.
pub fn offer(message: &Buffer) -> Result<Offer> {
    let message: Genlmsghdr<CtrlCmd, CtrlAttr> = attribute::parse(message.as_ref())?;
    let (mut id, mut version, mut commands, mut events) = (None, 0, Vec::new(), None);
    for attribute in message.attrs().iter() {
        let payload = attribute.nla_payload();
        match kind(attribute) {
            CtrlAttr::FamilyId => id = Some(u16::from_ne_bytes(attribute::exactly(payload)?)),
            CtrlAttr::Version => version = attribute::u32(payload)?,
            CtrlAttr::Ops => commands = command_numbers(payload)?,
            CtrlAttr::McastGroups => events = events_group(payload)?,
            _ => {}
        }
    }
    Ok(Offer {
        id: id.context("the kernel's answer has no family number")?,
        version,
        commands,
        events,
    })
}

/// The number of the group `events`, in the list of all groups.
fn events_group(groups: &Buffer) -> Result<Option<u32>> {
    for group in attribute::genl_nest::<u16>(groups)?.iter() {
        let (mut name, mut id) = (None, None);
        let group = attribute::genl_nest::<CtrlAttrMcastGrp>(group.nla_payload())?;
        for attribute in group.iter() {
            let payload = attribute.nla_payload();
            match kind(attribute) {
                CtrlAttrMcastGrp::Name => name = Some(attribute::string(payload)?),
                CtrlAttrMcastGrp::Id => id = Some(attribute::u32(payload)?),
                _ => {}
            }
        }
        if name.as_deref() == Some(group::EVENTS) {
            return Ok(id);
        }
    }
    Ok(None)
}

/// `CTRL_ATTR_OPS`: for each command, under a number that means nothing, what is to
/// be known of it.
fn command_numbers(payload: &Buffer) -> Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for command in attribute::genl_nest::<u16>(payload)?.iter() {
        let nest = attribute::genl_nest::<u16>(command.nla_payload())?;
        let number = nest.iter().find(|attribute| kind(attribute) == OP_ID);
        numbers.extend(
            number
                .map(|number| attribute::u32(number.nla_payload()))
                .transpose()?,
        );
    }
    Ok(numbers)
}

/// `CTRL_ATTR_OP_ID` of linux/genetlink.h.
const OP_ID: u16 = 1;

/// The namespace that `message` is about.
pub fn report(message: &Buffer) -> Result<NetnsReport> {
    let message: Genlmsghdr<Cmd, Netns> = attribute::parse(message.as_ref())?;
    let mut report = NetnsReport::default();
    let mut cookie = None;
    for attribute in message.attrs().iter() {
        let payload = attribute.nla_payload();
        match kind(attribute) {
            Netns::Cookie => cookie = Some(attribute::uint(payload)?),
            Netns::Nsid => report.nsid = Some(attribute::i32(payload)?),
            Netns::Inode => report.inode = attribute::uint(payload)?,
            Netns::UsernsInode => report.userns_inode = attribute::uint(payload)?,
            Netns::Age => report.age = attribute::uint(payload)?,
            Netns::Preexisting => {
                attribute::exactly::<0>(payload)?;
                report.preexisting = true;
            }
            Netns::Devices => report.devices = devices(payload)?,
            Netns::Traffic => report.traffic.extend(traffic(payload)?),
            Netns::CountTraffic => report.counting.traffic = is_on(payload)?,
            Netns::Drops => report.drops.push(dropped(payload)?),
            Netns::CountDrops => report.counting.drops = is_on(payload)?,
            Netns::Epoch => report.epoch = attribute::uint(payload)?,
            Netns::EpochAge => report.epoch_age = attribute::uint(payload)?,
            Netns::Pid | Netns::Fd | Netns::Filter | Netns::UnrecognizedConst(_) => {}
        }
    }
    report.cookie = cookie.context("the module described a namespace without its cookie")?;
    report.traffic = every_hook(&report.traffic);
    Ok(report)
}

/// With the hooks where nothing has passed, which the module leaves out.
fn every_hook(told: &[Counts]) -> Vec<Counts> {
    let hooks_of = |family| Hook::ALL.map(|hook| (family, hook));
    let places = Family::ALL.into_iter().flat_map(hooks_of);
    let counts = places.map(|(family, hook)| {
        let told = (told.iter()).find(|told| told.family == family && told.hook == hook);
        told.copied().unwrap_or(Counts {
            family,
            hook,
            packets: 0,
            bytes: 0,
        })
    });
    counts.collect()
}

fn dropped(payload: &Buffer) -> Result<Dropped> {
    let nest: GenlBuffer<Drops, Buffer> = attribute::genl_nest(payload)?;
    let mut dropped = Dropped::default();
    let mut subsystem = None;
    for attribute in nest.iter() {
        let payload = attribute.nla_payload();
        match kind(attribute) {
            Drops::Subsystem => subsystem = Some(DropSubsystem::from(attribute::u8(payload)?)),
            Drops::Reason => dropped.reason = Some(attribute::u32(payload)?),
            Drops::Name => dropped.name = Some(attribute::string(payload)?),
            Drops::Packets => dropped.packets = attribute::uint(payload)?,
            Drops::UnrecognizedConst(_) => {}
        }
    }
    let subsystem = subsystem.context("the module counted drops of no subsystem")?;
    // What a newer module tells apart is still a drop.
    let other = DropSubsystem::Other.name().unwrap_or_default();
    dropped.subsystem = subsystem.name().unwrap_or(other).into();
    Ok(dropped)
}

pub(super) fn is_on(payload: &Buffer) -> Result<bool> {
    Ok(Switch::from(attribute::u8(payload)?) == Switch::On)
}

fn devices(payload: &Buffer) -> Result<DeviceCounts> {
    let nest: GenlBuffer<Devices, Buffer> = attribute::genl_nest(payload)?;
    let mut counts = DeviceCounts::default();
    for attribute in nest.iter() {
        let count = match kind(attribute) {
            Devices::Present => &mut counts.present,
            Devices::Registered => &mut counts.registered,
            Devices::Unregistered => &mut counts.unregistered,
            Devices::Up => &mut counts.up,
            Devices::Down => &mut counts.down,
            Devices::MovedIn => &mut counts.moved_in,
            Devices::MovedOut => &mut counts.moved_out,
            Devices::Renamed => &mut counts.renamed,
            Devices::UnrecognizedConst(_) => continue,
        };
        *count = attribute::uint(attribute.nla_payload())?;
    }
    Ok(counts)
}

/// Counts, unless they are of a family or at a hook that is not known here.
fn traffic(payload: &Buffer) -> Result<Option<Counts>> {
    let nest: GenlBuffer<Traffic, Buffer> = attribute::genl_nest(payload)?;
    let (mut family, mut hook) = (None, None);
    let (mut packets, mut bytes) = (0, 0);
    for attribute in nest.iter() {
        let payload = attribute.nla_payload();
        match kind(attribute) {
            Traffic::Family => family = Some(Family::from(attribute::u8(payload)?)),
            Traffic::Hook => hook = Some(Hook::from(attribute::u8(payload)?)),
            Traffic::Packets => packets = attribute::uint(payload)?,
            Traffic::Bytes => bytes = attribute::uint(payload)?,
            Traffic::UnrecognizedConst(_) => {}
        }
    }
    let family = family.context("the module counted packets of no family")?;
    let hook = hook.context("the module counted packets at no hook")?;
    let known = family.name().is_some() && hook.name().is_some();
    Ok(known.then_some(Counts {
        family,
        hook,
        packets,
        bytes,
    }))
}

pub(super) fn kind<T: Copy>(attribute: &Nlattr<T, Buffer>) -> T {
    *attribute.nla_type().nla_type()
}

#[cfg(test)]
mod tests {
    use super::super::uapi;
    use super::*;

    /// An attribute as it is on the wire.
    fn attribute(kind: impl Into<u16>, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(payload.len() + 4).unwrap().to_ne_bytes());
        bytes.extend(kind.into().to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// The kernel marks nests, or does not.
    fn nest(kind: impl Into<u16>, attributes: &[Vec<u8>]) -> Vec<u8> {
        attribute(kind.into() | 1 << 15, &attributes.concat())
    }

    fn reply(attributes: &[Vec<u8>]) -> Buffer {
        let header = vec![Cmd::Get.into(), uapi::FAMILY_VERSION, 0, 0];
        Buffer::from([header, attributes.concat()].concat())
    }

    fn counts(family: u8, hook: u8, packets: u64, bytes: u64) -> Vec<u8> {
        nest(
            Netns::Traffic,
            &[
                attribute(Traffic::Family, &[family]),
                attribute(Traffic::Hook, &[hook]),
                attribute(Traffic::Packets, &packets.to_ne_bytes()),
                attribute(Traffic::Bytes, &bytes.to_ne_bytes()),
            ],
        )
    }

    #[test]
    fn a_whole_reply_is_read() {
        let report = report(&reply(&[
            attribute(Netns::Cookie, &u64::MAX.to_ne_bytes()),
            attribute(Netns::Nsid, &(-3_i32).to_ne_bytes()),
            attribute(Netns::Inode, &0xf000_0001_u32.to_ne_bytes()),
            attribute(Netns::UsernsInode, &0xefff_fffd_u32.to_ne_bytes()),
            attribute(Netns::Age, &1_500_000_000_u32.to_ne_bytes()),
            attribute(Netns::Preexisting, &[]),
            nest(
                Netns::Devices,
                &[
                    attribute(Devices::Present, &2_u32.to_ne_bytes()),
                    attribute(Devices::MovedIn, &u64::MAX.to_ne_bytes()),
                ],
            ),
            counts(2, 1, 3, 252),
            counts(10, 4, u64::MAX, 0),
            attribute(Netns::CountTraffic, &[1]),
            nest(
                Netns::Drops,
                &[
                    attribute(Drops::Subsystem, &[0]),
                    attribute(Drops::Reason, &3_u32.to_ne_bytes()),
                    attribute(Drops::Name, b"NO_SOCKET\0"),
                    attribute(Drops::Packets, &u64::MAX.to_ne_bytes()),
                ],
            ),
            nest(
                Netns::Drops,
                &[
                    attribute(Drops::Subsystem, &[99]),
                    attribute(Drops::Packets, &1_u32.to_ne_bytes()),
                ],
            ),
            attribute(Netns::CountDrops, &[1]),
            attribute(Netns::Epoch, &2_u32.to_ne_bytes()),
            attribute(Netns::EpochAge, &500_u32.to_ne_bytes()),
        ]))
        .unwrap();
        assert_eq!(
            report,
            NetnsReport {
                cookie: u64::MAX,
                nsid: Some(-3),
                inode: 0xf000_0001,
                userns_inode: 0xefff_fffd,
                age: 1_500_000_000,
                preexisting: true,
                epoch: 2,
                epoch_age: 500,
                devices: DeviceCounts {
                    present: 2,
                    moved_in: u64::MAX,
                    ..DeviceCounts::default()
                },
                traffic: every_hook(&[
                    Counts {
                        family: Family::Ipv4,
                        hook: Hook::LocalIn,
                        packets: 3,
                        bytes: 252,
                    },
                    Counts {
                        family: Family::Ipv6,
                        hook: Hook::Postrouting,
                        packets: u64::MAX,
                        bytes: 0,
                    },
                ]),
                drops: vec![
                    Dropped {
                        subsystem: "core".into(),
                        reason: Some(3),
                        name: Some("NO_SOCKET".to_owned()),
                        packets: u64::MAX,
                    },
                    Dropped {
                        subsystem: "other".into(),
                        packets: 1,
                        ..Dropped::default()
                    },
                ],
                counting: Counting {
                    traffic: true,
                    drops: true,
                },
            }
        );
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let report = report(&reply(&[
            attribute(999_u16, b"from a later module"),
            attribute(Netns::Cookie, &7_u32.to_ne_bytes()),
            nest(Netns::Devices, &[attribute(99_u16, &[1])]),
            counts(7, 1, 1, 1),
            counts(2, 9, 1, 1),
        ]))
        .unwrap();
        assert_eq!(
            report,
            NetnsReport {
                cookie: 7,
                traffic: every_hook(&[]),
                ..NetnsReport::default()
            }
        );
    }

    #[test]
    fn a_reply_with_wrong_lengths_is_refused() {
        let cookie = attribute(Netns::Cookie, &7_u32.to_ne_bytes());
        for wrong in [
            attribute(Netns::Cookie, &[7]),
            attribute(Netns::Nsid, &[0; 8]),
            attribute(Netns::Age, &[0; 5]),
            attribute(Netns::Preexisting, &[1]),
            attribute(Netns::CountTraffic, &[1, 0]),
            nest(Netns::Drops, &[attribute(Drops::Packets, &[0; 4])]),
            nest(Netns::Drops, &[attribute(Drops::Reason, &[0; 2])]),
            attribute(Netns::Devices, &[0; 3]),
            nest(Netns::Devices, &[attribute(Devices::Up, &[0; 2])]),
            nest(Netns::Traffic, &[attribute(Traffic::Hook, &[0; 4])]),
            nest(Netns::Traffic, &[attribute(Traffic::Hook, &[0])]),
        ] {
            assert!(
                report(&reply(&[cookie.clone(), wrong.clone()])).is_err(),
                "{wrong:?}"
            );
        }
        assert!(report(&reply(&[])).is_err(), "no cookie");
        assert!(
            report(&Buffer::from([1, 1].as_slice())).is_err(),
            "no header"
        );
    }

    #[test]
    fn a_reply_may_end_anywhere_without_harm() {
        let whole = reply(&[
            attribute(Netns::Cookie, &7_u32.to_ne_bytes()),
            nest(
                Netns::Devices,
                &[attribute(Devices::Up, &1_u32.to_ne_bytes())],
            ),
            counts(2, 1, 3, 252),
        ]);
        // Four bytes of header and eight of cookie are enough.
        for end in 0..whole.len() {
            let cut = report(&Buffer::from(&whole.as_ref()[..end]));
            let between = [12, 24].contains(&end);
            assert_eq!(cut.is_ok(), between, "{end} bytes");
        }
    }

    #[test]
    fn any_length_field_may_lie_without_harm() {
        let whole = reply(&[
            attribute(Netns::Cookie, &7_u32.to_ne_bytes()),
            counts(2, 1, 3, 252),
        ]);
        for at in (4..whole.len()).step_by(4) {
            for length in [0, 1, 3, 4, 5, 0x7fff, u16::MAX] {
                let mut lying = whole.as_ref().to_vec();
                lying[at..at + 2].copy_from_slice(&u16::to_ne_bytes(length));
                // Right or wrong, it must return.
                let _ = report(&Buffer::from(lying));
            }
        }
    }
}
