// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making the links of a lab, each by one message, both ends in their places.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Mutex;

use anyhow::{Context, Error, Result};

use super::model::{End, Ends, Lab, Link, Port};
use super::workers::Run;
use crate::netlink::link::{self, NewEnd};
use crate::netlink::{Batch, Mac, Socket};
use crate::netns::{Name, Netns, named, own_cookie};
use crate::node::links;
use crate::node::registry::{EndRecord, LinkRecord, Registry};

/// As many links are made by one datagram.
const AT_A_TIME: usize = 24;

/// The indexes of devices that were made.
pub struct Wired<'a> {
    pub link: &'a Link,
    /// In the order of the link's places.
    pub indexes: [i32; 2],
}

/// Where the names on the machine are looked up of what is named in a lab.
pub struct Names<'a> {
    netns: BTreeMap<&'a Name, &'a Name>,
}

impl<'a> Names<'a> {
    pub fn of(lab: &'a Lab) -> Self {
        let nodes = lab.nodes.iter();
        Names {
            netns: nodes.map(|node| (&node.name, &node.netns)).collect(),
        }
    }

    fn open(&self, node: &Name) -> Result<Netns> {
        let netns = self.netns.get(node);
        named::open(netns.with_context(|| format!("there is no node {node}"))?)
    }
}

/// Makes links between nodes and bridges that are there; nothing of them is up yet.
pub fn make<'a>(
    run: &Run,
    registry: &Registry,
    names: &Names,
    links: &[&'a Link],
    bridges: &BTreeMap<&str, i32>,
) -> Result<Vec<Wired<'a>>> {
    run.progress.begin("links", links.len());
    let wired = Mutex::new(Vec::with_capacity(links.len()));
    let done = |made: Vec<Wired<'a>>| {
        let mut wired = wired.lock().unwrap_or_else(|lock| lock.into_inner());
        wired.extend(made);
    };
    let bridged: Vec<_> = (links.iter())
        .filter_map(|link| match &link.ends {
            Ends::Bridged { end, port } => Some((*link, end, port)),
            _ => None,
        })
        .collect();
    run.spread(
        &bridged,
        AT_A_TIME,
        |_| Socket::route(),
        |socket, links| make_bridged(socket, names, links, bridges).map(&done),
    )?;
    // From the namespace of the first end, which is where the kernel answers.
    let mut by_node: BTreeMap<&Name, Vec<(&'a Link, &End, &End)>> = BTreeMap::new();
    for link in links {
        if let Ends::PointToPoint([a, b]) = &link.ends {
            by_node.entry(&a.node).or_default().push((link, a, b));
        }
    }
    let by_node: Vec<_> = by_node.into_iter().collect();
    run.spread(
        &by_node,
        4,
        |_| Ok(()),
        |(), nodes| {
            nodes
                .iter()
                .try_for_each(|(node, links)| make_direct(names, node, links).map(&done))
        },
    )?;
    let mut socket = Socket::route()?;
    for link in links {
        if let Ends::Trunk([a, b]) = &link.ends {
            done(vec![make_trunk(
                registry,
                &mut socket,
                link,
                [a, b],
                bridges,
            )?]);
        }
    }
    Ok(wired.into_inner().unwrap_or_else(|lock| lock.into_inner()))
}

/// Recorded by itself: it is in no node with which it would go.
fn make_trunk<'a>(
    registry: &Registry,
    socket: &mut Socket,
    link: &'a Link,
    ports: [&Port; 2],
    bridges: &BTreeMap<&str, i32>,
) -> Result<Wired<'a>> {
    let [a, b] = ports;
    let [mut first, mut second] = [new_port(a, link, bridges)?, new_port(b, link, bridges)?];
    let what = format!("cannot make link {} - {}", a.place(), b.place());
    let cookie = own_cookie()?;
    let record = |end: &mut NewEnd| {
        let mac = *end.mac.insert(Mac::draw()?);
        Ok::<_, Error>(EndRecord::new(cookie, end.name.as_str(), mac))
    };
    let mut record = LinkRecord {
        ends: [record(&mut first)?, record(&mut second)?],
    };
    let (index, peer) = links::make(registry, &mut record, || {
        link::add_veth(socket, &what, &first, &second)
    })?;
    links::put(registry, &record)?;
    // The kernel does not look at the bridge of a peer when it makes it.
    if let Some(bridge) = second.master {
        let mut batch = Batch::default();
        link::enslave(&mut batch, what, peer, bridge)?;
        socket.transact(&batch)?;
    }
    let indexes = [index, peer];
    Ok(Wired { link, indexes })
}

fn new_port<'a>(port: &'a Port, link: &Link, bridges: &BTreeMap<&str, i32>) -> Result<NewEnd<'a>> {
    let bridge = bridges.get(&*port.bridge);
    let bridge = bridge.with_context(|| format!("there is no bridge {}", port.bridge))?;
    Ok(NewEnd {
        name: &port.device.name,
        mac: None,
        mtu: link.mtu,
        netns: None,
        master: Some(*bridge),
    })
}

fn make_bridged<'a>(
    socket: &mut Socket,
    names: &Names,
    links: &[(&'a Link, &End, &Port)],
    bridges: &BTreeMap<&str, i32>,
) -> Result<Vec<Wired<'a>>> {
    let mut batch = Batch::default();
    let mut open = Vec::new();
    for (_, end, _) in links {
        open.push(names.open(&end.node)?);
    }
    for ((link, end, port), netns) in links.iter().zip(&open) {
        let new_port = new_port(port, link, bridges)?;
        let new_end = NewEnd {
            netns: Some(netns.as_fd()),
            ..new_end(end, link.mtu)
        };
        let what = format!("cannot make link {} - {}", end.place(), port.place());
        link::push_veth(&mut batch, what, &new_port, &new_end)?;
    }
    let answers = socket.transact(&batch)?;
    let mut wired = Vec::new();
    for ((link, _, port), answer) in links.iter().zip(answers) {
        let (port, end) = link::made_veth(socket, &answer, &port.device.name)?;
        let indexes = [end, port];
        wired.push(Wired { link, indexes });
    }
    Ok(wired)
}

fn make_direct<'a>(
    names: &Names,
    node: &Name,
    links: &[(&'a Link, &End, &End)],
) -> Result<Vec<Wired<'a>>> {
    let mut socket = names.open(node)?.inside(Socket::route)?;
    let mut wired = Vec::new();
    for links in links.chunks(AT_A_TIME) {
        let mut batch = Batch::default();
        let open: Vec<_> = (links.iter())
            .map(|(_, _, other)| match other.node == *node {
                true => Ok(None),
                false => names.open(&other.node).map(Some),
            })
            .collect::<Result<_>>()?;
        for ((link, end, other), netns) in links.iter().zip(&open) {
            let what = format!("cannot make link {} - {}", end.place(), other.place());
            let peer = NewEnd {
                netns: netns.as_ref().map(Netns::as_fd),
                ..new_end(other, link.mtu)
            };
            link::push_veth(&mut batch, what, &new_end(end, link.mtu), &peer)?;
        }
        let answers = socket.transact(&batch)?;
        for ((link, end, _), answer) in links.iter().zip(answers) {
            let (end, other) = link::made_veth(&mut socket, &answer, &end.device.name)?;
            let indexes = [end, other];
            wired.push(Wired { link, indexes });
        }
    }
    Ok(wired)
}

fn new_end(end: &End, mtu: Option<u32>) -> NewEnd<'_> {
    NewEnd {
        name: &end.device.name,
        mac: end.mac,
        mtu,
        netns: None,
        master: None,
    }
}
