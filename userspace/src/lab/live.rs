// SPDX-License-Identifier: MIT OR Apache-2.0

//! Changing one thing of a lab that runs.

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::geteuid;

use super::check::kernel_has_netem;
use super::model::{Impairment, Kind, Lab, Link, Node, Place};
use super::progress::Progress;
use super::record::LabRecord;
use super::workers::Run;
use super::{commands, inside};
use crate::netlink::{Batch, Socket, link};
use crate::netns::named;
use crate::node::interrupt::Deferred;
use crate::node::registry::{NodeRecord, Registry};
use crate::node::{Process, life};

/// The lab that has a node of this name, its own in the lab or that on the machine.
fn lab_of(registry: &Registry, node: &str) -> Result<LabRecord> {
    let all = registry.labs().all::<LabRecord>()?.into_iter();
    let mut found = all
        .map(|(_, record)| record)
        .filter(|record| record.lab.node(node).is_some());
    let record = found.next();
    let record = record.with_context(|| format!("no lab has a node called {node}"))?;
    if let Some(other) = found.next() {
        bail!(
            "labs {} and {} both have a node called {node}; use its name on the machine, `pernet lab show {}` tells it",
            record.lab.name,
            other.lab.name,
            record.lab.name
        );
    }
    record.check_place()?;
    record.check_up()?;
    Ok(record)
}

/// Ends all that runs in a node of a lab and starts its commands again; its
/// network namespace and links stay.
pub fn restart(name: &str, note: impl Fn(String)) -> Result<()> {
    ensure!(geteuid().is_root(), "only root changes labs");
    let registry = Registry::change()?;
    let mut record = lab_of(&registry, name)?;
    let node = record.lab.node(name).context("a node is missing")?.clone();
    // The record is ours now, while stopping and starting lock the registry.
    record.worker = Some(Process::own()?);
    record.put(&registry)?;
    drop(registry);
    let restarted = restart_node(&mut record, &node, note);
    record.worker = None;
    let recorded = Registry::change().and_then(|registry| record.put(&registry));
    restarted.and(recorded)
}

fn restart_node(record: &mut LabRecord, node: &Node, note: impl Fn(String)) -> Result<()> {
    let commands = record.commands.iter();
    commands::end(commands.filter(|started| started.node == node.name))?;
    record.forget_commands(&[node]);
    if node.kind == Kind::Full {
        life::stop(std::slice::from_ref(&node.netns))?;
        life::start(&node.netns, note)?;
    }
    let signals = Deferred::hold()?;
    let run = Run {
        signals: &signals,
        progress: &Progress::new(),
        undoes: false,
    };
    let queue = (node, node.commands.iter().collect());
    commands::start(&run, [queue].into_iter(), &mut record.commands)
}

/// The end that is called `DEVICE` in node `owner`, or at bridge `owner`: its lab, its
/// link and which of that link's ends it is.
fn find_end(registry: &Registry, owner: &str, device: &str) -> Result<(LabRecord, usize, usize)> {
    let mut found = Vec::new();
    for (_, record) in registry.labs().all::<LabRecord>()? {
        if let Some((link, end)) = record.lab.find_end(owner, device) {
            found.push((record, link, end));
        }
    }
    match &found[..] {
        [] => bail!("no lab has a link at {owner}:{device}; `pernet lab show` lists them"),
        [_] => Ok(found.remove(0)),
        [(a, ..), (b, ..), ..] => bail!(
            "labs {} and {} both have a link at {owner}:{device}; use the name of {owner} on the machine",
            a.lab.name,
            b.lab.name
        ),
    }
}

impl Lab {
    fn find_end(&self, owner: &str, device: &str) -> Option<(usize, usize)> {
        let ends = self.links.iter().enumerate().flat_map(|(number, link)| {
            let places = link.places().into_iter().zip(link.devices()).enumerate();
            places.map(move |(end, (place, names))| (number, end, place, names))
        });
        let mut ends = ends.filter(|(_, _, place, names)| {
            let is_it = place.device == device || names.name.as_str() == device;
            is_it && self.owns(owner, *place)
        });
        ends.next().map(|(link, end, ..)| (link, end))
    }

    /// Whether `owner` is what a place belongs to, by its name in the lab or on the
    /// machine.
    fn owns(&self, owner: &str, place: Place) -> bool {
        let node = self
            .node(owner)
            .is_some_and(|node| node.name.as_str() == place.owner);
        let mut bridges = self.bridges.iter();
        node || place.owner == owner
            || bridges
                .any(|bridge| bridge.name == place.owner && bridge.device.name.as_str() == owner)
    }
}

/// Impairs what an end sends from now on, in this way only. The end is called
/// `DEVICE` in node `owner`, or at bridge `owner`.
pub fn impair(owner: &str, device: &str, new: Option<Impairment>) -> Result<()> {
    ensure!(geteuid().is_root(), "only root changes labs");
    let registry = Registry::change()?;
    let (mut record, link, end) = find_end(&registry, owner, device)?;
    record.check_place()?;
    record.check_up()?;
    let lab = &record.lab;
    let place = lab.links[link].places()[end];
    if new.is_some() {
        kernel_has_netem(&place)?;
    }
    let name = lab.links[link].devices()[end].name.clone();
    let mut socket = match lab.node(place.owner) {
        Some(node) => named::open(&node.netns)?.inside(Socket::route)?,
        None => Socket::route()?,
    };
    let found = link::find(&mut socket, &name)?;
    let found = found.with_context(|| format!("device {name} is gone"))?;
    let mut batch = Batch::default();
    // Also where the record says so already: somebody else may have ended it.
    inside::impair(&mut batch, place, found.index, new.as_ref())?;
    socket.transact(&batch)?;
    *record.lab.links[link].impairments()[end] = new;
    record.put(&registry)
}

/// Fails where a device, in the network namespace with this cookie, is of a lab.
pub fn check_is_no_part(registry: &Registry, netns_cookie: u64, device: &link::Link) -> Result<()> {
    let records = registry.labs().all::<LabRecord>()?;
    if records.is_empty() {
        return Ok(());
    }
    let nodes = registry.nodes().all::<NodeRecord>()?;
    let node = (nodes.iter()).find(|(_, node)| node.cookie == Some(netns_cookie));
    let node = node.map(|(name, _)| name.as_str());
    for (_, record) in &records {
        let here = record.netns_cookie == netns_cookie;
        if !record
            .labs()
            .any(|lab| lab.has_device(node, here, &device.name))
        {
            continue;
        }
        record.check_up()?;
        let file = record.file.display();
        bail!(
            "it is one of lab {}; take it out of {file}, and `pernet up {file}` deletes it",
            record.lab.name
        );
    }
    Ok(())
}

impl Lab {
    /// Whether an end in the node that is called so on the machine, or else a port,
    /// has this name.
    fn has_device(&self, node: Option<&str>, here: bool, name: &str) -> bool {
        let mut nodes = self.nodes.iter();
        let node = nodes.find(|it| node == Some(it.netns.as_str()));
        let in_node = node.is_some_and(|node| {
            let mut ends = self.ends().filter(|(_, end)| end.node == node.name);
            ends.any(|(_, end)| end.device.name.as_str() == name)
        });
        let mut ports = self.links.iter().flat_map(Link::ports);
        in_node || here && ports.any(|port| port.device.name.as_str() == name)
    }
}
