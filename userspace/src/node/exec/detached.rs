// SPDX-License-Identifier: MIT OR Apache-2.0

//! A command that is left behind.

use std::ffi::OsStr;
use std::fs::File;
use std::io;

use anyhow::{Context, Error, Result};
use nix::fcntl::readlinkat;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::report::{self, Speaker};
use super::target::Inside;
use super::{Order, Target, child};
use crate::kernel::process;
use crate::node::files;
use crate::node::registry;

/// Ours, opened where we are.
struct Files {
    null: File,
    log: File,
    proc: File,
}

/// Starts the command in a session of its own and returns its pid, as seen from
/// here. It is a child of the node's first process, reads nothing, and writes to
/// the node's log, if there is one.
pub fn detached(target: &Target, order: &Order, note: impl Fn(Error)) -> Result<Pid> {
    let files = Files::open(target)?;
    let (listener, speaker) = report::pair()?;
    let inside = target.enter(note)?;
    process::keep_children();
    let between = process::fork(|| leave(&files, order, &inside, &speaker))
        .context("cannot make a process for the command")?;
    drop(speaker);
    let _ = process::reap(Some(between), 0);
    let program = order.command.first().map(AsRef::as_ref);
    let said = listener.hear(program.unwrap_or(OsStr::new("")))?;
    match said.error {
        Some(error) => Err(error),
        None => said.pid.context("the command ended before it was started"),
    }
}

/// In the child, which is in the node as its parent is not: its own child is
/// adopted by the node's first process as soon as this one ends, which it does at
/// once.
fn leave(files: &Files, order: &Order, inside: &Inside, speaker: &Speaker) -> u8 {
    let command = process::fork(|| {
        let error = files.settle(speaker).map_or_else(
            |error| error,
            |()| child::become_command(order, inside, None),
        );
        speaker.say_error(&error)
    });
    let made = command.context("cannot make a process for the command");
    made.map_or_else(|error| speaker.say_error(&error), |_| 0)
}

impl Files {
    fn open(target: &Target) -> Result<Self> {
        let null = File::options().read(true).write(true).open("/dev/null");
        let null = null.context("cannot open /dev/null")?;
        Ok(Files {
            log: match open_log(target)? {
                Some(log) => log,
                None => null.try_clone().context("cannot open /dev/null")?,
            },
            null,
            proc: File::open("/proc").context("cannot open /proc")?,
        })
    }

    fn settle(&self, speaker: &Speaker) -> Result<()> {
        speaker.say_pid(self.pid_outside()?);
        setsid().context("cannot make a session")?;
        dup2_stdin(&self.null)
            .and_then(|()| dup2_stdout(&self.log))
            .and_then(|()| dup2_stderr(&self.log))
            .context("cannot take leave of the terminal")
    }

    /// The pid of this process where the caller is: /proc says it to whoever
    /// asks, as of the namespace it was mounted for.
    fn pid_outside(&self) -> Result<Pid> {
        let pid = readlinkat(&self.proc, "self").context("cannot read /proc/self")?;
        let pid = pid.to_str().and_then(|pid| pid.parse().ok());
        pid.map(Pid::from_raw)
            .context("cannot understand /proc/self")
    }
}

fn open_log(target: &Target) -> Result<Option<File>> {
    let Some(name) = target.name() else {
        return Ok(None);
    };
    let Ok(directory) = registry::place() else {
        return Ok(None);
    };
    let path = files::Files::below(&directory, name).log;
    match File::options().append(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        log => log
            .map(Some)
            .with_context(|| format!("cannot open log {}", path.display())),
    }
}
