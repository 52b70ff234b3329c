// SPDX-License-Identifier: MIT OR Apache-2.0

//! Removing everything that pernet made and nothing else, whatever became of the
//! runs that made it: by its records, never by a name or its beginning.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use nix::errno::Errno;
use serde::Serialize;

use super::departure::Departure;
use super::life::{self, Node, Until};
use super::registry::{BridgeRecord, EndRecord, LinkRecord, NodeRecord, Registry, VnodedRecord};
use super::{files, links, vnoded};
use crate::netlink::link::{self, Link};
use crate::netlink::{Refusal, Socket};
use crate::netns::{Name, Reference, own_cookie};

/// Something that pernet made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remnant {
    Node {
        name: Name,
        state: &'static str,
    },
    /// By its control channel.
    Vnoded {
        control: PathBuf,
        state: &'static str,
    },
    Link {
        end: String,
        other: String,
    },
    Bridge {
        name: String,
    },
    /// Of which nodes, links and bridges are recorded each by itself as well.
    Lab {
        name: String,
        state: &'static str,
    },
    File(PathBuf),
}

/// What is there, but for what the records alone lead to.
pub struct Remnants {
    unnamed: Vec<vnoded::Vnoded>,
    strays: Vec<PathBuf>,
}

/// All that is there: nodes, links, bridges and files; and what of it has to be known to
/// remove it.
pub fn find(registry: &Registry) -> Result<(Vec<Remnant>, Remnants)> {
    let mut found = nodes(registry)?;
    let unnamed = vnoded::all(registry)?;
    found.extend(unnamed.iter().map(|node| Remnant::Vnoded {
        control: node.record.control.clone(),
        state: node.state(),
    }));
    let all = registry.nodes().all::<NodeRecord>()?;
    let links = present_links(registry)?;
    found.extend(links.iter().map(|(record, _, _)| {
        let [end, other] = record.ends.each_ref().map(|end| place_of(end, &all));
        Remnant::Link { end, other }
    }));
    let bridges = present_bridges(registry)?;
    found.extend(bridges.iter().map(|(_, _, bridge)| Remnant::Bridge {
        name: bridge.name.clone(),
    }));
    let names = all.iter().map(|(name, _)| name.parse());
    let names: Vec<Name> = names.collect::<Result<_>>()?;
    let mut strays = files::strays(registry, &names)?;
    strays.extend(registry.nodes().unreadable::<NodeRecord>()?);
    strays.extend(registry.links().unreadable::<LinkRecord>()?);
    strays.extend(registry.bridges().unreadable::<BridgeRecord>()?);
    strays.extend(registry.vnoded().unreadable::<VnodedRecord>()?);
    found.extend(strays.iter().cloned().map(Remnant::File));
    Ok((found, Remnants { unnamed, strays }))
}

impl Remnants {
    /// Removes all that was found, in the registry that it was found in: nobody has made
    /// anything since. What is returned can be waited for when others may again.
    pub fn remove(self, registry: &Registry) -> Result<Departure> {
        let leaving = life::let_go(registry, Node::all(registry)?, Until::LinksAreGone)?;
        vnoded::end(registry, &self.unnamed)?;
        // Most links have gone with their nodes.
        remove_links(registry)?;
        remove_bridges(registry)?;
        self.strays
            .iter()
            .try_for_each(|path| files::remove(path))?;
        registry.discard_drafts()?;
        Ok(leaving)
    }
}

fn nodes(registry: &Registry) -> Result<Vec<Remnant>> {
    let nodes = Node::all(registry)?.map(|node| {
        node.map(|node| Remnant::Node {
            state: node.state(),
            name: node.name,
        })
    });
    nodes.collect()
}

/// An end as people write it.
fn place_of(end: &EndRecord, nodes: &[(String, NodeRecord)]) -> String {
    let mut nodes = nodes.iter();
    match nodes.find(|(_, record)| record.cookie == Some(end.netns_cookie)) {
        Some((name, _)) => format!("{name}:{}", end.name),
        None => end.name.clone(),
    }
}

/// Where a recorded thing is; nothing where that namespace is no more.
fn place(netns_cookie: u64) -> Result<Option<Socket>> {
    if netns_cookie == own_cookie()? {
        return Socket::route().map(Some);
    }
    // Whatever cannot be found has gone, with all that was in it.
    match Reference::Cookie(netns_cookie).resolve() {
        Ok(found) => found.netns.inside(Socket::route).map(Some),
        Err(_) => Ok(None),
    }
}

type Present<R> = Vec<(R, Socket, Link)>;

fn present_links(registry: &Registry) -> Result<Present<LinkRecord>> {
    let mut present = Vec::new();
    for record in links::all(registry)? {
        if let Some((socket, link)) = find_end(&record)? {
            present.push((record, socket, link));
        }
    }
    Ok(present)
}

/// Either end will do: a veth goes whole.
fn find_end(record: &LinkRecord) -> Result<Option<(Socket, Link)>> {
    for (which, end) in record.ends.iter().enumerate() {
        if let Some(mut socket) = place(end.netns_cookie)? {
            let links = link::all(&mut socket)?;
            if let Some(link) = links.into_iter().find(|link| record.is_end(which, link)) {
                return Ok(Some((socket, link)));
            }
        }
    }
    Ok(None)
}

fn remove_links(registry: &Registry) -> Result<()> {
    for (_, mut socket, link) in present_links(registry)? {
        let what = format!("cannot delete the link at {}", link.name);
        match link::delete(&mut socket, what, link.index) {
            // It has gone meanwhile, with the namespace of its other end.
            Err(error) if Refusal::is(&error, Errno::ENODEV) => {}
            deleted => deleted?,
        }
    }
    let mut records = links::all(registry)?.into_iter();
    records.try_for_each(|record| links::remove(registry, &record))
}

fn present_bridges(registry: &Registry) -> Result<Present<String>> {
    let mut present = Vec::new();
    for (key, record) in registry.bridges().all::<BridgeRecord>()? {
        let Some(mut socket) = place(record.netns_cookie)? else {
            continue;
        };
        let links = link::all(&mut socket)?;
        if let Some(bridge) = links.into_iter().find(|link| record.is(&key, link)) {
            present.push((key, socket, bridge));
        }
    }
    Ok(present)
}

fn remove_bridges(registry: &Registry) -> Result<()> {
    for (_, mut socket, bridge) in present_bridges(registry)? {
        let what = format!("cannot delete bridge {}", bridge.name);
        link::delete(&mut socket, what, bridge.index)?;
    }
    let shelf = registry.bridges();
    shelf.keys()?.iter().try_for_each(|key| shelf.remove(key))
}

impl fmt::Display for Remnant {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Remnant::Node { name, state } => write!(f, "node {name} ({state})"),
            Remnant::Vnoded { control, state } => {
                write!(f, "vnoded {} ({state})", control.display())
            }
            Remnant::Link { end, other } => write!(f, "link {end} - {other}"),
            Remnant::Bridge { name } => write!(f, "bridge {name}"),
            Remnant::Lab { name, state } => write!(f, "lab {name} ({state})"),
            Remnant::File(path) => write!(f, "file {}", path.display()),
        }
    }
}
