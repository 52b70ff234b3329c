// SPDX-License-Identifier: MIT OR Apache-2.0

//! From one lab to another, in the order in which the kernel asks least for it:
//! nodes, bridges, links made in place, what is in the nodes, ports, and the
//! bridges up when they have all their ports. What goes for good goes last.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result};

use super::births;
use super::inside::{EndTask, Task, is_so};
use super::model::{Bridge, Lab, Link, Node};
use super::plan::Plan;
use super::ports;
use super::ready;
use super::wires::{self, Names, Wired};
use super::workers::Run;
use crate::netlink::pernet::{Family, Wanted};
use crate::netlink::{DeviceName, Socket, link};
use crate::netns::{Name, named};
use crate::node::life::{self, Node as Living, Until};
use crate::node::registry::Registry;
use std::os::fd::AsFd;

/// Two labs, and the way from the first to the second.
pub struct Passage<'a> {
    pub old: &'a Lab,
    pub new: &'a Lab,
    pub plan: Plan<'a>,
}

/// What it takes to remove what a lab no longer has.
pub struct Departure {
    socket: Socket,
    nodes: Vec<Name>,
}

impl<'a> Passage<'a> {
    pub fn between(old: &'a Lab, new: &'a Lab) -> Self {
        let plan = Plan::between(old, new);
        Passage { old, new, plan }
    }

    /// Takes all steps that can be taken back. Returns the nodes that were made.
    pub fn make(
        &self,
        run: &Run,
        registry: &Registry,
        note: &(impl Fn(String) + Sync),
    ) -> Result<Vec<&'a Node>> {
        let mut socket = Socket::route()?;
        self.clear_the_way(run, registry, &mut socket, note)?;
        let born = self.unborn(run, registry)?;
        births::bear(run, registry, &born, note)?;
        let bridges = ports::make_bridges(run, registry, &mut socket, &self.plan)?;
        let links = self.unmade_links(run, &mut socket)?;
        let names = Names::of(self.new);
        let wired = wires::make(run, registry, &names, &links, &bridges)?;
        let tasks = self.tasks(&wired);

        run.progress.begin("devices", tasks.len());
        run.spread(
            &tasks,
            8,
            |_| Ok(()),
            |(), tasks| tasks.iter().try_for_each(|task| task.settle(run)),
        )?;
        run.progress.begin("ports", wired.len());
        run.spread(
            &wired,
            24,
            |_| Socket::route(),
            |socket, wired| ports::finish_ports(socket, wired),
        )?;
        ports::change_ports(run, &mut socket, &self.plan)?;
        ports::finish_bridges(run, &mut socket, &self.plan, &bridges)?;

