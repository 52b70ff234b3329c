// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bridges and their ports, in the namespace that pernet runs in.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::inside::{impair, is_so};
use super::model::{Bridge, Lab, Link, Port};
use super::plan::Plan;
use super::wires::Wired;
use super::workers::Run;
use crate::netlink::bridge::{self, Settings, Vlan};
use crate::netlink::{Batch, Socket, link};
use crate::netns::own_cookie;
use crate::node::bridge::{Request, delete_ours, find_ours, make, set_up};
use crate::node::links;
use crate::node::registry::Registry;

/// The VLAN that every port is in at first.
const FIRST_VLAN: u16 = 1;

impl Bridge {
    fn settings(&self) -> Settings {
        Settings {
            stp: self.stp,
            forward_delay: self.forward_delay,
            vlan_filtering: self.vlan_filtering,
            multicast_snooping: self.multicast_snooping,
        }
    }
}

/// Makes the bridges that are to be made, down; returns the indexes of all that
/// there are then, by their names in the lab.
pub fn make_bridges<'a>(
    run: &Run,
    registry: &Registry,
    socket: &mut Socket,
    plan: &Plan<'a>,
) -> Result<BTreeMap<&'a str, i32>> {
    let mut indexes = BTreeMap::new();
    for (old, bridge) in plan.bridges.after() {
        let there = match old.is_some() || run.undoes {
            true => find_ours(registry, socket, &bridge.device.name)?,
            false => None,
        };
        let index = match there {
            Some(link) => link.index,
            None => {
                run.check()?;
                make_bridge(registry, socket, bridge)?
            }
        };
        indexes.insert(&*bridge.name, index);
    }
    Ok(indexes)
}

fn make_bridge(registry: &Registry, socket: &mut Socket, bridge: &Bridge) -> Result<i32> {
    let request = Request {
        name: &bridge.device.name,
        mtu: bridge.mtu,
        settings: bridge.settings(),
    };
    let (index, _) = make(registry, socket, &request)?;
    if let Some(name) = &bridge.device.altname {
        let mut batch = Batch::default();
        let what = format!("cannot name bridge {} {name}", bridge.name);
        link::add_name(&mut batch, what, index, name)?;
        socket.transact(&batch)?;
    }
    Ok(index)
}

/// Brings up bridges that were made, and changes those that are different.
pub fn finish_bridges(
    run: &Run,
    socket: &mut Socket,
    plan: &Plan,
    indexes: &BTreeMap<&str, i32>,
) -> Result<()> {
    let mut batch = Batch::default();
    for (old, bridge) in &plan.bridges.changed {
        let index = indexes
            .get(&*bridge.name)
            .context("a bridge has no number")?;
        let what = format!("cannot change bridge {}", bridge.name);
        bridge::set(&mut batch, &what, *index, old.settings(), bridge.settings())?;
        if old.mtu != bridge.mtu {
            let mtu = bridge.mtu.or(Some(link::USUAL_MTU));
            link::set(&mut batch, what, *index, None, mtu)?;
        }
    }
    run.transact(socket, batch)?;
    for bridge in &plan.bridges.added {
        run.check()?;
        let index = indexes
            .get(&*bridge.name)
            .context("a bridge has no number")?;
        set_up(socket, &bridge.device.name, *index)?;
    }
    Ok(())
}

/// The ports of links that were made, with their indexes.
pub fn of<'a>(wired: &'a Wired) -> impl Iterator<Item = (&'a Port, i32)> {
    let places = wired.link.places();
    wired.link.ports().filter_map(move |port| {
        let place = places.iter().position(|place| *place == port.place());
        Some((port, wired.indexes[place?]))
    })
}

/// Lets ports that were made take part in their VLANs, and brings them up.
pub fn finish_ports(socket: &mut Socket, wired: &[Wired]) -> Result<()> {
    let mut batch = Batch::default();
    for (port, index) in wired.iter().flat_map(of) {
        let name = &port.device.name;
        if let Some(altname) = &port.device.altname {
            let what = format!("cannot name port {name} {altname}");
            link::add_name(&mut batch, what, index, altname)?;
        }
        vlans(&mut batch, index, None, port)?;
        if port.impairment.is_some() {
            impair(&mut batch, port.place(), index, port.impairment.as_ref())?;
        }
        let what = format!("cannot keep IPv6 from giving port {name} an address");
        link::no_generated_address(&mut batch, what, index)?;
        link::up(&mut batch, format!("cannot bring up port {name}"), index)?;
    }
    socket.transact(&batch).map(drop)
}

