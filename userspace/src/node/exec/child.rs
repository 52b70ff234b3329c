// SPDX-License-Identifier: MIT OR Apache-2.0

//! The last steps of a process before it is the command.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Error, Result};
use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::{Signal, raise};
use nix::unistd::chdir;

use super::target::Inside;
use super::user;
use super::{NotStarted, Order};
use crate::kernel::process::Pidfd;
use crate::node::lookup;

/// Becomes the command, from `inside`; returns only with the reason why not.
pub fn become_command(order: &Order, inside: &Inside, client: Option<&Pidfd>) -> Error {
    match prepare(order, inside, client) {
        Ok(()) => run(order),
        Err(error) => error,
    }
}

fn prepare(order: &Order, inside: &Inside, client: Option<&Pidfd>) -> Result<()> {
    match &order.user {
        Some(user) => user.find()?.become_it()?,
        None if inside.is_nobody => user::become_root()?,
        None => {}
    }
    go(order.directory.as_deref(), inside.left.as_deref())?;
    // Last, since a process that becomes another user forgets it.
    client.map_or(Ok(()), die_with)
}

/// To where the command was to run, or to where the caller was: some directories
/// are not in the node, or not for the user.
fn go(directory: Option<&Path>, left: Option<&Path>) -> Result<()> {
    if let Some(directory) = directory {
        let directory = left.unwrap_or(Path::new("")).join(directory);
        return chdir(&directory).with_context(|| format!("cannot go to {}", directory.display()));
    }
    if let Some(left) = left {
        chdir(left)
            .or_else(|_| chdir("/"))
            .context("cannot go to /")?;
    }
    Ok(())
}

/// Ends this process when `client` ends, its parent.
pub fn die_with(client: &Pidfd) -> Result<()> {
    let tying = "cannot tie the command to its client";
    prctl::set_pdeathsig(Signal::SIGKILL).context(tying)?;
    // It may have ended before that. No pid says so: a parent outside the pid
    // namespace has none.
    if client.has_ended().context(tying)? {
        let _ = raise(Signal::SIGKILL);
    }
    Ok(())
}

fn run(order: &Order) -> Error {
    let Some((program, arguments)) = order.command.split_first() else {
        return Error::msg("there is no command to run");
    };
    let mut command = Command::new(program);
    command.args(arguments);
    if order.clear_environment {
        command.env_clear();
    }
    for (name, value) in &order.environment {
        command.env(name, value);
    }
    // An argument that cannot be one has no number of its own.
    let errno = command.exec().raw_os_error().unwrap_or(libc::EINVAL);
    let reason = lookup::why_not(program, &path(order), Errno::from_raw(errno));
    NotStarted::new(program, reason as i32).into()
}

/// Where commands are looked for.
fn path(order: &Order) -> OsString {
    let own = order
        .environment
        .iter()
        .rev()
        .find(|(name, _)| name == "PATH");
    match own {
        Some((_, path)) => path.clone(),
        None if order.clear_environment => OsString::new(),
        None => lookup::path(),
    }
}
