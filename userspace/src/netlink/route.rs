// SPDX-License-Identifier: MIT OR Apache-2.0

//! Routes of the main table.

use std::net::IpAddr;

use anyhow::Result;
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{RtAddrFamily, RtScope, RtTable, Rta, Rtm, Rtn, Rtprot};
use neli::rtnl::{Rtmsg, RtmsgBuilder};
use neli::types::RtBuffer;

use super::{Batch, attribute};

/// Where packets to a network go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The network: an address in it, and the length of its prefix.
    pub destination: (IpAddr, u8),
    pub gateway: Option<IpAddr>,
    /// The device, by its index in the socket's namespace.
    pub device: Option<i32>,
    pub metric: Option<u32>,
}

impl Route {
    fn message(&self) -> Result<Rtmsg> {
        let (network, length) = self.destination;
        let mut attributes = RtBuffer::new();
        if length > 0 {
            attributes.push(attribute::rt(Rta::Dst, attribute::ip(network))?);
        }
        if let Some(gateway) = self.gateway {
            attributes.push(attribute::rt(Rta::Gateway, attribute::ip(gateway))?);
        }
        if let Some(device) = self.device {
            attributes.push(attribute::rt(Rta::Oif, device)?);
        }
        if let Some(metric) = self.metric {
            attributes.push(attribute::rt(Rta::Priority, metric)?);
        }
        Ok(RtmsgBuilder::default()
            .rtm_family(match network {
                IpAddr::V4(_) => RtAddrFamily::Inet,
                IpAddr::V6(_) => RtAddrFamily::Inet6,
            })
            .rtm_dst_len(length)
            .rtm_src_len(0)
            .rtm_tos(0)
            .rtm_table(RtTable::Main)
            .rtm_protocol(Rtprot::Static)
            // What has no gateway is on the link itself.
            .rtm_scope(match self.gateway {
                Some(_) => RtScope::Universe,
                None => RtScope::Link,
            })
            .rtm_type(Rtn::Unicast)
            .rtattrs(attributes)
            .build()?)
    }
}

pub fn add(batch: &mut Batch, what: impl Into<String>, route: &Route) -> Result<()> {
    let flags = NlmF::CREATE | NlmF::EXCL;
    batch.push(what, Rtm::Newroute, flags, &route.message()?)
}

pub fn remove(batch: &mut Batch, what: impl Into<String>, route: &Route) -> Result<()> {
    batch.push(what, Rtm::Delroute, NlmF::empty(), &route.message()?)
}