/// Changes ports of links that stay.
pub fn change_ports(run: &Run, socket: &mut Socket, plan: &Plan) -> Result<()> {
    for (old_link, link) in &plan.links.changed {
        for new in link.ports() {
            let Some(old) = old_link.counterport(new) else {
                continue;
            };
            if old == new && old_link.mtu == link.mtu {
                continue;
            }
            let name = &new.device.name;
            let found = link::find(socket, name)?;
            let index = found.with_context(|| format!("port {name} is gone"))?.index;
            let mut batch = Batch::default();
            vlans(&mut batch, index, Some(old), new)?;
            if old.impairment != new.impairment {
                impair(&mut batch, new.place(), index, new.impairment.as_ref())?;
            }
            if old_link.mtu != link.mtu {
                let mtu = link.mtu.or(Some(link::USUAL_MTU));
                let what = format!("cannot change the MTU of {name}");
                link::set(&mut batch, what, index, None, mtu)?;
            }
            run.transact(socket, batch)?;
        }
    }
    Ok(())
}

fn vlans(batch: &mut Batch, index: i32, old: Option<&Port>, new: &Port) -> Result<()> {
    let name = &new.device.name;
    let untagged = |port: &Port| port.vlan.unwrap_or(FIRST_VLAN);
    let tagged = |port: Option<&Port>| port.map_or(Vec::new(), |port| port.tagged.clone());
    let what = format!("cannot change the VLANs of port {name}");
    let (pvid_before, pvid) = (old.map_or(FIRST_VLAN, untagged), untagged(new));
    let (before, after) = (tagged(old), tagged(Some(new)));
    // First out, then in: the VLAN that was tagged may be the one that no longer is.
    for gone in before.iter().filter(|vlan| !after.contains(vlan)) {
        bridge::leave(batch, &what, index, Vlan::Tagged(*gone))?;
    }
    if pvid_before != pvid {
        bridge::leave(batch, &what, index, Vlan::Untagged(pvid_before))?;
        bridge::join(batch, &what, index, Vlan::Untagged(pvid))?;
    }
    for added in after.iter().filter(|vlan| !before.contains(vlan)) {
        bridge::join(batch, &what, index, Vlan::Tagged(*added))?;
    }
    Ok(())
}

/// The port of a link that is the lab's, if it is there. What has its name must be the
/// lab's still.
pub fn find_port(
    registry: &Registry,
    socket: &mut Socket,
    lab: &Lab,
    link: &Link,
) -> Result<Option<link::Link>> {
    let Some(port) = link.ports().next() else {
        return Ok(None);
    };
    let name = &port.device.name;
    let Some(found) = link::find(socket, name)? else {
        return Ok(None);
    };
    if link.is_trunk() {
        ensure!(
            links::of(registry, own_cookie()?, &found)?.is_some(),
            "device {name} is not the link between bridges that was made; `ip link del {name}` deletes it, if it is not needed"
        );
        return Ok(Some(found));
    }
    ensure!(
        is_port(registry, socket, lab, port, &found)?,
        "device {name} is no longer a port of bridge {}; `ip link del {name}` deletes it, if it is not needed",
        port.bridge
    );
    Ok(Some(found))
}

/// Deletes a link that has a port and is the lab's.
pub fn delete_link(registry: &Registry, socket: &mut Socket, lab: &Lab, link: &Link) -> Result<()> {
    let Some(found) = find_port(registry, socket, lab, link)? else {
        return Ok(());
    };
    if link.is_trunk() {
        return links::delete_ours(registry, socket, own_cookie()?, &found).map(drop);
    }
    let what = format!("cannot delete port {}", found.name);
    match link::delete(socket, what, found.index) {
        Err(error) if is_so(&error) => Ok(()),
        deleted => deleted,
    }
}

/// Whether the device that has the name of a port is a veth at the port's bridge,
/// which is ours.
fn is_port(
    registry: &Registry,
    socket: &mut Socket,
    lab: &Lab,
    port: &Port,
    found: &link::Link,
) -> Result<bool> {
    let bridge = lab.bridges.iter().find(|bridge| bridge.name == port.bridge);
    let bridge = match bridge {
        Some(bridge) => find_ours(registry, socket, &bridge.device.name)?,
        None => None,
    };
    let index = bridge.map(|bridge| bridge.index);
    Ok(found.is("veth") && found.master.is_some() && found.master == index)
}

/// Deletes what a lab has between its bridges, by its record, wherever its ports are
/// now: links that go with no node.
pub fn delete_trunks(registry: &Registry, socket: &mut Socket, lab: &Lab) -> Result<()> {
    let cookie = own_cookie()?;
    let trunks = lab.links.iter().filter(|link| link.is_trunk());
    for port in trunks.flat_map(Link::ports) {
        if let Some(found) = link::find(socket, &port.device.name)? {
            links::delete_ours(registry, socket, cookie, &found)?;
        }
    }
    Ok(())
}

/// Deletes bridges of these names that are ours.
pub fn delete_bridges<'a>(
    registry: &Registry,
    socket: &mut Socket,
    bridges: impl Iterator<Item = &'a Bridge>,
) -> Result<()> {
    for bridge in bridges {
        if let Some(link) = link::find(socket, &bridge.device.name)? {
            delete_ours(registry, socket, &link)?;
        }
    }
    Ok(())
}
