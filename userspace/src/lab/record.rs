// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is recorded of a lab: all of it, before anything of it is made.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::model::{Command, Lab, Node};
use crate::netns::{Name, Reference, own_cookie};
use crate::node::Process;
use crate::node::registry::Registry;

/// A lab that is on this machine, whole or in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabRecord {
    pub state: State,
    /// Who is at work on it. As long as that lives, nobody else changes the lab or
    /// this record, also when the registry is not locked.
    pub worker: Option<Process>,
    /// The network namespace that it was made from, where its bridges and ports are.
    pub netns_cookie: u64,
    pub lab: Lab,
    /// What it is being changed into: what is there may be of both.
    pub next: Option<Lab>,
    /// The file that it is made by.
    pub file: PathBuf,
    /// Those that run, or ran.
    pub commands: Vec<Started>,
}

/// How far a lab has come. One that is not up, and whose worker does not live, was
/// left by a run that died.
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

impl State {
    /// Where a run died.
    fn left(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Making => "half made",
            State::Changing => "half changed",
            State::Leaving => "half removed",
        }
    }

    /// Where one is at work.
    fn at_work(self) -> &'static str {
        match self {
            State::Up => "being restarted in part",
            State::Making => "being made",
            State::Changing => "being changed",
            State::Leaving => "being removed",
        }
    }
}

impl LabRecord {
    pub fn get(registry: &Registry, name: &Name) -> Result<Option<Self>> {
        registry.labs().get(name.as_str())
    }

    /// The record of a lab that there must be, made from where we are.
    pub fn existing(registry: &Registry, name: &Name) -> Result<Self> {
        let record = Self::recorded(registry, name)?;
        record.check_place()?;
        Ok(record)
    }

    /// The record of a lab that is to be removed: nobody is at work on it, and it was
    /// made from where we are, or from where nobody can go any more.
    pub fn removable(registry: &Registry, name: &Name) -> Result<Self> {
        let record = Self::recorded(registry, name)?;
        if record.place_is_there() {
            record.check_place()?;
        }
        record.check_idle()?;
        Ok(record)
    }

    fn recorded(registry: &Registry, name: &Name) -> Result<Self> {
        let record = Self::get(registry, name)?;
        record.with_context(|| format!("no lab is called {name}; `pernet lab ls` lists them"))
    }

    fn place_is_there(&self) -> bool {
        Reference::Cookie(self.netns_cookie).resolve().is_ok()
    }

    /// Fails where we are in another network namespace than it was made from: bridges
    /// and ports of the same names would be others.
    pub fn check_place(&self) -> Result<()> {
        let (name, cookie) = (&self.lab.name, self.netns_cookie);
        if cookie == own_cookie()? {
            return Ok(());
        }
        ensure!(
            self.place_is_there(),
            "lab {name} was made from a network namespace that is no more; `pernet down {name}` removes what is left of it"
        );
        bail!(
            "lab {name} was made from another network namespace; go there with `pernet exec cookie:{cookie} -- pernet ...`"
        )
    }

    /// Fails where a process is at work on it.
    pub fn check_idle(&self) -> Result<()> {
        if let Some(worker) = self.living_worker()? {
            bail!(
                "lab {} is {}, by process {worker}; wait until it is done, or end it with `kill {worker}`",
                self.lab.name,
                self.state.at_work()
            );
        }
        Ok(())
    }

    /// Fails where it is not up, and left alone.
    pub fn check_up(&self) -> Result<()> {
        self.check_idle()?;
        ensure!(
            self.state == State::Up,
            "lab {0} was left {1} by a run that died; `pernet down {0}` removes what there is of it",
            self.lab.name,
            self.state.left()
        );
        Ok(())
    }

    /// Who is at work on it, by its pid here.
    fn living_worker(&self) -> Result<Option<Pid>> {
        let Some(worker) = &self.worker else {
            return Ok(None);
        };
        match worker.open()? {
            Some(_held) => worker.pid_here(),
            None => Ok(None),
        }
    }

    /// How far it has come, in words.
    pub fn words(&self) -> Result<&'static str> {
        Ok(match self.living_worker()? {
            Some(_) => self.state.at_work(),
            None => self.state.left(),
        })
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
