// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making a lab, and changing one that is there: all of it or nothing.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow, ensure};
use nix::unistd::geteuid;

use super::apply::Passage;
use super::commands;
use super::model::{Command, Lab, Node};
use super::progress::Progress;
use super::record::{LabRecord, Started, State};
use super::steps::Step;
use super::workers::Run;
use super::{check, down, present};
use crate::kernel::process;
use crate::netns::{Name, named, own_cookie};
use crate::node::Process;
use crate::node::interrupt::Deferred;
use crate::node::registry::Registry;

/// What would have to be done so that this lab is there, if it can be; nothing is
/// done. `note` hears of what cannot be seen.
pub fn plan(lab: &Lab, note: impl Fn(String)) -> Result<Vec<Step>> {
    if !geteuid().is_root() {
        note(
            "only root sees which labs there are and what is in the way of one; this is what it takes where nothing is"
                .to_owned(),
        );
        let nothing = Lab::empty(&lab.name);
        return Ok(Passage::between(&nothing, lab).plan.steps());
    }
    let registry = Registry::look()?;
    let (before, old) = begin(&registry, lab)?;
    let passage = Passage::between(&old, lab);
    let steps = passage.plan.steps();
    if !is_done(&steps, before.as_ref()) {
        check::all(&registry, &passage)?;
    }
    Ok(steps)
}

/// What there is of a lab, with its record; fails where it cannot be changed now.
fn begin(registry: &Registry, lab: &Lab) -> Result<(Option<LabRecord>, Lab)> {
    let Some(record) = LabRecord::get(registry, &lab.name)? else {
        return Ok((None, Lab::empty(&lab.name)));
    };
    record.check_place()?;
    record.check_up()?;
    let old = present::of(registry, &record.lab)?;
    Ok((Some(record), old))
}

/// A lab with nothing in it is made, too: it is recorded.
fn is_done(steps: &[Step], before: Option<&LabRecord>) -> bool {
    steps.is_empty() && before.is_some()
}

/// Brings the machine from what there is of a lab to `lab`, or leaves it as it
/// was; returns what was done. `note` hears of what has to be done without.
pub fn up(lab: &Lab, file: &Path, note: impl Fn(String) + Sync) -> Result<Vec<Step>> {
    ensure!(geteuid().is_root(), "only root makes labs");
    process::keep_children();
    let registry = Registry::change()?;
    let signals = Deferred::hold()?;
    let progress = Progress::new();
    let run = Run {
        signals: &signals,
        progress: &progress,
        undoes: false,
    };
    let (before, old) = begin(&registry, lab)?;
    let passage = Passage::between(&old, lab);
    let steps = passage.plan.steps();
    if is_done(&steps, before.as_ref()) {
        return Ok(steps);
    }
    check::all(&registry, &passage)?;
    run.check()?;

    let is_new = before.is_none();
    let mut record = LabRecord {
        state: if is_new {
            State::Making
        } else {
            State::Changing
        },
        // From here on it is ours, also while the registry is not locked.
        worker: Some(Process::own()?),
        netns_cookie: own_cookie()?,
        lab: if is_new { lab.clone() } else { old.clone() },
        next: (!is_new).then(|| lab.clone()),
        file: file.to_owned(),
        commands: before.map_or(Vec::new(), |record| record.commands),
    };
    named::share_directory()?;
    record.put(&registry)?;
    let work = Work {
        run: &run,
        passage: &passage,
        note: &note,
    };
    match work.make(registry, &mut record) {
        Ok(()) => Ok(steps),
        Err(error) if is_new => Err(work.take_back(&record, error)),
        Err(error) => Err(work.change_back(record, error)),
    }
}

struct Work<'a, N> {
    run: &'a Run<'a>,
    passage: &'a Passage<'a>,
    note: &'a N,
}

