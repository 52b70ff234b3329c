// SPDX-License-Identifier: MIT OR Apache-2.0

//! A child becoming a command that a client asked for.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, execvp, getpid, isatty, setsid};

use crate::kernel::{process, terminal};

/// What shells return where a command cannot be run, and where there is none.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Becomes the command, in a session of its own; returns an exit status, with
/// the reason on the command's standard error, only when that fails.
pub fn become_command(arguments: &[CString], descriptors: Option<[OwnedFd; 3]>) -> u8 {
    let Some(program) = arguments.first() else {
        return CANNOT_RUN;
    };
    let errno = match prepare(descriptors) {
        Ok(()) => {
            let Err(errno) = execvp(program, arguments);
            errno
        }
        Err(errno) => errno,
    };
    complain(program, errno);
    match errno {
        Errno::ENOENT => NOT_FOUND,
        _ => CANNOT_RUN,
    }
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
    if isatty(io::stdin())? {
        // One that is another session's already stays that one's.
        let _ = terminal::take_control(io::stdin());
    } else if isatty(io::stdout())? {
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

fn complain(program: &CStr, errno: Errno) {
    let program = program.to_string_lossy();
    let reason = io::Error::from(errno);
    eprintln!("vnoded[{}]: cannot run {program}: {reason}", getpid());
}