        self.wait(run, &wired, &tasks)?;
        run.spread(
            &tasks,
            8,
            |_| Ok(()),
            |(), tasks| tasks.iter().try_for_each(|task| task.route(run)),
        )?;
        self.count()?;
        Ok(born)
    }

    /// Waits until all that was made can be used.
    fn wait(&self, run: &Run, wired: &[Wired], tasks: &[Task]) -> Result<()> {
        let delays = self.new.bridges.iter().filter(|bridge| bridge.stp);
        let delay = delays.map(|bridge| bridge.forward_delay).max().unwrap_or(0);
        let made = wired.iter().flat_map(ports::of);
        let made: BTreeSet<i32> = made.map(|(_, index)| index).collect();
        ready::ports(run, &made, delay)?;
        run.progress.begin("carriers", tasks.len());
        run.spread(
            tasks,
            8,
            |_| Ok(()),
            |(), tasks| tasks.iter().try_for_each(|task| ready::node(run, task)),
        )
    }

    /// Gets all that [`Passage::leave`] needs, while it can still be done without.
    pub fn departure(&self, registry: &Registry) -> Result<Departure> {
        let again: HashSet<&Name> = self.new.nodes.iter().map(|node| &node.netns).collect();
        let removed = self.plan.nodes.removed.iter();
        let removed = removed.map(|node| &node.netns);
        let mut nodes = Vec::new();
        for name in removed.filter(|name| !again.contains(name)) {
            nodes.extend(Living::find(registry, name)?.map(|node| node.name));
        }
        Ok(Departure {
            socket: Socket::route()?,
            nodes,
        })
    }

    /// The links that are removed and do not go with a node.
    pub fn links_removed_alone(&self) -> impl Iterator<Item = &'a Link> {
        let going = self.plan.nodes.removed.iter();
        let going: HashSet<&Name> = going.map(|node| &node.name).collect();
        let removed = self.plan.links.removed.iter().copied();
        removed.filter(move |link| !link.node_ends().any(|end| going.contains(&end.node)))
    }

    /// Takes the steps that nothing brings back: what the new lab does not have
    /// goes, all at once.
    pub fn leave(
        &self,
        registry: Registry,
        departure: Departure,
        note: impl Fn(String),
    ) -> Result<()> {
        let Departure { mut socket, nodes } = departure;
        for link in self.links_removed_alone() {
            self.delete(&registry, &mut socket, link)?;
        }
        let bridges = self.plan.bridges.removed.iter().copied();
        let again: HashSet<&DeviceName> = devices(&self.new.bridges).collect();
        let bridges = bridges.filter(|bridge| !again.contains(&bridge.device.name));
        ports::delete_bridges(&registry, &mut socket, bridges)?;
        if nodes.is_empty() {
            return Ok(());
        }
        let leaving = life::let_go(&registry, living(&registry, &nodes), Until::LinksAreGone)?;
        drop(registry);
        leaving.wait(note)
    }

    /// Takes away at once what has a name that something new is to have.
    fn clear_the_way(
        &self,
        run: &Run,
        registry: &Registry,
        socket: &mut Socket,
        note: &impl Fn(String),
    ) -> Result<()> {
        let taken = |link: &&&Link| {
            let mut added = self.plan.links.added.iter();
            added.any(|added| names(added).any(|name| names(link).any(|gone| gone == name)))
        };
        for link in self.plan.links.removed.iter().filter(taken) {
            run.check()?;
            self.delete(registry, socket, link)?;
        }
        let made: HashSet<&DeviceName> = (self.plan.bridges.added.iter())
            .map(|bridge| &bridge.device.name)
            .collect();
        let bridges = self.plan.bridges.removed.iter().copied();
        let bridges = bridges.filter(|bridge| made.contains(&bridge.device.name));
        ports::delete_bridges(registry, socket, bridges)?;
        let made: HashSet<&Name> = (self.plan.nodes.added.iter())
            .map(|node| &node.netns)
            .collect();
        let removed = self.plan.nodes.removed.iter();
        let removed = removed.map(|node| &node.netns);
        let nodes: Vec<&Name> = removed.filter(|name| made.contains(name)).collect();
        if nodes.is_empty() {
            return Ok(());
        }
        let nodes = living(registry, nodes);
        life::let_go(registry, nodes, Until::NamespacesAreGone)?.wait(note)
    }

    /// The nodes that are to be made.
    fn unborn(&self, run: &Run, registry: &Registry) -> Result<Vec<&'a Node>> {
        let mut nodes = Vec::new();
        for &node in &self.plan.nodes.added {
            let living = match run.undoes {
                true => Living::find(registry, &node.netns)?,
                false => None,
            };
            if living.is_none_or(|living| !living.exists()) {
                nodes.push(node);
            }
        }
        let removed = self.plan.nodes.removed.iter();
        let freed: HashSet<&Name> = removed.map(|node| &node.netns).collect();
        for node in &nodes {
            // Others have been looked at before: of them, only leftovers go.
            if run.undoes
                || freed.contains(&node.netns)
                || Living::find(registry, &node.netns)?.is_some()
            {
                life::make_free(registry, &node.netns)?;
            }
        }
        Ok(nodes)
    }

    /// The links that are to be made.
    fn unmade_links(&self, run: &Run, socket: &mut Socket) -> Result<Vec<&'a Link>> {
        let mut links = self.plan.links.added.clone();
        if run.undoes {
            let mut unmade = Vec::new();
            for link in links {
                if !self.is_there(socket, link)? {
                    unmade.push(link);
                }
            }
            links = unmade;
        }
        Ok(links)
    }

    fn is_there(&self, socket: &mut Socket, link: &Link) -> Result<bool> {
        if let Some(port) = link.ports().next() {
            return Ok(link::find(socket, &port.device.name)?.is_some());
        }
        let Some(end) = link.node_ends().next() else {
            return Ok(false);
        };
        let node = self.new.nodes.iter().find(|node| node.name == end.node);
        let Some(node) = node else { return Ok(false) };
        let mut inside = named::open(&node.netns)?.inside(Socket::route)?;
        Ok(link::find(&mut inside, &end.device.name)?.is_some())
    }

    /// What is to be done in each node.
    fn tasks(&self, wired: &[Wired<'a>]) -> Vec<Task<'a>> {
        let made: HashMap<*const Link, [i32; 2]> = (wired.iter())
            .map(|wired| (std::ptr::from_ref(wired.link), wired.indexes))
            .collect();
        let mut ends: HashMap<&Name, Vec<EndTask>> = HashMap::new();
        for (old, link) in self.plan.links.after() {
            let made = made.get(&std::ptr::from_ref(link));
            // Ends in nodes come before ports.
            for (place, end) in link.node_ends().enumerate() {
                ends.entry(&end.node).or_default().push(EndTask {
                    end,
                    old: old
                        .filter(|_| made.is_none())
                        .and_then(|old| old.counterpart(end)),
                    mtu: link.mtu,
                    old_mtu: old.and_then(|old| old.mtu),
                    index: made.map(|indexes| indexes[place]),
                });
            }
        }
        let tasks = self.plan.nodes.after().map(|(old, node)| Task {
            node,
            old,
            ends: ends.remove(&node.name).unwrap_or_default(),
        });
        tasks.filter(|task| !task.is_done()).collect()
    }

    /// Deletes a link of the old lab, from one of its ends.
    fn delete(&self, registry: &Registry, socket: &mut Socket, link: &Link) -> Result<()> {
        if link.ports().next().is_some() {
            return ports::delete_link(registry, socket, self.old, link);
        }
        let Some(end) = link.node_ends().next() else {
            return Ok(());
        };
        let node = self.old.nodes.iter().find(|node| node.name == end.node);
        let Some(node) = node else { return Ok(()) };
        let Some(living) = Living::find(registry, &node.netns)? else {
            return Ok(());
        };
        let Some(netns) = living.named else {
            return Ok(());
        };
        let mut inside = netns.inside(Socket::route)?;
        let Some(found) = link::find(&mut inside, &end.device.name)? else {
            return Ok(());
        };
        let what = format!("cannot delete link {}", end.place());
        match link::delete(&mut inside, what, found.index) {
            Err(error) if is_so(&error) => Ok(()),
            deleted => deleted,
        }
    }

    /// Tells the module what nodes count.
    fn count(&self) -> Result<()> {
        let changed = self.plan.nodes.after().filter(|(old, node)| {
            let before = old.map_or(Wanted::default(), |old| old.counting);
            before != node.counting
        });
        let mut family = None;
        for (_, node) in changed {
            let family = match &mut family {
                Some(family) => family,
                none => none.insert(Family::require().context(COUNTING)?),
            };
            let netns = named::open(&node.netns)?;
            family.set(node.name.as_str(), netns.as_fd(), node.counting)?;
        }
        Ok(())
    }
}

/// Said where a node is to count, and nothing can.
pub const COUNTING: &str = "cannot let nodes count";

/// What there is of nodes of these names, by their records.
fn living<'a>(
    registry: &Registry,
    names: impl IntoIterator<Item = &'a Name>,
) -> impl Iterator<Item = Result<Living>> {
    let names = names.into_iter();
    names.filter_map(|name| Living::find(registry, name).transpose())
}

/// The devices of a link, by their names and the nodes that they are in, if they
/// are in one.
fn names(link: &Link) -> impl Iterator<Item = (Option<&Name>, &DeviceName)> {
    let ends = link.node_ends();
    let ends = ends.map(|end| (Some(&end.node), &end.device.name));
    ends.chain(link.ports().map(|port| (None, &port.device.name)))
}

fn devices(bridges: &[Bridge]) -> impl Iterator<Item = &DeviceName> {
    bridges.iter().map(|bridge| &bridge.device.name)
}
