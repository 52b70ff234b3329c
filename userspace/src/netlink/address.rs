// SPDX-License-Identifier: MIT OR Apache-2.0

//! IP addresses of devices.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use anyhow::{Result, anyhow, bail, ensure};
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Ifa, IfaF, RtAddrFamily, RtScope, Rtm};
use neli::rtnl::{Ifaddrmsg, IfaddrmsgBuilder};
use neli::types::{Buffer, RtBuffer};

use super::{Batch, Socket, attribute};
use crate::text::as_text;

/// An address with the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub ip: IpAddr,
    pub prefix: u8,
}

as_text!(Address);

impl Address {
    /// Where packets to all of the network go. A network of two addresses or
    /// one has no such place (RFC 3021).
    fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.ip {
            IpAddr::V4(ip) if self.prefix < 31 => {
                let host = u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                Some(Ipv4Addr::from(u32::from(ip) | host))
            }
            _ => None,
        }
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((ip, prefix)) = text.split_once('/') else {
            match text.parse::<IpAddr>() {
                Ok(ip) => bail!(
                    "address `{ip}` has no prefix length; write `{ip}/{}` if its network is that wide",
                    if ip.is_ipv4() { 24 } else { 64 }
                ),
                Err(_) => {
                    bail!("`{text}` is not an address; expected one like 10.0.0.1/24 or fd00::1/64")
                }
            }
        };
        let ip: IpAddr = ip
            .parse()
            .map_err(|_| anyhow!("`{ip}` in `{text}` is not an IPv4 or IPv6 address"))?;
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= longest);
        let prefix = prefix
            .ok_or_else(|| anyhow!("prefix length of `{text}` is not a number up to {longest}"))?;
        ensure!(
            !ip.is_unspecified() && !ip.is_multicast(),
            "`{text}` cannot be the address of a device"
        );
        Ok(Address { ip, prefix })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

/// When an address can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// At once: whoever chose it answers for its being the only one.
    AtOnce,
    /// An IPv6 one when it was found to have no duplicate.
    AfterTrial,
}

/// Gives the device with index `index` an address.
pub fn add(
    batch: &mut Batch,
    what: impl Into<String>,
    index: i32,
    address: &Address,
    when: Use,
) -> Result<()> {
    let mut message = message(index, address)?;
    if address.ip.is_ipv6() && when == Use::AtOnce {
        message = message.ifa_flags(IfaF::NODAD);
    }
    let flags = NlmF::CREATE | NlmF::EXCL;
    batch.push(what, Rtm::Newaddr, flags, &message.build()?)
}

/// Takes an address away from the device with index `index`.
pub fn remove(
    batch: &mut Batch,
    what: impl Into<String>,
    index: i32,
    address: &Address,
) -> Result<()> {
    let message = message(index, address)?.build()?;
    batch.push(what, Rtm::Deladdr, NlmF::empty(), &message)
}

fn message(index: i32, address: &Address) -> Result<IfaddrmsgBuilder> {
    let mut attributes = RtBuffer::new();
    let ip = attribute::ip(address.ip);
    attributes.push(attribute::rt(Ifa::Local, ip.clone())?);
    attributes.push(attribute::rt(Ifa::Address, ip)?);
    if let Some(broadcast) = address.broadcast() {
        attributes.push(attribute::rt(Ifa::Broadcast, broadcast.octets())?);
    }
    let family = match address.ip {
        IpAddr::V4(_) => RtAddrFamily::Inet,
        IpAddr::V6(_) => RtAddrFamily::Inet6,
    };
    Ok(IfaddrmsgBuilder::default()
        .ifa_family(family)
        .ifa_prefixlen(address.prefix)
        .ifa_scope(RtScope::Universe)
        .ifa_index(index.unsigned_abs())
        .rtattrs(attributes))
}

/// What became of an IPv6 address that is looked for duplicates of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    Passed,
    Going,
    /// Another has it.
    Failed,
}

/// All addresses of the socket's namespace, with the indexes of their devices.
pub fn all(socket: &mut Socket) -> Result<Vec<(i32, Address)>> {
    let entries = dump(socket, RtAddrFamily::Unspecified)?;
    let addresses = entries.iter().map(listed);
    addresses.filter_map(Result::transpose).collect()
}