impl<N: Fn(String) + Sync> Work<'_, N> {
    fn make(&self, registry: Registry, record: &mut LabRecord) -> Result<()> {
        let Work { run, passage, note } = *self;
        let born = passage.make(run, &registry, note)?;
        // Commands may take long to be ready, and look things up meanwhile.
        drop(registry);
        self.run_commands(record, &born)?;
        run.check()?;

        let registry = Registry::change()?;
        let departure = passage.departure(&registry)?;
        let mut changed = record.clone();
        let there: HashSet<&Name> = passage.new.nodes.iter().map(|node| &node.name).collect();
        (changed.commands).retain(|started| there.contains(&started.node));
        changed.lab = passage.new.clone();
        changed.next = None;
        changed.state = State::Up;
        changed.worker = None;
        changed.put(&registry)?;
        // From here on nothing is taken back.
        *record = changed;
        passage.leave(registry, departure, note).with_context(|| {
            format!(
                "lab {} is changed, but not all that it no longer has could be removed; `pernet node ls` and `pernet bridge ls` show what is left",
                record.lab.name
            )
        })
    }

    /// Ends commands that are no longer to run, and starts those that are, in nodes
    /// that were `born` and in those that stay. What was started is on record: so it
    /// is not started again where a change is taken back that had not come to it.
    fn run_commands(&self, record: &mut LabRecord, born: &[&Node]) -> Result<()> {
        // What ran in a node of the same name has gone with that.
        record.forget_commands(born);
        let nodes = self.passage.new.nodes.iter();
        let nodes: HashMap<&Name, &Node> = nodes.map(|node| (&node.name, node)).collect();
        let is_ended = |started: &Started| {
            let node = nodes.get(&started.node);
            node.is_some_and(|node| !node.commands.contains(&started.command))
        };
        commands::end(record.commands.iter().filter(|started| is_ended(started)))?;
        record.commands.retain(|started| !is_ended(started));
        let mut known: HashMap<&Name, Vec<&Command>> = HashMap::new();
        for started in &record.commands {
            let commands = known.entry(&started.node).or_default();
            commands.push(&started.command);
        }
        let changed = &self.passage.plan.nodes;
        let changed =
            (changed.added.iter().copied()).chain(changed.changed.iter().map(|&(_, node)| node));
        let unstarted = changed.map(|node| {
            let known = known.get(&node.name).map_or(&[][..], Vec::as_slice);
            let commands = node.commands.iter();
            let new = commands.filter(|command| !known.contains(command));
            (node, new.collect::<Vec<_>>())
        });
        let unstarted: Vec<_> = unstarted.collect();
        if unstarted.iter().all(|(_, commands)| commands.is_empty()) {
            return Ok(());
        }
        let made = commands::start(self.run, unstarted.into_iter(), &mut record.commands);
        // Whatever became of the last one, those that run are on record.
        let recorded = Registry::change().and_then(|registry| record.put(&registry));
        made.and(recorded)
    }

    /// Removes all that was made of a new lab, and returns the reason for it.
    fn take_back(&self, record: &LabRecord, reason: Error) -> Error {
        match Registry::change().and_then(|registry| down::remove(registry, record, self.note)) {
            Ok(()) => reason,
            Err(failure) => left(&record.lab, &reason, &failure),
        }
    }

    /// Brings a lab back to what it was, as far as that can be done: what ran in a
    /// node that was removed does not come back.
    fn change_back(&self, mut record: LabRecord, reason: Error) -> Error {
        if record.state == State::Up {
            // It failed while it removed what is no longer needed.
            return reason;
        }
        let run = Run {
            undoes: true,
            ..*self.run
        };
        let Passage { old, new, .. } = self.passage;
        let back = Passage::between(new, old);
        let work = Work {
            run: &run,
            passage: &back,
            note: self.note,
        };
        let undone = Registry::change().and_then(|registry| work.make(registry, &mut record));
        match undone {
            Ok(()) => reason,
            Err(failure) => left(old, &reason, &failure),
        }
    }
}

fn left(lab: &Lab, reason: &Error, failure: &Error) -> Error {
    anyhow!(
        "{reason:#}; not all could be undone: {failure:#}; `pernet down {}` removes what is left of the lab",
        lab.name
    )
}
