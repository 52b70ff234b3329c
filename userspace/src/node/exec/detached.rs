// SPDX-License-Identifier: MIT OR Apache-2.0

//! A command that is left behind.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Error, Result};
use nix::errno::Errno;
use nix::fcntl::readlinkat;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, setsid};

use super::report::{self, Speaker};
use super::target::Inside;
use super::{Order, Target, child};
use crate::kernel::process::{self, Ended, Pidfd};
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
    start(target, order, note, false).map(|(pid, _)| pid)
}

/// The same, but the command is watched until there is something to read from
/// `leash`: calls `started` with its pid, and returns its exit status when it ends
/// before that. Let go of, it is a child of the node's first process.
pub fn watched(
    target: &Target,
    order: &Order,
    leash: BorrowedFd,
    note: impl Fn(Error),
    started: impl FnOnce(Pid),
) -> Result<Option<u8>> {
    let waiting = "cannot wait for the command";
    let (pid, between) = start(target, order, note, true)?;
    started(pid);
    let held = Pidfd::open(between).context(waiting)?;
    let mut events = [held.as_fd(), leash].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    while let Err(Errno::EINTR) = poll(&mut events, PollTimeout::NONE) {}
    let ended = held.has_ended().context(waiting)?;
    // Whoever reaps it, if this process does not, may not do it: and what is not
    // reaped keeps the node's pid namespace from going.
    let _ = held.signal(libc::SIGKILL);
    let status = process::reap(Some(between), 0).context(waiting)?;
    let status = status.map(|(_, status)| Ended::from_status(status).exit_status());
    Ok(status.filter(|_| ended))
}

/// Returns the pids of the command, and of the process between, if it stays.
fn start(target: &Target, order: &Order, note: impl Fn(Error), stays: bool) -> Result<(Pid, Pid)> {
    let files = Files::open(target)?;
    let (listener, speaker) = report::pair()?;
    let inside = target.enter(note)?;
    process::keep_children();
    let client = Pidfd::open(getpid()).context("cannot hold on to this process")?;
    let client = stays.then_some(&client);
    let between = process::fork(|| leave(&files, order, &inside, speaker, client))
        .context("cannot make a process for the command")?;
    if !stays {
        let _ = process::reap(Some(between), 0);
    }
    let program = order.command.first().map(AsRef::as_ref);
    let said = listener.hear(program.unwrap_or(OsStr::new("")))?;
    match said.error {
        Some(error) => Err(error),
        None => {
            let pid = said.pid.context("the command ended before it was started");
            pid.map(|pid| (pid, between))
        }
    }
}

/// In the child, which is in the node as its parent is not: its own child is
/// adopted by the node's first process as soon as this one ends. It does that at
/// once, or with the `client` that wants to know what becomes of the command.
fn leave(
    files: &Files,
    order: &Order,
    inside: &Inside,
    speaker: Speaker,
    client: Option<&Pidfd>,
) -> u8 {
    let tied = client.map_or(Ok(()), child::die_with);
    let command = tied.and_then(|()| {
        let made = process::fork(|| {
            let error = files.settle(&speaker).map_or_else(
                |error| error,
                |()| child::become_command(order, inside, None),
            );
            speaker.say_error(&error)
        });
        made.context("cannot make a process for the command")
    });
    let command = match command {
        Ok(command) => command,
        Err(error) => return speaker.say_error(&error),
    };
    drop(speaker);
    match client.map(|_| process::reap(Some(command), 0)) {
        Some(Ok(Some((_, status)))) => Ended::from_status(status).exit_status(),
        _ => 0,
    }
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
