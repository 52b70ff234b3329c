// SPDX-License-Identifier: MIT OR Apache-2.0

//! Becoming a command in a namespace.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Error, Result};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::mounts;
use crate::netns::Reference;

/// A command that could not be started.
#[derive(Debug)]
pub struct NotStarted {
    command: OsString,
    error: io::Error,
}

impl NotStarted {
    /// What shells return in this case.
    pub fn status(&self) -> u8 {
        match self.error.kind() {
            ErrorKind::NotFound => 127,
            _ => 126,
        }
    }
}

/// Turns this process into `command` in the namespace `netns`; returns only
/// with the reason why not. `note` hears of what the command has to do without.
pub fn become_command(netns: &Reference, command: &[OsString], note: impl Fn(Error)) -> Error {
    let Some((program, arguments)) = command.split_first() else {
        return Error::msg("there is no command to run");
    };
    if let Err(error) = enter(netns, &note) {
        return error.context(format!("cannot enter {netns}"));
    }
    let mut error = Command::new(program).args(arguments).exec();
    // A directory of the path that may not be searched hides that the command
    // is in none of them.
    if error.kind() == ErrorKind::PermissionDenied && !is_somewhere(program) {
        error = Errno::ENOENT.into();
    }
    Error::new(NotStarted {
        command: program.clone(),
        error,
    })
}

/// Whether there is such a file, on the path where it is looked for there.
fn is_somewhere(program: &OsStr) -> bool {
    if program.as_encoded_bytes().contains(&b'/') {
        return true;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// Into the network namespace, and into a mount namespace where /sys is its
/// own and /etc that of its name, if it was asked for by name: another way to
/// it says nothing of files.
fn enter(netns: &Reference, note: &impl Fn(Error)) -> Result<()> {
    let found = netns.resolve()?;
    found.netns.enter()?;
    unshare(CloneFlags::CLONE_NEWNS).context("cannot make a mount namespace")?;
    mounts::keep_apart()?;
    mounts::mount_sys()
        .unwrap_or_else(|error| note(error.context("/sys shows the devices of another namespace")));
    if let Some(name) = found.name() {
        mounts::bind_own_files(&mounts::own_etc(name), note)?;
    }
    Ok(())
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "cannot run {}", Path::new(&self.command).display())
    }
}

impl std::error::Error for NotStarted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
