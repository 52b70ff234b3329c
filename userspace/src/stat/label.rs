// SPDX-License-Identifier: MIT OR Apache-2.0

//! What namespaces are called: their names under /run/netns, and the lab and node
//! that they belong to.

use std::collections::HashMap;

use anyhow::Result;
use serde::Deserialize;

use super::model::Namespace;
use crate::netns::{Name, Netns, named};
use crate::node::registry::{NodeRecord, Registry};

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
        if let Some(registry) = Registry::read()? {
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

    /// Says of a namespace what it is called.
    pub fn put(&self, namespace: &mut Namespace) {
        let names = self.names.get(&namespace.inode);
        namespace.names = names.cloned().unwrap_or_default();
        namespace.name = namespace.names.first().cloned();
        if let Some(node) = self.nodes.get(&namespace.cookie) {
            // An ordinary user's nodes have no other name.
            namespace.name.get_or_insert_with(|| node.name.clone());
            namespace.lab = node.place.as_ref().map(|(lab, _)| lab.clone());
            namespace.node = Some(match &node.place {
                Some((_, node)) => node.clone(),
                None => node.name.clone(),
            });
        }
    }
}
