// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a [`Draft`] to a [`Lab`]: how the parts of a file fit together.
//!
//! Each step finds all that is wrong in its subject; a link that leads nowhere is
//! left out of the later ones. Nothing here takes longer than what grows with
//! the size of the lab.

mod address;
mod build;
mod command;
mod name;
mod pool;
mod route;
mod segment;

pub use self::build::USUAL_FORWARD_DELAY;
use self::name::Owner;
use self::segment::Segments;
use super::draft::{self, Draft};
use super::problem::{At, Report};
use crate::lab::model::Lab;
use crate::netlink::Address;
use crate::netns::Name;

/// What is known of the links of a draft: the same index everywhere.
struct Wiring {
    owners: Vec<[Owner; 2]>,
    /// Logical names of the devices.
    devices: Vec<[String; 2]>,
    /// Which network each link is part of.
    segments: Segments,
    /// Addresses of the ends: those that are written, and then those from pools.
    addresses: Vec<[Vec<At<Address>>; 2]>,
    /// The ends that each node has.
    of_nodes: Vec<Vec<EndIndex>>,
}

/// Which link, and which of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EndIndex {
    link: usize,
    end: usize,
}

impl Wiring {
    /// Every end that is in a node, with the node.
    fn node_ends(&self) -> impl Iterator<Item = (EndIndex, usize)> {
        let ends = self.owners.iter().enumerate();
        ends.flat_map(|(link, owners)| {
            let owners = owners.iter().enumerate();
            owners.filter_map(move |(end, owner)| match owner {
                Owner::Node(node) => Some((EndIndex { link, end }, *node)),
                Owner::Bridge(_) => None,
            })
        })
    }

    fn device(&self, end: EndIndex) -> &str {
        &self.devices[end.link][end.end]
    }

    fn addresses(&self, end: EndIndex) -> &[At<Address>] {
        &self.addresses[end.link][end.end]
    }

    fn place(&self, draft: &Draft, end: EndIndex) -> String {
        let owner = &draft.links[end.link].ends[end.end].owner.value;
        format!("{owner}:{}", self.device(end))
    }
}

/// Puts the parts together. The lab is good for something only if nothing was
/// reported.
pub fn lab(mut draft: Draft, name: Name, report: &Report) -> Lab {
    let owners = name::owners(&mut draft, report);
    let devices = name::devices(&draft, &owners, report);
    let segments = segment::of(&draft, &owners, report);
    segment::check_bridges(&draft, &owners, report);
    let mut wiring = Wiring {
        addresses: vec![Default::default(); owners.len()],
        of_nodes: vec![Vec::new(); draft.nodes.len()],
        owners,
        devices,
        segments,
    };
    let ends: Vec<_> = wiring.node_ends().collect();
    for (end, node) in ends {
        wiring.of_nodes[node].push(end);
    }
    pool::take_addresses(&draft, &mut wiring, report);
    address::check(&draft, &wiring, report);
    let lab = build::lab(&draft, &wiring, name, report);
    name::check_devices(&draft, &lab, report);
    lab
}

/// The beginning of a sentence about a link.
fn subject(link: &draft::Link) -> String {
    match link.number {
        Some(number) => format!("link {number}: "),
        None => {
            let [a, b] = link.ends.each_ref().map(|end| &end.owner.value);
            format!("link between `{a}` and `{b}`: ")
        }
    }
}
