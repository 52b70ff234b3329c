// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bridges and their ports.

use std::fmt;

use anyhow::{Context, Result};
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Ifla, IflaInfo, RtAddrFamily, Rtm};
use neli::rtnl::{Ifinfomsg, IfinfomsgBuilder, Rtattr};
use neli::types::{Buffer, RtBuffer};
use nix::errno::Errno;
use nix::libc;

use super::link::{self, Link};
use super::{Batch, DeviceName, Mac, Refusal, Socket, attribute};

/// Numbers of linux/if_link.h.
const IFLA_BR_FORWARD_DELAY: u16 = 1;
const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_BR_VLAN_FILTERING: u16 = 7;
const IFLA_BR_BRIDGE_ID: u16 = 11;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const IFLA_BRPORT_STATE: u16 = 1;
/// Numbers of linux/if_bridge.h.
const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const BRIDGE_VLAN_INFO_PVID: u16 = 1 << 1;
const BRIDGE_VLAN_INFO_UNTAGGED: u16 = 1 << 2;

/// `USER_HZ`: times are in hundredths of a second.
const TICKS: u32 = 100;

/// A bridge, before it is made.
pub struct NewBridge<'a> {
    pub name: &'a DeviceName,
    pub mac: Mac,
    pub mtu: Option<u32>,
    pub settings: Settings,
}

/// How a bridge works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub stp: bool,
    /// Seconds that a port listens, and then learns, before it forwards.
    pub forward_delay: u32,
    pub vlan_filtering: bool,
    /// One that looks into multicast joins groups itself, and tells its ports.
    pub multicast_snooping: bool,
}

/// What a bridge tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    pub id: BridgeId,
    pub stp: bool,
    pub forward_delay: u32,
}

/// A bridge's priority and address, written as everybody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BridgeId([u8; 8]);

impl fmt::Display for BridgeId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b, mac @ ..] = self.0;
        write!(f, "{a:02x}{b:02x}.")?;
        mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Makes a bridge, down. Returns its index where the kernel is new enough to say
/// it.
pub fn add(socket: &mut Socket, what: &str, bridge: &NewBridge) -> Result<Option<i32>> {
    let mut attributes = vec![
        attribute::rt(Ifla::Ifname, bridge.name.as_str())?,
        attribute::rt(Ifla::Address, bridge.mac.0)?,
        bridge.settings.attribute(false)?,
    ];
    if let Some(mtu) = bridge.mtu {
        attributes.push(attribute::rt(Ifla::Mtu, mtu)?);
    }
    let made = link::create(socket, what, attributes)?;
    Ok(made.map(|made| made.index))
}

/// Changes how the bridge with index `index` works, which worked as `old` says.
pub fn set(
    batch: &mut Batch,
    what: impl Into<String>,
    index: i32,
    old: Settings,
    new: Settings,
) -> Result<()> {
    let what = what.into();
    let mut push = |settings| {
        let message = link::message(index, [settings]).build()?;
        batch.push(&*what, Rtm::Newlink, NlmF::empty(), &message)
    };
    if old.stp && !new.stp {
        // The kernel looks at the forward delay first, and with STP not all are
        // allowed.
        let off = attribute::rt(IFLA_BR_STP_STATE, 0_u32)?;
        push(link::link_info(
            "bridge",
            attribute::rt(IflaInfo::Data, off)?,
        )?)?;
    }
    push(new.attribute(old.vlan_filtering)?)
}

/// Whether bridges of this kernel filter VLANs. The socket is of a namespace that is
/// about to go.
pub fn can_filter(socket: &mut Socket) -> Result<bool> {
    let bridge = NewBridge {
        name: &"probe".parse()?,
        mac: Mac::draw()?,
        mtu: None,
        settings: Settings {
            stp: false,
            forward_delay: 0,
            vlan_filtering: true,
            multicast_snooping: false,
        },
    };
    match add(socket, "cannot try out a bridge", &bridge) {
        Err(error) if Refusal::is(&error, Errno::EOPNOTSUPP) => Ok(false),
        made => made.map(|_| true),
    }
}

