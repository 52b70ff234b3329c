// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is recorded of a lab: all of it, before anything of it is made.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::model::{Command, Lab, Node};
use crate::netns::Name;
use crate::node::Process;
use crate::node::registry::Registry;

/// A lab that is on this machine, whole or in part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabRecord {
    pub state: State,
    pub lab: Lab,
    /// What it is being changed into: what is there may be of both.
    pub next: Option<Lab>,
    /// The file that it is made by.
    pub file: PathBuf,
    /// Those that run, or ran.
    pub commands: Vec<Started>,
}

/// How far a lab has come. One that is neither up nor at work was left by a run
/// that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Making,
    Up,
    Changing,
    Leaving,
}

/// A command that was started in a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The node's name in the lab.
    pub node: Name,
    pub command: Command,
    pub process: Process,
}

impl LabRecord {
    pub fn get(registry: &Registry, name: &Name) -> Result<Option<Self>> {
        registry.labs().get(name.as_str())
    }

    /// The record of a lab that there must be.
    pub fn existing(registry: &Registry, name: &Name) -> Result<Self> {
        let record = Self::get(registry, name)?;
        record.with_context(|| format!("no lab is called {name}; `pernet lab ls` lists them"))
    }

    pub fn put(&self, registry: &Registry) -> Result<()> {
        registry.labs().put(self.lab.name.as_str(), self)
    }

    /// Forgets what was started in nodes of these names.
    pub fn forget_commands(&mut self, nodes: &[&Node]) {
        let nodes: HashSet<&Name> = nodes.iter().map(|node| &node.name).collect();
        self.commands
            .retain(|started| !nodes.contains(&started.node));
    }

    /// The lab, and what it was about to become.
    pub fn labs(&self) -> impl Iterator<Item = &Lab> {
        std::iter::once(&self.lab).chain(&self.next)
    }
}
