// SPDX-License-Identifier: MIT OR Apache-2.0

//! Ending a node's processes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::libc;
use nix::poll::PollTimeout;

use super::{Node, existing};
use crate::kernel::process::Pidfd;
use crate::netns::Name;
use crate::node::registry::{Kind, Registry};

/// The first process gives the others two seconds; then it has this much more.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks first processes to end, all at once, and waits for them; those that do
/// not are killed, and the kernel kills with them all that is in their namespaces.
pub fn end<'a>(processes: impl Iterator<Item = &'a Pidfd> + Clone) -> Result<()> {
    for process in processes.clone() {
        match process.signal(libc::SIGTERM) {
            Err(Errno::ESRCH) => {}
            sent => sent.context("cannot end a node's first process")?,
        }
    }
    let deadline = Instant::now() + PATIENCE;
    for process in processes {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ended = process.wait(left);
        if !ended.context("cannot wait for a node's first process")? {
            kill(process)?;
        }
    }
    Ok(())
}

/// Kills a first process, and the kernel with it all that is in its namespaces.
pub fn kill(process: &Pidfd) -> Result<()> {
    let what = "cannot kill a node's first process";
    match process.signal(libc::SIGKILL) {
        Err(Errno::ESRCH) => return Ok(()),
        sent => sent.context(what)?,
    }
    process.wait(PollTimeout::NONE).map(drop).context(what)
}

/// The first processes of those that have one.
pub fn processes(nodes: &[Node]) -> impl Iterator<Item = &Pidfd> + Clone {
    nodes.iter().filter_map(|node| node.process.as_ref())
}

/// Ends the processes of nodes, which keep their network namespaces and links.
pub fn stop(names: &[Name]) -> Result<()> {
    super::check_distinct(names)?;
    let registry = Registry::change()?;
    let nodes = names
        .iter()
        .map(|name| {
            let node = existing(&registry, name)?;
            match (node.record.kind, &node.named) {
                (Kind::Full, Some(_)) => Ok(node),
                (Kind::Full, None) => bail!(
                    "node {name} has no name that would keep its network namespace; `pernet node del {name}` deletes it"
                ),
                _ => bail!("node {name} has no processes of its own to stop"),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    end(processes(&nodes))
}

/// Waits until the first process of a node has ended.
pub fn wait(name: &Name) -> Result<()> {
    let registry = Registry::read()?.context("there are no nodes")?;
    let node = existing(&registry, name)?;
    // Whoever is to end it must be able to change the registry meanwhile.
    drop(registry);
    match (&node.process, node.record.kind) {
        (Some(process), _) => {
            let ended = process.wait(PollTimeout::NONE);
            ended
                .map(drop)
                .with_context(|| format!("cannot wait for node {name}"))
        }
        (None, Kind::Full) => Ok(()),
        (None, _) => bail!("node {name} has no first process whose end could be waited for"),
    }
}
