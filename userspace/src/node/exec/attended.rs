// SPDX-License-Identifier: MIT OR Apache-2.0

//! A command that runs as a child, while this process waits for it.

use std::time::Duration;

use anyhow::{Context, Error, Result};
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, setpgid, setsid};

use super::job::Job;
use super::{Order, Target, child, report};
use crate::kernel::process::{self, Ended, Pidfd};
use crate::kernel::terminal as tty;
use crate::terminal::{Pty, attend, hold_signals};

/// How a command is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// It has a terminal of its own, shown on ours.
    pub terminal: bool,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// What timeout(1) returns.
pub const TIMED_OUT: u8 = 124;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub ended: Ended,
    /// It took too long, and so was ended.
    pub timed_out: bool,
}

impl Outcome {
    /// As timeout(1) and shells say it.
    pub fn exit_status(self) -> u8 {
        match self.timed_out {
            true => TIMED_OUT,
            false => self.ended.exit_status(),
        }
    }
}

/// Runs the command and waits for it. Signals that reach this process reach all
/// of the command's process group; when this process ends, the command does.
/// With a `client`, this process ends when that one does, its parent.
pub fn attended(
    target: &Target,
    order: &Order,
    manner: Manner,
    client: Option<&Pidfd>,
    note: impl Fn(Error),
) -> Result<Outcome> {
    let own = Pidfd::open(getpid()).context("cannot hold on to this process")?;
    let before = SigSet::thread_get_mask().context("cannot tell which signals are held back")?;
    let signals = hold_signals()?;
    process::keep_children();
    // Its files are those of our mounts.
    let pty = manner.terminal.then(Pty::open).transpose()?;
    let (listener, speaker) = report::pair()?;
    let inside = target.enter(note)?;
    client.map_or(Ok(()), child::die_with)?;
    let pid = process::spawn(|| {
        let error = settle(pty.as_ref(), &before).map_or_else(
            |error| error,
            |()| child::become_command(order, &inside, Some(&own)),
        );
        speaker.say_error(&error)
    })
    .context("cannot make a process for the command")?;
    drop(speaker);
    let mut job = Job::new(pid, manner)?;
    let outcome = attend(&mut job, pty, &signals)?;
    let program = order.command.first().map(AsRef::as_ref);
    match listener.hear(program.unwrap_or_default())?.error {
        Some(error) => Err(error),
        None => Ok(outcome),
    }
}

/// In the child: a session of its own with the terminal, or else a process group
/// of its own; and signals as the caller has them.
fn settle(pty: Option<&Pty>, before: &SigSet) -> Result<()> {
    match pty {
        Some(pty) => {
            let taking = "cannot give the command its terminal";
            setsid().context(taking)?;
            tty::take_control(&pty.slave).context(taking)?;
            dup2_stdin(&pty.slave).context(taking)?;
            dup2_stdout(&pty.slave).context(taking)?;
            dup2_stderr(&pty.slave).context(taking)?;
        }
        None => {
            let itself = Pid::from_raw(0);
            setpgid(itself, itself).context("cannot make a process group")?;
        }
    }
    before
        .thread_set_mask()
        .context("cannot let signals through")
}
