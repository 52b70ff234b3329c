// SPDX-License-Identifier: MIT OR Apache-2.0

//! Segments: what is connected without a node in between. A link between nodes
//! is one, and so are bridges that are linked, with all their links.

use super::super::draft::{Draft, End, Link};
use super::super::problem::Report;
use super::name::Owner;
use super::subject;
use crate::lab::model::MAX_PORTS;

/// The kernel's own limits for a forward delay, in seconds, with STP.
const STP_DELAYS: std::ops::RangeInclusive<u32> = 2..=30;

/// The segment of each link.
pub struct Segments {
    pub of_links: Vec<Segment>,
}

/// By number; a bridge's is one of the numbers of its bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    pub number: usize,
    pub bridged: bool,
}

/// Sets that are joined.
struct Sets(Vec<usize>);

impl Sets {
    fn of(count: usize) -> Self {
        Sets((0..count).collect())
    }

    fn root(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    /// Whether they were not in one set before.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a] = b;
        a != b
    }
}

/// Finds the segments, and loops in them.
pub fn of(draft: &Draft, owners: &[[Owner; 2]], report: &Report) -> Segments {
    let count = draft.bridges.len();
    let (mut joined, mut without_stp) = (Sets::of(count), Sets::of(count));
    for (link, owners) in draft.links.iter().zip(owners) {
        let [Owner::Bridge(a), Owner::Bridge(b)] = *owners else {
            continue;
        };
        joined.join(a, b);
        let stp = [a, b]
            .iter()
            .any(|bridge| draft.bridges[*bridge].settings.stp);
        if a == b {
            let what = format!(
                "{}both ends are on bridge `{}`",
                subject(link),
                link.ends[0].owner.value
            );
            report.add(link.ends[1].owner.at, what);
        } else if !stp && !without_stp.join(a, b) {
            let what = format!(
                "{}it closes a loop of bridges, in which packets would go round for ever; set `stp` on one of them",
                subject(link)
            );
            report.add(link.at, what);
        }
    }
    let of_link = |(index, owners): (usize, &[Owner; 2])| {
        let bridge = owners.iter().find_map(|owner| match owner {
            Owner::Bridge(bridge) => Some(*bridge),
            Owner::Node(_) => None,
        });
        Segment {
            number: bridge.map_or(count + index, |bridge| joined.root(bridge)),
            bridged: bridge.is_some(),
        }
    };
    Segments {
        of_links: owners.iter().enumerate().map(of_link).collect(),
    }
}

/// What the kernel demands of bridges and their ports.
pub fn check_bridges(draft: &Draft, owners: &[[Owner; 2]], report: &Report) {
    for bridge in &draft.bridges {
        let settings = &bridge.settings;
        let Some(delay) = settings.forward_delay.filter(|_| settings.stp) else {
            continue;
        };
        if !STP_DELAYS.contains(&delay.value) {
            let what = format!(
                "bridge `{}`: with STP, `forward-delay` is {} to {} seconds, not {}",
                bridge.name.value,
                STP_DELAYS.start(),
                STP_DELAYS.end(),
                delay.value
            );
            report.add(delay.at, what);
        }
    }
    let mut ports = vec![0; draft.bridges.len()];
    for (link, owners) in draft.links.iter().zip(owners) {
        for (end, owner) in link.ends.iter().zip(owners) {
            if let Owner::Bridge(bridge) = *owner {
                ports[bridge] += 1;
                check_port(draft, bridge, link, end, report);
            }
        }
    }
    for (bridge, ports) in draft.bridges.iter().zip(ports) {
        if ports > MAX_PORTS {
            let what = format!(
                "bridge `{}` would have {ports} ports, and the kernel allows {MAX_PORTS}; link several bridges",
                bridge.name.value
            );
            report.add(bridge.name.at, what);
        }
    }
}

/// What is said of an end that turns out to be a bridge's port.
fn check_port(draft: &Draft, bridge: usize, link: &Link, end: &End, report: &Report) {
    let mac = end.mac.map(|mac| mac.at);
    let address = (end.addresses.iter().flatten().next()).map(|address| address.at);
    if let Some(at) = mac.or(address) {
        let what = format!(
            "{}`{}` is a bridge, whose ports have no address of their own",
            subject(link),
            end.owner.value
        );
        report.add(at, what);
    }
    let vlan = end.vlan.iter().chain(&end.tagged).next();
    if let Some(vlan) = vlan.filter(|_| !draft.bridges[bridge].settings.vlan_filtering) {
        let what = format!(
            "{}bridge `{}` looks at no VLAN; set `vlan-filtering` there",
            subject(link),
            end.owner.value
        );
        report.add(vlan.at, what);
    }
    let mut seen = std::collections::HashSet::new();
    for tag in end.vlan.iter().chain(&end.tagged) {
        if !seen.insert(tag.value) {
            report.add(tag.at, format!("{}VLAN {} twice", subject(link), tag.value));
        }
    }
}
