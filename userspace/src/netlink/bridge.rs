// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bridges and their ports.

use std::fmt;

use anyhow::{Context, Result};
use neli::consts::rtnl::{Ifla, IflaInfo};
use neli::types::RtBuffer;

use super::link::{self, DeviceName, Link, Mac};
use super::{Socket, attribute};

/// Numbers of linux/if_link.h.
const IFLA_BR_FORWARD_DELAY: u16 = 1;
const IFLA_BR_STP_STATE: u16 = 5;
const IFLA_BR_BRIDGE_ID: u16 = 11;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const IFLA_BRPORT_STATE: u16 = 1;

/// `USER_HZ`: times are in hundredths of a second.
const TICKS: u32 = 100;

/// A bridge, before it is made.
pub struct NewBridge<'a> {
    pub name: &'a DeviceName,
    pub mac: Mac,
    pub stp: bool,
    /// Seconds that a port listens, and then learns, before it forwards.
    pub forward_delay: u32,
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

/// Makes a bridge, down, that sends nothing by itself. Returns its index where the kernel is new enough to
/// say it.
pub fn add(socket: &mut Socket, what: &str, bridge: &NewBridge) -> Result<Option<i32>> {
    let mut settings = RtBuffer::new();
    let delay = bridge.forward_delay.saturating_mul(TICKS);
    settings.push(attribute::rt(IFLA_BR_FORWARD_DELAY, delay)?);
    settings.push(attribute::rt(IFLA_BR_STP_STATE, u32::from(bridge.stp))?);
    // A bridge that looks into multicast joins groups itself, and tells its ports.
    settings.push(attribute::rt(IFLA_BR_MCAST_SNOOPING, 0u8)?);
    let attributes = vec![
        attribute::rt(Ifla::Ifname, bridge.name.as_str())?,
        attribute::rt(Ifla::Address, bridge.mac.0)?,
        link::link_info("bridge", attribute::rt(IflaInfo::Data, settings)?)?,
    ];
    let made = link::create(socket, what, attributes)?;
    Ok(made.map(|made| made.index))
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
