// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pictures of labs: [`svg`], with a layout of its own, and [`mermaid`], which
//! leaves that to who shows it.
//!
//! Both are made of a [`Lab`] and of what was counted in its nodes, if anything;
//! nothing here asks for it. The same lab makes the same picture each time.

mod label;
mod layout;
pub mod mermaid;
pub mod svg;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::file::{write_duration, write_rate};
use super::model::{Device, Ends, Impairment, Lab, Link, Place};
use crate::netlink::Address;

/// What was counted in a node, by its name in the lab.
pub type Counters = HashMap<String, Counts>;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub packets: u64,
    /// Nothing, where drops are not counted.
    pub drops: Option<u64>,
}

/// A node or bridge in a picture.
struct Vertex<'a> {
    name: &'a str,
    bridge: bool,
    /// What stands below the name.
    note: Option<String>,
}

/// A link in a picture.
struct Edge<'a> {
    ends: [EdgeEnd<'a>; 2],
    /// What stands in its middle.
    notes: Vec<String>,
    impaired: bool,
}

struct EdgeEnd<'a> {
    /// Index of the vertex.
    vertex: usize,
    device: &'a Device,
    addresses: &'a [Address],
    /// A port of a bridge, whose name says nothing that is not to be seen.
    port: bool,
}

/// A lab as vertices and edges.
struct Picture<'a> {
    vertices: Vec<Vertex<'a>>,
    edges: Vec<Edge<'a>>,
}

impl<'a> Picture<'a> {
    fn of(lab: &'a Lab, counters: &Counters) -> Self {
        let nodes = lab.nodes.iter().map(|node| Vertex {
            name: node.name.as_str(),
            bridge: false,
            note: counters
                .get(node.name.as_str())
                .map(|counts| counted(*counts)),
        });
        let bridges = lab.bridges.iter().map(|bridge| Vertex {
            name: &bridge.name,
            bridge: true,
            note: (bridge.stp || bridge.vlan_filtering).then(|| {
                let words = [(bridge.stp, "STP"), (bridge.vlan_filtering, "VLANs")];
                let words = words.iter().filter(|(on, _)| *on).map(|(_, word)| *word);
                words.collect::<Vec<_>>().join(", ")
            }),
        });
        let vertices: Vec<_> = nodes.chain(bridges).collect();
        let known: HashMap<&str, usize> = (vertices.iter().enumerate())
            .map(|(index, vertex)| (vertex.name, index))
            .collect();
        let edges = lab
            .links
            .iter()
            .filter_map(|link| edge(link, &known))
            .collect();
        Picture { vertices, edges }
    }
}

fn edge<'a>(link: &'a Link, known: &HashMap<&str, usize>) -> Option<Edge<'a>> {
    let node = |end: &'a super::model::End| {
        Some(EdgeEnd {
            vertex: *known.get(end.node.as_str())?,
            device: &end.device,
            addresses: &end.addresses,
            port: false,
        })
    };
    let bridge = |port: &'a super::model::Port| {
        Some(EdgeEnd {
            vertex: *known.get(&*port.bridge)?,
            device: &port.device,
            addresses: &[],
            port: true,
        })
    };
    let (ends, impairments) = match &link.ends {
        Ends::PointToPoint([a, b]) => ([node(a)?, node(b)?], [&a.impairment, &b.impairment]),
        Ends::Bridged { end, port } => (
            [node(end)?, bridge(port)?],
            [&end.impairment, &port.impairment],
        ),
        Ends::Trunk([a, b]) => ([bridge(a)?, bridge(b)?], [&a.impairment, &b.impairment]),
    };
    let mut notes: Vec<String> = match impairments {
        [Some(a), Some(b)] if a == b => impaired(a),
        both => {
            let both = both.into_iter().zip(link.places());
            let of_end = |(impairment, place): (&Option<Impairment>, Place)| {
                let words = impaired(impairment.as_ref()?).join(", ");
                Some(format!("from {}: {words}", place.owner))
            };
            both.filter_map(of_end).collect()
        }
    };
    let is_impaired = !notes.is_empty();
    notes.extend(link.mtu.map(|mtu| format!("MTU {mtu}")));
    Some(Edge {
        ends,
        notes,
        impaired: is_impaired,
    })
}

impl EdgeEnd<'_> {
    /// What stands beside it: the device's name, and each address.
    fn lines(&self) -> Vec<String> {
        if self.port {
            return Vec::new();
        }
        let addresses = self.addresses.iter().map(ToString::to_string);
        std::iter::once(self.device.logical.clone())
            .chain(addresses)
            .collect()
    }
}

fn counted(counts: Counts) -> String {
    let packets = format!("{} packets", short(counts.packets));
    match counts.drops {
        Some(drops) => format!("{packets}, {} dropped", short(drops)),
        None => packets,
    }
}

/// With three digits and a unit, where a number is long.
fn short(number: u64) -> String {
    const UNITS: &[(u64, &str)] = &[(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    match UNITS.iter().find(|(unit, _)| number >= unit * 10) {
        Some((unit, name)) => format!("{}{name}", number / unit),
        None => number.to_string(),
    }
}

/// In the file's own words: how slow it is, and then what becomes of packets.
fn impaired(impairment: &Impairment) -> Vec<String> {
    let mut speed = Vec::new();
    if !impairment.delay.is_zero() {
        let delay = write_duration(impairment.delay);
        speed.push(match impairment.jitter.is_zero() {
            true => delay,
            false => format!("{delay}±{}", write_duration(impairment.jitter)),
        });
    }
    speed.extend(impairment.rate.map(write_rate));
    let shares = [
        (impairment.loss, "lost"),
        (impairment.duplicate, "twice"),
        (impairment.reorder, "reordered"),
    ];
    let shares = shares.iter().filter(|(share, _)| share.0 > 0);
    let fate: Vec<_> = shares
        .map(|(share, word)| format!("{share} {word}"))
        .collect();
    let lines = [speed, fate].into_iter().filter(|words| !words.is_empty());
    lines.map(|words| words.join(", ")).collect()
}