/// A VLAN at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vlan {
    /// The one of packets without a tag, in both directions.
    Untagged(u16),
    /// One whose packets come and go with a tag.
    Tagged(u16),
}

/// Lets the port with index `index` take part in a VLAN.
pub fn join(batch: &mut Batch, what: impl Into<String>, index: i32, vlan: Vlan) -> Result<()> {
    batch.push(what, Rtm::Setlink, NlmF::empty(), &membership(index, vlan)?)
}

/// Lets it take part no more, if it does.
pub fn leave(batch: &mut Batch, what: impl Into<String>, index: i32, vlan: Vlan) -> Result<()> {
    batch.push(what, Rtm::Dellink, NlmF::empty(), &membership(index, vlan)?)?;
    batch.tolerate(&[Errno::ENOENT]);
    Ok(())
}

/// `struct bridge_vlan_info` of linux/if_bridge.h, where the bridge expects it.
fn membership(index: i32, vlan: Vlan) -> Result<Ifinfomsg> {
    let (flags, id) = match vlan {
        Vlan::Untagged(id) => (BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, id),
        Vlan::Tagged(id) => (0, id),
    };
    let info = [flags, id].map(u16::to_ne_bytes).concat();
    let info = attribute::rt(IFLA_BRIDGE_VLAN_INFO, Buffer::from(info))?;
    Ok(IfinfomsgBuilder::default()
        .ifi_family(RtAddrFamily::from(libc::AF_BRIDGE as u8))
        .ifi_index(index)
        .rtattrs([attribute::rt(Ifla::AfSpec, info)?].into_iter().collect())
        .build()?)
}

impl Settings {
    /// Of a bridge that filters VLANs now, or not: a kernel that cannot do it refuses
    /// even to leave that as it is.
    fn attribute(self, filters: bool) -> Result<Rtattr<Ifla, Buffer>> {
        let mut settings = RtBuffer::new();
        let delay = self.forward_delay.saturating_mul(TICKS);
        settings.push(attribute::rt(IFLA_BR_FORWARD_DELAY, delay)?);
        settings.push(attribute::rt(IFLA_BR_STP_STATE, u32::from(self.stp))?);
        let snooping = u8::from(self.multicast_snooping);
        settings.push(attribute::rt(IFLA_BR_MCAST_SNOOPING, snooping)?);
        if self.vlan_filtering != filters {
            let filtering = u8::from(self.vlan_filtering);
            settings.push(attribute::rt(IFLA_BR_VLAN_FILTERING, filtering)?);
        }
        link::link_info("bridge", attribute::rt(IflaInfo::Data, settings)?)
    }
}

impl Bridge {
    /// Of a device of kind "bridge".
    pub fn of(link: &Link) -> Result<Self> {
        let incomplete = || format!("bridge {} says too little of itself", link.name);
        let settings = link.data.as_ref().with_context(incomplete)?;
        let (mut id, mut stp, mut delay) = (None, None, None);
        for attribute in attribute::rt_nest::<u16>(settings)?.iter() {
            let payload = attribute.rta_payload();
            match *attribute.rta_type() {
                IFLA_BR_BRIDGE_ID => id = Some(BridgeId(attribute::exactly(payload)?)),
                IFLA_BR_STP_STATE => stp = Some(attribute::u32(payload)? != 0),
                IFLA_BR_FORWARD_DELAY => delay = Some(attribute::u32(payload)? / TICKS),
                _ => {}
            }
        }
        Ok(Bridge {
            id: id.with_context(incomplete)?,
            stp: stp.with_context(incomplete)?,
            forward_delay: delay.with_context(incomplete)?,
        })
    }
}

/// What a port does with packets, in brctl's words.
pub fn port_state(port: &Link) -> Result<&'static str> {
    let Some(data) = &port.port_data else {
        return Ok("unknown");
    };
    for attribute in attribute::rt_nest::<u16>(data)?.iter() {
        if *attribute.rta_type() == IFLA_BRPORT_STATE {
            return Ok(match attribute::u8(attribute.rta_payload())? {
                0 => "disabled",
                1 => "listening",
                2 => "learning",
                3 => "forwarding",
                4 => "blocking",
                _ => "unknown",
            });
        }
    }
    Ok("unknown")
}
