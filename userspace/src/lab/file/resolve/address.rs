// SPDX-License-Identifier: MIT OR Apache-2.0

//! Addresses: each there once, and right for the network they are in.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::draft::Draft;
use super::super::problem::{At, Report};
use super::segment::Segment;
use super::{EndIndex, Wiring, subject};
use crate::netlink::Address;

/// The smallest MTU of a device that has IPv6.
pub const LEAST_MTU_V6: u32 = 1280;

pub fn check(draft: &Draft, wiring: &Wiring, report: &Report) {
    check_once(draft, wiring, report);
    check_segments(draft, wiring, report);
    for (end, node) in wiring.node_ends() {
        let link = &draft.links[end.link];
        let node = &draft.nodes[node].settings;
        let ipv6 = wiring
            .addresses(end)
            .iter()
            .find(|address| address.value.ip.is_ipv6());
        for address in wiring.addresses(end) {
            check_host(&subject(link), *address, report);
        }
        let forbidden = node.ipv6.is_some_and(|ipv6| !ipv6.value);
        if let Some(address) = ipv6.filter(|_| forbidden) {
            let what = format!(
                "{}address {} is IPv6, which node `{}` is to have none of (`ipv6 = false`)",
                subject(link),
                address.value,
                link.ends[end.end].owner.value
            );
            report.add(address.at, what);
        }
        let wanted = ipv6.is_some() || node.ipv6.is_some_and(|ipv6| ipv6.value);
        if let Some(mtu) = link
            .settings
            .mtu
            .filter(|mtu| wanted && mtu.value < LEAST_MTU_V6)
        {
            let what = format!(
                "{}IPv6 takes an MTU of {LEAST_MTU_V6} at least, not {}",
                subject(link),
                mtu.value
            );
            report.add(mtu.at, what);
        }
    }
    for node in &draft.nodes {
        let subject = format!("node `{}`: ", node.name.value);
        for address in &node.settings.loopback {
            let (ip, ipv6) = (address.value.ip, node.settings.ipv6);
            if ip.is_loopback() {
                report.add(
                    address.at,
                    format!("{subject}the loopback device has {ip} anyway"),
                );
            }
            if ip.is_ipv6() && ipv6.is_some_and(|ipv6| !ipv6.value) {
                report.add(
                    address.at,
                    format!("{subject}address {ip} is IPv6, and `ipv6` is false"),
                );
            }
        }
    }
}

/// Reports what is there twice, in the order of the file.
fn check_once(draft: &Draft, wiring: &Wiring, report: &Report) {
    let mut ips: HashMap<IpAddr, usize> = HashMap::new();
    let mut macs = HashMap::new();
    let loopback = draft.nodes.iter().flat_map(|node| {
        let addresses = node.settings.loopback.iter();
        addresses.map(|address| (*address, format!("node `{}`: ", node.name.value)))
    });
    let ends = wiring.node_ends().flat_map(|(end, _)| {
        let subject = subject(&draft.links[end.link]);
        wiring
            .addresses(end)
            .iter()
            .map(move |address| (*address, subject.clone()))
    });
    for (address, subject) in loopback.chain(ends) {
        if is_link_local(address.value.ip) {
            continue;
        }
        if let Some(first) = ips.insert(address.value.ip, address.at) {
            let (at, first) = (address.at.max(first), address.at.min(first));
            let what = format!(
                "{subject}address {} twice; the other one is of line {}",
                address.value.ip,
                report.line(first)
            );
            report.add(at, what);
        }
    }
    for link in &draft.links {
        for mac in link.ends.iter().filter_map(|end| end.mac) {
            if let Some(first) = macs.insert(mac.value, mac.at) {
                let what = format!(
                    "{}Ethernet address {} twice; the other one is of line {}",
                    subject(link),
                    mac.value,
                    report.line(first)
                );
                report.add(mac.at, what);
            }
        }
    }
}

pub fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Whether a device may have the address, by its network.
fn check_host(subject: &str, address: At<Address>, report: &Report) {
    let Address { ip, prefix } = address.value;
    let Ok(network) = IpNet::new(ip, prefix) else {
        return;
    };
    if ip.is_loopback() {
        let what = format!("{subject}address {ip} is the loopback device's");
        report.add(address.at, what);
    }
    if !ip.is_ipv4() || prefix >= 31 {
        return;
    }
    let means = match ip {
        _ if ip == network.network() => "the network itself",
        _ if ip == network.broadcast() => "everybody in it",
        _ => return,
    };
    let what = format!("{subject}address {} means {means}", address.value);
    report.add(address.at, what);
}

/// Whether all on a segment agree how large its networks are.
fn check_segments(draft: &Draft, wiring: &Wiring, report: &Report) {
    let mut of_segments: HashMap<Segment, Vec<(IpNet, At<Address>, EndIndex)>> = HashMap::new();
    for (end, _) in wiring.node_ends() {
        let segment = wiring.segments.of_links[end.link];
        for address in wiring.addresses(end) {
            let Address { ip, prefix } = address.value;
            if let Ok(network) = IpNet::new(ip, prefix) {
                let networks = of_segments.entry(segment).or_default();
                networks.push((network.trunc(), *address, end));
            }
        }
    }
    for networks in of_segments.values_mut() {
        networks.sort_by_key(|(network, address, _)| (*network, address.at));
        networks.dedup_by_key(|(network, ..)| *network);
        let mut widest: Option<&(IpNet, At<Address>, EndIndex)> = None;
        for this in &*networks {
            match widest {
                Some(other) if other.0.contains(&this.0) && !is_single(this.0) => {
                    let (early, late) = match this.1.at >= other.1.at {
                        true => (other, this),
                        false => (this, other),
                    };
                    let what = format!(
                        "{}address {} is in the network of {} of line {}, but with another prefix length",
                        subject(&draft.links[late.2.link]),
                        late.1.value,
                        early.1.value,
                        report.line(early.1.at)
                    );
                    report.add(late.1.at, what);
                }
                _ => widest = Some(this),
            }
        }
    }
}

/// A network of one address, which says nothing of the others.
fn is_single(network: IpNet) -> bool {
    network.prefix_len() == network.max_prefix_len()
}
