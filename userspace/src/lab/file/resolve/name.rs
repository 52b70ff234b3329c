// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names: whose a link's ends are, and what devices are called.

use std::collections::{HashMap, HashSet};

use super::super::draft::Draft;
use super::super::problem::Report;
use super::subject;
use crate::lab::model::{Device, Lab};

/// A node or a bridge, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    Node(usize),
    Bridge(usize),
}

/// Finds whose each end is. Links with an end that is nobody's leave the draft.
pub fn owners(draft: &mut Draft, report: &Report) -> Vec<[Owner; 2]> {
    let mut known = HashMap::new();
    let nodes = draft.nodes.iter().enumerate();
    let nodes =
        nodes.map(|(index, node)| (node.name.value.as_str(), node.name.at, Owner::Node(index)));
    let bridges = draft.bridges.iter().enumerate();
    let bridges =
        bridges.map(|(index, bridge)| (&*bridge.name.value, bridge.name.at, Owner::Bridge(index)));
    for (name, at, owner) in nodes.chain(bridges) {
        if let Some((_, first)) = known.insert(name, (owner, at)) {
            let (at, first) = (at.max(first), at.min(first));
            let line = report.line(first);
            let what = format!("there is a node or bridge `{name}` already, of line {line}");
            report.add(at, what);
        }
    }
    let mut owners = Vec::with_capacity(draft.links.len());
    let found: Vec<bool> = (draft.links.iter())
        .map(|link| {
            let ends = link.ends.each_ref().map(|end| {
                let owner = known.get(&*end.owner.value).map(|(owner, _)| *owner);
                if owner.is_none() {
                    let name = &end.owner.value;
                    let meant = report.suggestion(name, known.keys().copied());
                    let what = format!(
                        "{}there is no node or bridge `{name}`{meant}",
                        subject(link)
                    );
                    report.add(end.owner.at, what);
                }
                let is_bridge = owner.map(|owner| matches!(owner, Owner::Bridge(_)));
                if is_bridge.is_some() && end.bridge.is_some() && is_bridge != end.bridge {
                    let (is, said) = match is_bridge {
                        Some(true) => ("bridge", "node"),
                        _ => ("node", "bridge"),
                    };
                    let name = &end.owner.value;
                    let what = format!("{}`{name}` is a {is}, not a {said}", subject(link));
                    report.add(end.owner.at, what);
                }
                owner
            });
            match ends {
                [Some(a), Some(b)] => owners.push([a, b]),
                _ => return false,
            }
            true
        })
        .collect();
    let mut found = found.into_iter();
    draft.links.retain(|_| found.next().unwrap_or(false));
    owners
}

/// Names the devices that have no name in the file: in nodes eth0, eth1, …, and
/// ports after what they lead to.
pub fn devices(draft: &Draft, owners: &[[Owner; 2]], report: &Report) -> Vec<[String; 2]> {
    let mut taken = written(draft, owners, report);
    let mut next: HashMap<Owner, usize> = HashMap::new();
    let mut devices = Vec::with_capacity(owners.len());
    for (link, owners) in draft.links.iter().zip(owners) {
        let mut names = link
            .ends
            .each_ref()
            .map(|end| end.device.as_ref().map(|device| &device.value).cloned());
        for end in [0, 1] {
            if names[end].is_none() && matches!(owners[end], Owner::Node(_)) {
                let number = next.entry(owners[end]).or_default();
                let name = (*number..).map(|number| format!("eth{number}"));
                let free = name
                    .enumerate()
                    .find(|(_, name)| !taken.contains(&(Some(owners[end]), name.clone())));
                if let Some((skipped, name)) = free {
                    *number += skipped + 1;
                    names[end] = Some(name);
                }
            }
        }
        for end in [0, 1] {
            if names[end].is_some() {
                continue;
            }
            let this = &link.ends[end].owner.value;
            let other = &link.ends[1 - end].owner.value;
            let name = match (&owners[1 - end], &names[1 - end]) {
                (Owner::Node(_), Some(device)) => format!("{other}.{device}"),
                _ => format!("{this}.{other}"),
            };
            let numbered = (2..).map(|number| format!("{name}.{number}"));
            let mut candidates = std::iter::once(name.clone()).chain(numbered);
            names[end] = candidates.find(|name| taken.insert((None, name.clone())));
        }
        devices.push(names.map(Option::unwrap_or_default));
    }
    devices
}

/// The names that are in the file, by the node they are in; ports of bridges are
/// all in one place.
fn written(
    draft: &Draft,
    owners: &[[Owner; 2]],
    report: &Report,
) -> HashSet<(Option<Owner>, String)> {
    let mut first = HashMap::new();
    for (link, owners) in draft.links.iter().zip(owners) {
        for (end, owner) in link.ends.iter().zip(owners) {
            let Some(device) = &end.device else { continue };
            let node = matches!(owner, Owner::Node(_)).then_some(*owner);
            if node.is_some() && device.value == "lo" {
                report.add(
                    device.at,
                    format!("{}a node has a device `lo` already", subject(link)),
                );
            }
            if let Some(at) = first.insert((node, device.value.clone()), device.at) {
                let where_ = match node {
                    Some(_) => format!("in `{}`", end.owner.value),
                    None => "among the ports of bridges".to_owned(),
                };
                let what = format!(
                    "{}there is a device `{}` {where_} already, of line {}",
                    subject(link),
                    device.value,
                    report.line(at)
                );
                report.add(device.at, what);
            }
        }
    }
    first.into_keys().collect()
}

/// Whether the names that the kernel gets, altnames too, are each one device's.
/// Devices of one kind whose names are written alike were found before.
pub fn check_devices(draft: &Draft, lab: &Lab, report: &Report) {
    // By node, and here for ports and bridges; whether it is a bridge.
    let mut names: HashMap<(Option<&str>, &str), (&Device, bool)> = HashMap::new();
    for made in &lab.bridges {
        for name in names_of(&made.device) {
            names.insert((None, name), (&made.device, true));
        }
    }
    for (link, made) in draft.links.iter().zip(&lab.links) {
        let ends = (made.node_ends()).map(|end| (Some(end.node.as_str()), &end.device));
        let ports = made.ports().map(|port| (None, &port.device));
        for (node, device) in ends.chain(ports) {
            for name in names_of(device) {
                let Some((other, bridge)) = names.insert((node, name), (device, false)) else {
                    continue;
                };
                if bridge || other.logical != device.logical {
                    let what = format!(
                        "{}devices `{}` and `{}` would both be called `{name}`; give one another name",
                        subject(link),
                        other.logical,
                        device.logical
                    );
                    report.add(link.at, what);
                }
            }
        }
    }
}

fn names_of(device: &Device) -> impl Iterator<Item = &str> {
    std::iter::once(device.name.as_str()).chain(device.altname.as_deref())
}
