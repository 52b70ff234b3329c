// SPDX-License-Identifier: MIT OR Apache-2.0

//! Waiting for a command that runs elsewhere, as if it ran here.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::SignalFd;

use super::Pty;
use crate::signals;

/// A command that runs elsewhere.
pub trait Attended {
    /// How it ended.
    type End;

    /// Readable when there is something to hear of it.
    fn events(&self) -> BorrowedFd<'_>;

    /// Hears it; the end when it has ended.
    fn hear(&mut self) -> Result<Option<Self::End>>;

    /// A signal came that is meant for it.
    fn signal(&mut self, signal: i32) -> Result<()>;

    /// A child of ours changed: ended, stopped or went on.
    fn child_changed(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Holds back every signal that can be, to be passed on by [`attend`]. A command
/// that is started after this must let them through again.
pub fn hold_signals() -> Result<SignalFd> {
    signals::hold(&SigSet::all())
}

/// Stays with `command` until it has ended. With a terminal, what is typed goes
/// to it and what it writes is shown, to the last byte.
pub fn attend<C: Attended>(
    command: &mut C,
    mut pty: Option<Pty>,
    signals: &SignalFd,
) -> Result<C::End> {
    let end = loop {
        let ready = wait(command.events(), pty.as_ref(), signals)?;
        if ready.signals {
            pass_on(command, pty.as_ref(), signals)?;
        }
        if let Some(pty) = &mut pty {
            if ready.output {
                pty.show_output();
            }
            if ready.input {
                pty.read_input();
            }
            if ready.room {
                pty.write_input();
            }
        }
        if ready.events {
            if let Some(end) = command.hear()? {
                break end;
            }
        }
    };
    while pty.as_mut().is_some_and(Pty::show_output) {}
    Ok(end)
}

fn pass_on<C: Attended>(command: &mut C, pty: Option<&Pty>, signals: &SignalFd) -> Result<()> {
    while let Some(info) = signals.read_signal().context("cannot watch for signals")? {
        match (i32::try_from(info.ssi_signo)?, pty) {
            (libc::SIGWINCH, Some(pty)) => pty.resize(),
            // Ours are not the command's children.
            (libc::SIGCHLD, _) => command.child_changed()?,
            (signal, _) => command.signal(signal)?,
        }
    }
    Ok(())
}

/// What can be done now.
struct Ready {
    events: bool,
    signals: bool,
    output: bool,
    room: bool,
    input: bool,
}

fn wait(events: BorrowedFd, pty: Option<&Pty>, signals: &SignalFd) -> Result<Ready> {
    let (input, readable) = (io::stdin(), PollFlags::POLLIN);
    let mut fds = vec![
        PollFd::new(events, readable),
        PollFd::new(signals.as_fd(), readable),
    ];
    if let Some(pty) = pty {
        let mut flags = readable;
        flags.set(PollFlags::POLLOUT, pty.has_input());
        fds.push(PollFd::new(pty.as_fd(), flags));
        if pty.wants_input() {
            fds.push(PollFd::new(input.as_fd(), readable));
        }
    }
    loop {
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            polled => {
                polled.context("cannot wait for the command")?;
                break;
            }
        }
    }
    // An error or an end is something to hear of, too.
    let readable = !PollFlags::POLLOUT;
    let has = |index: usize, flags| {
        let came = fds.get(index).and_then(PollFd::revents);
        came.is_some_and(|came| came.intersects(flags))
    };
    Ok(Ready {
        events: has(0, readable),
        signals: has(1, readable),
        output: has(2, readable),
        room: has(2, PollFlags::POLLOUT),
        input: has(3, readable),
    })
}
