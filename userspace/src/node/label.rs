// SPDX-License-Identifier: MIT OR Apache-2.0

//! What namespaces are called: their names under /run/netns, and the lab and node
//! that they belong to.

use std::collections::HashMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::registry::{NodeRecord, Registry};
use crate::netns::{Name, Netns, named};

/// What one namespace is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The first of its names; of an ordinary user's node, which has none, the
    /// node's.
    pub name: Option<String>,
    /// Under /run/netns, in order.
    pub names: Vec<String>,
    /// The lab that it belongs to.
    pub lab: Option<String>,
    /// The node that it is: its name in its lab, or on the machine.
    pub node: Option<String>,
}

/// All that is known now.
#[derive(Default)]
pub struct Labels {
    /// Names by the number of the namespace's file.
    names: HashMap<u64, Vec<String>>,
    /// Nodes by the namespace's cookie.
    nodes: HashMap<u64, Node>,
}

struct Node {
    /// On the machine.
    name: String,
    /// Its lab, and its name there.
    place: Option<(String, String)>,
}

/// What of a lab's record is of interest here; there may be thousands of nodes.
#[derive(Deserialize)]
struct LabNames {
    lab: LabNodes,
}

#[derive(Deserialize)]
struct LabNodes {
    name: Name,
    nodes: Vec<NodeNames>,
}

#[derive(Deserialize)]
struct NodeNames {
    name: Name,
    netns: Name,
}

impl Labels {
    pub fn read() -> Result<Self> {
        let mut labels = Labels::default();
        // Inode numbers are those of one file system, that of all namespaces.
        let device = Netns::current()?.inode()?.device;
        for (name, inode) in named::all()? {
            if inode.device == device {
                let names = labels.names.entry(inode.number).or_default();
                names.push(name.to_string());
            }
        }
        // Whoever makes a lab holds the lock for as long as that takes.
        for registry in Registry::glance()? {
            labels.read_nodes(&registry)?;
        }
        Ok(labels)
    }

    fn read_nodes(&mut self, registry: &Registry) -> Result<()> {
        let mut places = HashMap::new();
        for (_, LabNames { lab }) in registry.labs().all::<LabNames>()? {
            for NodeNames { name, netns } in lab.nodes {
                let place = (lab.name.to_string(), name.to_string());
                places.insert(netns.to_string(), place);
            }
        }
        for (name, record) in registry.nodes().all::<NodeRecord>()? {
            if let Some(cookie) = record.cookie {
                let place = places.remove(&name);
                self.nodes.insert(cookie, Node { name, place });
            }
        }
        Ok(())
    }

    /// What a namespace is called, by the number of its file and its cookie.
    pub fn of(&self, inode: u64, cookie: Option<u64>) -> Label {
        let names = self.names.get(&inode).cloned().unwrap_or_default();
        let node = cookie.and_then(|cookie| self.nodes.get(&cookie));
        let place = node.and_then(|node| node.place.as_ref());
        let name = names.first().or(node.map(|node| &node.name)).cloned();
        Label {
            name,
            names,
            lab: place.map(|(lab, _)| lab.clone()),
            node: (place.map(|(_, node)| node))
                .or(node.map(|node| &node.name))
                .cloned(),
        }
    }
}
