// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is there of a lab that was made: others may have taken parts away.

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use super::model::{Lab, Link, Node};
use crate::netlink::{Socket, link};
use crate::node::bridge::find_ours;
use crate::node::life::Node as Living;
use crate::node::registry::Registry;

/// The part of a lab that is there.
pub fn of(registry: &Registry, lab: &Lab) -> Result<Lab> {
    let mut present = lab.clone();
    let mut socket = Socket::route()?;
    let mut inside: HashMap<&str, HashSet<String>> = HashMap::new();
    for node in &lab.nodes {
        let living = Living::find(registry, &node.netns)?;
        if let Some(netns) = living.and_then(|living| living.named) {
            let devices = netns.inside(|| link::all(&mut Socket::route()?))?;
            let names = devices.into_iter().map(|link| link.name).collect();
            inside.insert(node.name.as_str(), names);
        }
    }
    present
        .nodes
        .retain(|node| inside.contains_key(node.name.as_str()));
    let mut bridges = HashSet::new();
    for bridge in &lab.bridges {
        if find_ours(registry, &mut socket, &bridge.device.name)?.is_some() {
            bridges.insert(&*bridge.name);
        }
    }
    present
        .bridges
        .retain(|bridge| bridges.contains(&*bridge.name));
    let here: HashSet<String> = (link::all(&mut socket)?.into_iter())
        .map(|link| link.name)
        .collect();
    let is_there = |link: &Link| {
        let in_node = |node: &str, device: &str| {
            inside
                .get(node)
                .is_some_and(|devices| devices.contains(device))
        };
        let mut ends = link.node_ends();
        let mut ports = link.ports();
        ends.all(|end| in_node(end.node.as_str(), end.device.name.as_str()))
            && ports.all(|port| {
                bridges.contains(&*port.bridge) && here.contains(port.device.name.as_str())
            })
    };
    present.links.retain(is_there);
    Ok(present)
}

/// How the nodes of a lab are, in a word each, in its order: running, stopped, present
/// or gone.
pub fn states(lab: &Lab) -> Result<Vec<&'static str>> {
    let registry = Registry::look()?;
    let state = |node: &Node| {
        let living = Living::find(&registry, &node.netns)?;
        Ok(living.map_or("gone", |living| living.state()))
    };
    lab.nodes.iter().map(state).collect()
}