fn listed(entry: &Buffer) -> Result<Option<(i32, Address)>> {
    let message: Ifaddrmsg = attribute::parse(entry.as_ref())?;
    // Of two ends of a line, the local one is what is meant; IPv6 has no other.
    let attributes = message.rtattrs().iter();
    let own = attributes.max_by_key(|attribute| match attribute.rta_type() {
        Ifa::Local => 2,
        Ifa::Address => 1,
        _ => 0,
    });
    let Some(payload) = own.map(|attribute| attribute.rta_payload()) else {
        return Ok(None);
    };
    let ip = match payload.len() {
        4 => IpAddr::from(attribute::exactly::<4>(payload)?),
        16 => IpAddr::from(attribute::exactly::<16>(payload)?),
        _ => return Ok(None),
    };
    let prefix = *message.ifa_prefixlen();
    let index = i32::try_from(*message.ifa_index())?;
    Ok(Some((index, Address { ip, prefix })))
}

fn dump(socket: &mut Socket, family: RtAddrFamily) -> Result<Vec<Buffer>> {
    let message = IfaddrmsgBuilder::default()
        .ifa_family(family)
        .ifa_prefixlen(0)
        .ifa_scope(RtScope::Universe)
        .ifa_index(0)
        .build()?;
    socket.dump("cannot list the addresses", Rtm::Getaddr, &message)
}

/// The IPv6 addresses of the socket's namespace, with the indexes of their devices.
pub fn trials(socket: &mut Socket) -> Result<Vec<(i32, IpAddr, Trial)>> {
    let entries = dump(socket, RtAddrFamily::Inet6)?;
    let trials = entries.iter().map(trial);
    trials.filter_map(Result::transpose).collect()
}

fn trial(entry: &Buffer) -> Result<Option<(i32, IpAddr, Trial)>> {
    let message: Ifaddrmsg = attribute::parse(entry.as_ref())?;
    let mut attributes = message.rtattrs().iter();
    let Some(ip) = attributes.find(|attribute| *attribute.rta_type() == Ifa::Address) else {
        return Ok(None);
    };
    let ip: [u8; 16] = attribute::exactly(ip.rta_payload())?;
    let trial = match message.ifa_flags() {
        flags if flags.contains(IfaF::DADFAILED) => Trial::Failed,
        flags if flags.contains(IfaF::TENTATIVE) => Trial::Going,
        _ => Trial::Passed,
    };
    let index = i32::try_from(*message.ifa_index())?;
    Ok(Some((index, ip.into(), trial)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        (text.parse::<Address>())
            .map(|address| address.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_need_a_prefix_length_that_fits() {
        assert_eq!(parse("10.0.0.1/24").unwrap(), "10.0.0.1/24");
        assert_eq!(parse("fd00:0::1/64").unwrap(), "fd00::1/64");
        assert!(parse("10.0.0.1").unwrap_err().contains("`10.0.0.1/24`"));
        assert!(parse("fd00::1").unwrap_err().contains("`fd00::1/64`"));
        for wrong in [
            "",
            "/24",
            "10.0.0.1/",
            "10.0.0.1/33",
            "10.0.0.1/-1",
            "fd00::1/129",
            "10.0.0/24",
            "x/24",
        ] {
            parse(wrong).unwrap_err();
        }
        for wrong in ["0.0.0.0/8", "::/0", "224.0.0.1/4", "ff02::1/16"] {
            assert!(parse(wrong).unwrap_err().contains("cannot be"), "{wrong}");
        }
    }

    #[test]
    fn broadcast_is_the_last_address_of_a_network_of_more_than_two() {
        let broadcast = |text: &str| text.parse::<Address>().unwrap().broadcast();
        assert_eq!(broadcast("10.0.0.1/24"), Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert_eq!(broadcast("10.0.0.1/0"), Some(Ipv4Addr::BROADCAST));
        assert_eq!(broadcast("10.0.0.1/31"), None);
        assert_eq!(broadcast("10.0.0.1/32"), None);
        assert_eq!(broadcast("fd00::1/64"), None);
    }
}
