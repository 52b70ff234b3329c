// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is settled inside a node: settings, and devices with their addresses.

use std::collections::HashMap;
use std::net::IpAddr;

use anyhow::{Context, Result};
use nix::errno::Errno;

use super::model::{End, Impairment, Node, Place, Route};
use super::workers::Run;
use crate::netlink::address::Use;
use crate::netlink::netem;
use crate::netlink::route;
use crate::netlink::{Address, Batch, Refusal, Socket, address, link};
use crate::netns::{Netns, named, sysctl};

/// The loopback device of every namespace.
const LOOPBACK: i32 = 1;

/// The ways in which a request fails that asks for what is so already.
pub const IS_SO: &[Errno] = &[
    Errno::EEXIST,
    Errno::ENOENT,
    Errno::ENODEV,
    Errno::EADDRNOTAVAIL,
    Errno::ESRCH,
];

/// A node, and what it was before, if it was.
pub struct Task<'a> {
    pub node: &'a Node,
    pub old: Option<&'a Node>,
    pub ends: Vec<EndTask<'a>>,
}

impl Node {
    /// Whether it can still have an address that it had: those of IPv6 go with that.
    fn has(&self, address: &Address) -> bool {
        self.ipv6 || address.ip.is_ipv4()
    }
}

/// A device of the node.
pub struct EndTask<'a> {
    pub end: &'a End,
    pub old: Option<&'a End>,
    /// Its link's, and what that was.
    pub mtu: Option<u32>,
    pub old_mtu: Option<u32>,
    /// Its number, if it has just been made.
    pub index: Option<i32>,
}

