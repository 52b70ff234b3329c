// SPDX-License-Identifier: MIT OR Apache-2.0

//! A child becoming a command that a client asked for.

use std::ffi::{CString, OsStr};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, execvp, setsid};

use super::server::complain;
use crate::kernel::{process, terminal};
use crate::node::lookup;

/// The server answers such a request without a child.
const NOTHING_TO_RUN: u8 = 126;

/// Becomes the command, in a session of its own; returns an exit status, with
/// the reason on the command's standard error, only when that fails.
pub fn become_command(arguments: &[CString], descriptors: Option<[OwnedFd; 3]>) -> u8 {
    let Some(program) = arguments.first() else {
        return NOTHING_TO_RUN;
    };
    let errno = match prepare(descriptors) {
        Ok(()) => {
            let Err(errno) = execvp(program, arguments);
            errno
        }
        Err(errno) => errno,
    };
    let program = OsStr::from_bytes(program.as_bytes());
    let reason = lookup::why_not(program, &lookup::path(), errno);
    complain(format_args!(
        "cannot run {}: {}",
        program.to_string_lossy(),
        io::Error::from(reason)
    ));
    lookup::exit_status(reason)
}

fn prepare(descriptors: Option<[OwnedFd; 3]>) -> nix::Result<()> {
    setsid()?;
    if let Some([input, output, error]) = descriptors {
        dup2_stdin(input)?;
        dup2_stdout(output)?;
        dup2_stderr(error)?;
    }
    wait_for_io(io::stdin())?;
    wait_for_io(io::stdout())?;
    wait_for_io(io::stderr())?;
    if io::stdin().is_terminal() {
        // One that is another session's already stays that one's.
        let _ = terminal::take_control(io::stdin());
    } else if io::stdout().is_terminal() {
        let _ = terminal::take_control(io::stdout());
    }
    process::default_signals();
    Ok(())
}

/// Commands expect to wait for what is not ready, and a client may have set its
/// end not to. That changes the client's too, as with CORE.
fn wait_for_io(fd: impl AsFd) -> nix::Result<()> {
    let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
    if flags.contains(OFlag::O_NONBLOCK) {
        fcntl(&fd, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    }
    Ok(())
}
