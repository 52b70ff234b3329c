// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the machine has to have, and must not have, before a lab is made on it.

use std::collections::HashSet;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::socket::UnixAddr;

use super::apply::{COUNTING, Passage};
use super::inside::for_new_devices;
use super::model::{Device, End, Kind, Lab, Node, Place, Port};
use super::ports;
use crate::netlink::pernet::{Family, Wanted};
use crate::netlink::{Socket, bridge, link, netem};
use crate::netns::{Netns, sysctl};
use crate::node::files::Files;
use crate::node::life;
use crate::node::registry::Registry;

/// Looks at everything that could be in the way; changes nothing.
pub fn all(registry: &Registry, passage: &Passage) -> Result<()> {
    let plan = &passage.plan;
    let freed: HashSet<_> = plan.nodes.removed.iter().map(|node| &node.netns).collect();
    for node in &plan.nodes.added {
        if !freed.contains(&node.netns) {
            life::look_free(registry, &node.netns)
                .with_context(|| format!("cannot make node {}", node.name))?;
        }
        control_fits(registry, node)?;
    }
    devices_are_free(passage)?;
    ports_are_ours(registry, passage)?;
    limits(plan.nodes.added.len())?;
    if let Some(place) = impaired(passage.new) {
        kernel_has_netem(&place)?;
    }
    kernel_filters_vlans(passage.new)?;
    sysctls_exist(passage.new)?;
    module_is_there(passage.new)
}

/// The kernel's limit for a socket's path.
fn control_fits(registry: &Registry, node: &Node) -> Result<()> {
    let control = Files::of(registry, &node.netns).control;
    ensure!(
        node.kind == Kind::NetOnly || UnixAddr::new(&control).is_ok(),
        "node {} would have its control channel at {}, which is too long for a socket; choose a shorter name",
        node.name,
        control.display()
    );
    Ok(())
}

fn devices_are_free(passage: &Passage) -> Result<()> {
    let plan = &passage.plan;
    let added = (plan.bridges.added.iter().map(|bridge| &bridge.device)).chain(
        plan.links
            .added
            .iter()
            .flat_map(|link| link.ports())
            .map(|port| &port.device),
    );
    let removed = (plan.bridges.removed.iter().map(|bridge| &bridge.device)).chain(
        plan.links
            .removed
            .iter()
            .flat_map(|link| link.ports())
            .map(|port| &port.device),
    );
    let freed: HashSet<&str> = removed.flat_map(names).collect();
    let mut added = added.peekable();
    if added.peek().is_none() {
        return Ok(());
    }
    let links = link::all(&mut Socket::route()?)?;
    let taken = links
        .iter()
        .flat_map(|link| link.altnames.iter().chain([&link.name]));
    let taken: HashSet<&str> = taken.map(String::as_str).collect();
    for name in added.flat_map(names) {
        ensure!(
            freed.contains(name) || !taken.contains(name),
            "there is a device {name} here already, which the lab is to have; `ip link del {name}` deletes it, if it is not needed"
        );
    }
    Ok(())
}

/// Of links that are to be removed: when that is done, nothing is taken back any more.
fn ports_are_ours(registry: &Registry, passage: &Passage) -> Result<()> {
    let mut socket = Socket::route()?;
    for link in passage.links_removed_alone() {
        ports::find_port(registry, &mut socket, passage.old, link)?;
    }
    Ok(())
}

fn names(device: &Device) -> impl Iterator<Item = &str> {
    [Some(device.name.as_str()), device.altname.as_deref()]
        .into_iter()
        .flatten()
}

/// What the machine's administrator allows.
fn limits(nodes: usize) -> Result<()> {
    for name in ["user/max_net_namespaces", "user/max_mnt_namespaces"] {
        let most: Option<usize> = sysctl::read(name).ok().and_then(|most| most.parse().ok());
        if let Some(most) = most.filter(|most| *most < nodes) {
            bail!(
                "the lab has {nodes} nodes to be made, and sysctl {name} allows {most}; `echo {} > /proc/sys/{name}` allows them",
                nodes * 2
            );
        }
    }
    let processes = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
    if let Some(most) = processes
        .trim()
        .parse()
        .ok()
        .filter(|most: &usize| *most < nodes)
    {
        bail!(
            "the lab has {nodes} nodes to be made, and sysctl kernel/pid_max allows {most} processes"
        );
    }
    Ok(())
}

/// An end that is impaired, if any is.
fn impaired(lab: &Lab) -> Option<Place<'_>> {
    let mut places = lab.links.iter().flat_map(|link| {
        let ends = link.node_ends().filter(|end| end.impairment.is_some());
        let ports = link.ports().filter(|port| port.impairment.is_some());
        ends.map(End::place).chain(ports.map(Port::place))
    });
    places.next()
}

/// It is tried out in a namespace that is gone afterwards.
pub fn kernel_has_netem(place: &Place) -> Result<()> {
    let there = Netns::create(|_| netem::is_there(&mut Socket::route()?))?;
    ensure!(
        there,
        "{place} is to be impaired, and this kernel has no netem (CONFIG_NET_SCH_NETEM, module sch_netem)"
    );
    Ok(())
}

fn kernel_filters_vlans(lab: &Lab) -> Result<()> {
    let mut bridges = lab.bridges.iter();
    let Some(bridge) = bridges.find(|bridge| bridge.vlan_filtering) else {
        return Ok(());
    };
    let can = Netns::create(|_| bridge::can_filter(&mut Socket::route()?))?;
    ensure!(
        can,
        "bridge {} is to filter VLANs, and this kernel's cannot (CONFIG_BRIDGE_VLAN_FILTERING)",
        bridge.name
    );
    Ok(())
}

fn sysctls_exist(lab: &Lab) -> Result<()> {
    let mut named: Vec<(String, &Node)> = Vec::new();
    for node in &lab.nodes {
        named.extend(
            node.sysctls
                .keys()
                .map(|name| (for_new_devices(name), node)),
        );
    }
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    named.dedup_by(|(a, _), (b, _)| a == b);
    if named.is_empty() {
        return Ok(());
    }
    Netns::create(|_| {
        for (name, node) in &named {
            ensure!(
                sysctl::exists(name),
                "node {} sets sysctl {name}, and a network namespace has no such setting",
                node.name
            );
        }
        Ok(())
    })
}

fn module_is_there(lab: &Lab) -> Result<()> {
    let mut nodes = lab.nodes.iter();
    if nodes.any(|node| node.counting != Wanted::default()) {
        Family::require().context(COUNTING)?;
    }
    Ok(())
}