impl Task<'_> {
    /// There is nothing to do in the node.
    pub fn is_done(&self) -> bool {
        self.old == Some(self.node)
            && (self.ends.iter()).all(|end| end.old == Some(end.end) && end.mtu == end.old_mtu)
    }

    /// Does all but the routes: devices have what they were to have, and are up.
    pub fn settle(&self, run: &Run) -> Result<()> {
        let netns = named::open(&self.node.netns)?;
        let settled = netns.inside(|| {
            let mut socket = Socket::route()?;
            let indexes = self.indexes(&mut socket)?;
            self.keep_addresses_out(&mut socket, &indexes)?;
            self.set_sysctls(run)?;
            let mut batch = Batch::default();
            self.loopback(&mut batch)?;
            for (end, index) in self.ends.iter().zip(&indexes) {
                end.settle(&mut batch, self.node, *index)?;
            }
            run.transact(&mut socket, batch)?;
            let mut ends = self.ends.iter().zip(indexes);
            ends.try_for_each(|(end, index)| end.generate(&mut socket, self.node, index))
        });
        settled.with_context(|| format!("cannot set up node {}", self.node.name))
    }

    fn indexes(&self, socket: &mut Socket) -> Result<Vec<i32>> {
        let known = self.ends.iter().map(|end| end.index).collect();
        if let Some(known) = known {
            return Ok(known);
        }
        let links = link::all(socket)?.into_iter();
        let found: HashMap<String, i32> = links.map(|link| (link.name, link.index)).collect();
        let index = |end: &EndTask| {
            let name = &end.end.device.name;
            let found = found.get(name.as_str()).copied();
            (end.index.or(found)).with_context(|| format!("{} is gone", end.end.place()))
        };
        self.ends.iter().map(index).collect()
    }

    /// Before IPv6 is let in, where it was not, and before devices are up.
    fn keep_addresses_out(&self, socket: &mut Socket, indexes: &[i32]) -> Result<()> {
        let mut batch = Batch::default();
        if !self.node.ipv6 {
            return Ok(());
        }
        for (end, index) in self.ends.iter().zip(indexes) {
            let was_kept_out = end.old.is_some_and(|old| !old.link_local);
            let was_without = self.old.is_some_and(|old| !old.ipv6);
            if !end.end.link_local && (!was_kept_out || was_without) {
                let place = end.end.place();
                let what = format!("cannot keep IPv6 from giving {place} an address");
                link::no_generated_address(&mut batch, what, *index)?;
            }
        }
        socket.transact(&batch).map(drop)
    }

    fn set_sysctls(&self, run: &Run) -> Result<()> {
        if let Some(old) = self.old {
            self.change_ipv6(old)?;
            for name in old.sysctls.keys() {
                if !self.node.sysctls.contains_key(name) {
                    // What it was there before anybody set it, it is in a new namespace.
                    let usual = Netns::create(|_| sysctl::read(&for_new_devices(name)))?;
                    sysctl::write(name, &usual)?;
                }
            }
        }
        for (name, value) in &self.node.sysctls {
            if self.old.and_then(|old| old.sysctls.get(name)) == Some(value) && !run.undoes {
                continue;
            }
            sysctl::write(name, value)?;
        }
        Ok(())
    }

    fn change_ipv6(&self, old: &Node) -> Result<()> {
        let node = self.node;
        if node.dad != old.dad && node.ipv6 {
            let value = if node.dad { "1" } else { "0" };
            sysctl::write(sysctl::IPV6_DAD, value)?;
            for end in &self.ends {
                let device = &end.end.device.name;
                sysctl::write(&format!("net/ipv6/conf/{device}/accept_dad"), value)?;
            }
        }
        if node.ipv6 != old.ipv6 {
            sysctl::write(sysctl::IPV6_OFF, if node.ipv6 { "0" } else { "1" })?;
        }
        Ok(())
    }

    fn loopback(&self, batch: &mut Batch) -> Result<()> {
        let old = self.old.map_or(&[][..], |old| &old.loopback);
        let new = &self.node.loopback;
        let gone = old.iter().filter(|address| !new.contains(address));
        for gone in gone.filter(|address| self.node.has(address)) {
            let what = format!("cannot take {gone} from lo");
            address::remove(batch, what, LOOPBACK, gone)?;
        }
        for added in new.iter().filter(|address| !old.contains(address)) {
            let what = format!("cannot give lo {added}");
            address::add(batch, what, LOOPBACK, added, Use::AtOnce)?;
        }
        Ok(())
    }

    /// Adds and removes routes; to be called when the devices' links carry. Those
    /// that went with an address or a device come back.
    pub fn route(&self, run: &Run) -> Result<()> {
        let old = self.old.map_or(&[][..], |old| &old.routes);
        let new = &self.node.routes;
        if old.is_empty() && new.is_empty() {
            return Ok(());
        }
        let routed = named::open(&self.node.netns)?.inside(|| {
            let mut socket = Socket::route()?;
            let links = link::all(&mut socket)?.into_iter();
            let devices = links.map(|link| (link.name, link.index)).collect();
            for gone in old.iter().filter(|route| !new.contains(route)) {
                // It may have gone with its device or address.
                let mut batch = Batch::default();
                let what = format!("cannot remove route {gone}");
                match find(gone, &devices) {
                    Ok(route) => route::remove(&mut batch, what, &route)?,
                    Err(_) => continue,
                }
                batch.tolerate(IS_SO);
                socket.transact(&batch)?;
            }
            let mut batch = Batch::default();
            for route in new {
                let what = format!("cannot add route {route}");
                route::add(&mut batch, what, &find(route, &devices)?)?;
                if old.contains(route) || run.undoes {
                    batch.tolerate(&[Errno::EEXIST]);
                }
            }
            socket.transact(&batch).map(drop)
        });
        routed.with_context(|| format!("cannot set up node {}", self.node.name))
    }
}

fn find(route: &Route, devices: &HashMap<String, i32>) -> Result<route::Route> {
    let device = route.device.as_ref().map(|device| {
        let index = devices.get(device.as_str()).copied();
        index.with_context(|| format!("there is no device {device}"))
    });
    Ok(route::Route {
        destination: (route.to.network(), route.to.prefix_len()),
        gateway: route.via,
        device: device.transpose()?,
        metric: route.metric,
    })
}

/// The name of the setting that new devices begin with, of one that is a device's.
pub fn for_new_devices(name: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    if let ["net", "ipv4" | "ipv6", "conf" | "neigh", device, _] = &mut parts[..] {
        *device = "default";
    }
    parts.join("/")
}

