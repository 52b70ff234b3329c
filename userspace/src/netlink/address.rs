// SPDX-License-Identifier: MIT OR Apache-2.0

//! IP addresses of devices.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use anyhow::{Result, anyhow, bail, ensure};
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Ifa, IfaF, RtAddrFamily, RtScope, Rtm};
use neli::rtnl::IfaddrmsgBuilder;
use neli::types::{Buffer, RtBuffer};

use super::{Batch, attribute};
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

/// Gives the device with index `index` an address. An IPv6 one can be used at
/// once: whoever chose it answers for its being the only one.
pub fn add(
    batch: &mut Batch,
    what: impl Into<String>,
    index: i32,
    address: &Address,
) -> Result<()> {
    let mut attributes = RtBuffer::new();
    let ip = match address.ip {
        IpAddr::V4(ip) => Buffer::from(ip.octets().as_slice()),
        IpAddr::V6(ip) => Buffer::from(ip.octets().as_slice()),
    };
    attributes.push(attribute::rt(Ifa::Local, ip.clone())?);
    attributes.push(attribute::rt(Ifa::Address, ip)?);
    if let Some(broadcast) = address.broadcast() {
        attributes.push(attribute::rt(Ifa::Broadcast, broadcast.octets())?);
    }
    let (family, flags) = match address.ip {
        IpAddr::V4(_) => (RtAddrFamily::Inet, IfaF::empty()),
        IpAddr::V6(_) => (RtAddrFamily::Inet6, IfaF::NODAD),
    };
    let message = IfaddrmsgBuilder::default()
        .ifa_family(family)
        .ifa_prefixlen(address.prefix)
        .ifa_flags(flags)
        .ifa_scope(RtScope::Universe)
        .ifa_index(index.unsigned_abs())
        .rtattrs(attributes)
        .build()?;
    batch.push(what, Rtm::Newaddr, NlmF::CREATE | NlmF::EXCL, &message)
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
