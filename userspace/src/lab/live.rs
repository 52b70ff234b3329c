// SPDX-License-Identifier: MIT OR Apache-2.0

//! Changing one thing of a lab that runs.

use anyhow::{Context, Result, bail, ensure};

use super::commands;
use super::down::all;
use super::inside::impair;
use super::model::{Ends, Impairment, Kind, Lab, Place};
use super::progress::Progress;
use super::record::{LabRecord, State};
use super::workers::Run;
use crate::netlink::{Batch, DeviceName, Socket, link, netem};
use crate::netns::{Netns, named};
use crate::node::interrupt::Deferred;
use crate::node::life;
use crate::node::registry::Registry;

/// The lab that has a node of this name, its own in the lab or that on the machine.
fn lab_of(node: &str) -> Result<LabRecord> {
    let mut found = all()?
        .into_iter()
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
    ensure!(
        record.state == State::Up,
        "lab {0} is {1}; `pernet down {0}` removes what there is of it",
        record.lab.name,
        record.state.word()
    );
    Ok(record)
}

/// Ends all that runs in a node of a lab and starts its commands again; its
/// network namespace and links stay.
pub fn restart(name: &str, note: impl Fn(String)) -> Result<()> {
    let mut record = lab_of(name)?;
    let node = record.lab.node(name).context("a node is missing")?.clone();
    commands::end(
        record
            .commands
            .iter()
            .filter(|started| started.node == node.name),
    )?;
    record.commands.retain(|started| started.node != node.name);
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
    let queue = (&node, node.commands.iter().collect());
    let started = commands::start(&run, [queue].into_iter(), &mut record.commands);
    let registry = Registry::change()?;
    let recorded = record.put(&registry);
    started.and(recorded)
}

/// An end of a link in a lab.
pub struct Found {
    record: LabRecord,
    /// Which link, and which of its ends.
    link: usize,
    end: usize,
}

/// The end that is called `DEVICE` in node `owner`, or at bridge `owner`.
pub fn find_end(owner: &str, device: &str) -> Result<Found> {
    let mut found = Vec::new();
    for record in all()? {
        for (number, link) in record.lab.links.iter().enumerate() {
            for (end, place) in link.places().into_iter().enumerate() {
                let name = link.devices()[end].name.as_str();
                let is_it = place.device == device || name == device;
                if is_it && record.lab.owns(owner, place) {
                    found.push((record.lab.name.clone(), number, end));
                }
            }
        }
    }
    match &found[..] {
        [] => bail!("no lab has a link at {owner}:{device}; `pernet lab show` lists them"),
        [(lab, link, end)] => Ok(Found {
            record: super::down::find(lab)?,
            link: *link,
            end: *end,
        }),
        [(a, ..), (b, ..), ..] => bail!("labs {a} and {b} both have a link at {owner}:{device}"),
    }
}

impl Lab {
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

impl Found {
    pub fn impairment(&self) -> Option<&Impairment> {
        let link = &self.record.lab.links[self.link];
        let own = match &link.ends {
            Ends::PointToPoint(ends) => &ends[self.end].impairment,
            Ends::Bridged { end, .. } if self.end == 0 => &end.impairment,
            Ends::Bridged { port, .. } => &port.impairment,
            Ends::Trunk(ports) => &ports[self.end].impairment,
        };
        own.as_ref()
    }

    fn impairment_mut(&mut self) -> &mut Option<Impairment> {
        let link = &mut self.record.lab.links[self.link];
        match &mut link.ends {
            Ends::PointToPoint(ends) => &mut ends[self.end].impairment,
            Ends::Bridged { end, .. } if self.end == 0 => &mut end.impairment,
            Ends::Bridged { port, .. } => &mut port.impairment,
            Ends::Trunk(ports) => &mut ports[self.end].impairment,
        }
    }

    /// Where the device is.
    fn socket(&self) -> Result<(Socket, DeviceName)> {
        let lab = &self.record.lab;
        let link = &lab.links[self.link];
        let device = link.devices()[self.end].name.clone();
        let owner = link.places()[self.end].owner;
        let socket = match lab.node(owner) {
            Some(node) => named::open(&node.netns)?.inside(Socket::route)?,
            None => Socket::route()?,
        };
        Ok((socket, device))
    }

    /// Impairs what the end sends from now on, in this way only.
    pub fn impair(mut self, new: Option<Impairment>) -> Result<()> {
        let there = Netns::create(|_| netem::is_there(&mut Socket::route()?))?;
        ensure!(
            new.is_none() || there,
            "this kernel has no netem (CONFIG_NET_SCH_NETEM, module sch_netem)"
        );
        let registry = Registry::change()?;
        let (mut socket, device) = self.socket()?;
        let found = link::find(&mut socket, &device)?;
        let index = found
            .with_context(|| format!("device {device} is gone"))?
            .index;
        let old = self.impairment().cloned();
        let mut batch = Batch::default();
        let link = &self.record.lab.links[self.link];
        impair(
            &mut batch,
            link.places()[self.end],
            index,
            old.as_ref(),
            new.as_ref(),
        )?;
        socket.transact(&batch)?;
        *self.impairment_mut() = new;
        self.record.put(&registry)
    }
}