impl EndTask<'_> {
    fn settle(&self, batch: &mut Batch, node: &Node, index: i32) -> Result<()> {
        let (end, place) = (self.end, self.end.place());
        let is_new = self.old.is_none();
        let was = self.old;
        if let (true, Some(name)) = (is_new, &end.device.altname) {
            link::add_name(batch, format!("cannot name {place} {name}"), index, name)?;
        }
        let mac = end
            .mac
            .filter(|_| was.is_some_and(|old| old.mac != end.mac));
        let mtu = self.mtu.or(Some(link::USUAL_MTU));
        let mtu = mtu.filter(|_| !is_new && self.mtu != self.old_mtu);
        if mac.is_some() || mtu.is_some() {
            let what = format!("cannot change the address or MTU of {place}");
            link::set(batch, what, index, mac, mtu)?;
        }
        let before = was.map_or(&[][..], |old| &old.addresses);
        let gone = before.iter();
        let gone = gone.filter(|address| !end.addresses.contains(address));
        for gone in gone.filter(|address| node.has(address)) {
            let what = format!("cannot take {gone} from {place}");
            address::remove(batch, what, index, gone)?;
        }
        for added in end
            .addresses
            .iter()
            .filter(|address| !before.contains(address))
        {
            let what = format!("cannot give {place} the address {added}");
            let when = match node.dad {
                true => Use::AfterTrial,
                false => Use::AtOnce,
            };
            address::add(batch, what, index, added, when)?;
        }
        let impairment = was.and_then(|old| old.impairment.as_ref());
        if impairment != end.impairment.as_ref() {
            impair(batch, place, index, end.impairment.as_ref())?;
        }
        if is_new {
            link::up(batch, format!("cannot bring up {place}"), index)?;
        }
        Ok(())
    }

    /// Lets IPv6 give a device that is up an address, or takes that away.
    fn generate(&self, socket: &mut Socket, node: &Node, index: i32) -> Result<()> {
        let generates = self.end.link_local;
        if !node.ipv6 || self.old.is_none_or(|old| old.link_local == generates) {
            return Ok(());
        }
        // The file, unlike a message, also does it, and not only when the device is
        // brought up again.
        let name = format!("net/ipv6/conf/{}/addr_gen_mode", self.end.device.name);
        sysctl::write(&name, if generates { "0" } else { "1" })?;
        if generates {
            return Ok(());
        }
        let mut batch = Batch::default();
        for (device, ip, _) in address::trials(socket)? {
            if device == index && is_link_local(ip) {
                let what = format!("cannot take {ip} from {}", self.end.place());
                address::remove(&mut batch, what, index, &Address { ip, prefix: 64 })?;
            }
        }
        socket.transact(&batch).map(drop)
    }
}

/// Lets netem do to a device what `new` says, whatever it does now.
pub fn impair(batch: &mut Batch, place: Place, index: i32, new: Option<&Impairment>) -> Result<()> {
    match new {
        Some(new) => {
            let what = format!("cannot impair {place}");
            netem::set(batch, what, index, &new.netem())
        }
        None => netem::remove(batch, format!("cannot let {place} be"), index),
    }
}

impl Run<'_> {
    /// Sends a batch. Where another run is taken back, it may ask for what is so
    /// already.
    pub fn transact(&self, socket: &mut Socket, mut batch: Batch) -> Result<()> {
        if self.undoes {
            batch.tolerate_everywhere(IS_SO);
        }
        socket.transact(&batch).map(drop)
    }
}

/// Whether the refusal says that it is so already.
pub fn is_so(error: &anyhow::Error) -> bool {
    IS_SO.iter().any(|errno| Refusal::is(error, *errno))
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.segments()[0] & 0xffc0 == 0xfe80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_devices_setting_begins_as_the_namespaces() {
        for (name, begins) in [
            ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
            (
                "net/ipv4/conf/eth0.1/rp_filter",
                "net/ipv4/conf/default/rp_filter",
            ),
            (
                "net/ipv6/neigh/eth0/retrans_time_ms",
                "net/ipv6/neigh/default/retrans_time_ms",
            ),
        ] {
            assert_eq!(for_new_devices(name), begins);
        }
    }
}
