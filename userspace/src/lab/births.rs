// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making the nodes of a lab, on all cores.
//!
//! Namespaces are made by threads. A first process is a copy of the process that
//! makes it, which must have no other thread then: so first processes are made by
//! processes, each with a share of the nodes.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use anyhow::{Context, Error, Result, bail};
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, pipe2};

use super::model::{Kind, Node};
use super::workers::Run;
use crate::kernel::process;
use crate::node::init::environment::Ipv6;
use crate::node::life::Birth;
use crate::node::registry::Registry;
use crate::parallel::cores;

/// While one waits for a first process, another makes the next.
const HANDS_PER_CORE: usize = 2;

/// How often it is looked for ^C, in milliseconds.
const INTERVAL: u8 = 50;

/// Said for each node that is made; after anything else comes why no more are.
const MADE: u8 = b'.';

/// Makes nodes whose names nothing has.
pub fn bear(
    run: &Run,
    registry: &Registry,
    nodes: &[&Node],
    note: &(impl Fn(String) + Sync),
) -> Result<()> {
    run.progress.begin("nodes", nodes.len());
    let of_kind = |kind| nodes.iter().copied().filter(move |node| node.kind == kind);
    let net_only: Vec<&Node> = of_kind(Kind::NetOnly).collect();
    run.spread(
        &net_only,
        16,
        |number| Ok(registry.hand(number)),
        |registry, nodes| {
            let mut nodes = nodes.iter();
            nodes.try_for_each(|node| birth(node).happen(registry, note))
        },
    )?;
    let full: Vec<&Node> = of_kind(Kind::Full).collect();
    let hands = (cores() * HANDS_PER_CORE).min(full.len() / 4);
    if hands < 2 {
        return full.iter().try_for_each(|node| {
            run.check()?;
            birth(node).happen(registry, note)?;
            run.progress.advance(1);
            Ok(())
        });
    }
    share(run, registry, &full, hands, note)
}

fn birth(node: &Node) -> Birth<'_> {
    Birth {
        name: &node.netns,
        host_name: &node.name,
        net_only: node.kind == Kind::NetOnly,
        ipv6: match (node.ipv6, node.dad) {
            (false, _) => Ipv6::Off,
            (true, false) => Ipv6::Untried,
            (true, true) => Ipv6::Usual,
        },
    }
}

/// A process that makes some of the nodes, and what it says of it.
struct Hand {
    pid: Pid,
    said: File,
}

fn share(
    run: &Run,
    registry: &Registry,
    nodes: &[&Node],
    hands: usize,
    note: &impl Fn(String),
) -> Result<()> {
    let mut working = Vec::new();
    let mut failure = None;
    for number in 0..hands {
        let share: Vec<&Node> = nodes.iter().skip(number).step_by(hands).copied().collect();
        match Hand::begin(run, &registry.hand(number), &share, note) {
            Ok(hand) => working.push(hand),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    loop {
        if failure.is_none() {
            failure = run.check().err();
        }
        if failure.is_some() {
            // They stop before the next node, as for ^C.
            for hand in &working {
                let _ = process::kill(hand.pid, libc::SIGTERM);
            }
        }
        if working.is_empty() {
            return failure.map_or(Ok(()), Err);
        }
        if let Err(error) = listen(run, &mut working) {
            failure.get_or_insert(error);
        }
    }
}

/// Hears what the hands say; those that have ended are no longer among them.
fn listen(run: &Run, working: &mut Vec<Hand>) -> Result<()> {
    let mut ready: Vec<PollFd> = (working.iter())
        .map(|hand| PollFd::new(hand.said.as_fd(), PollFlags::POLLIN))
        .collect();
    poll(&mut ready, PollTimeout::from(INTERVAL)).context("cannot wait for processes")?;
    let ready: Vec<bool> = ready.iter().map(|hand| hand.any() == Some(true)).collect();
    let mut failure = None;
    let mut ready = ready.into_iter();
    working.retain_mut(|hand| match ready.next() {
        Some(true) => hand.hear(run).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            false
        }),
        _ => true,
    });
    failure.map_or(Ok(()), Err)
}

impl Hand {
    fn begin(
        run: &Run,
        registry: &Registry,
        nodes: &[&Node],
        note: &impl Fn(String),
    ) -> Result<Self> {
        let (said, saying) = pipe2(OFlag::O_CLOEXEC).context("cannot make a pipe")?;
        let mut saying = File::from(saying);
        let pid = process::fork(|| {
            let made = nodes.iter().try_for_each(|node| {
                run.check()?;
                birth(node).happen(registry, note)?;
                saying.write_all(&[MADE]).context("nobody listens any more")
            });
            let Err(error) = made else { return 0 };
            let _ = saying.write_all(format!("!{error:#}").as_bytes());
            1
        });
        let pid = pid.context("cannot make a process that makes nodes")?;
        let said = said.into();
        Ok(Hand { pid, said })
    }

    /// Whether it goes on.
    fn hear(&mut self, run: &Run) -> Result<bool> {
        let mut words = [0; 512];
        let length = self.said.read(&mut words).map_err(Error::from);
        let words = &words[..length.context("cannot hear what was made")?];
        let made = words.iter().take_while(|&&word| word == MADE).count();
        run.progress.advance(made);
        if made == words.len() && made > 0 {
            return Ok(true);
        }
        let mut reason = words[made..].to_vec();
        let _ = self.said.read_to_end(&mut reason);
        let ended = process::reap(Some(self.pid), 0);
        let status = ended.context("cannot wait for a process that makes nodes")?;
        match (&reason[..], status) {
            ([], Some((_, 0))) => Ok(false),
            ([_, reason @ ..], _) => bail!("{}", String::from_utf8_lossy(reason)),
            _ => bail!("a process that made nodes ended before it was done"),
        }
    }
}
