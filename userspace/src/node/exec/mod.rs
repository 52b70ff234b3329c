// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a command in a node, or in any other network namespace.
//!
//! A [`Target`] is what a command enters. Where that is a network namespace, this
//! process can become the command itself ([`become_command`]): nothing is
//! between the command and its caller. A node has a pid namespace, which only a
//! child is born into, so there somebody has to stay: [`attended()`] waits for the
//! command and passes on signals and, with a terminal of its own, input and
//! output; [`detached()`] leaves it behind in the node; [`several`] runs one in each
//! of several nodes, as so many children that do one of the above.

mod attended;
mod child;
mod detached;
mod job;
mod report;
pub mod several;
mod target;
pub mod user;

pub use attended::{Manner, Outcome, TIMED_OUT, attended};
pub use detached::{detached, watched};
pub use target::Target;
pub use user::User;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Error;
use nix::errno::Errno;

use super::lookup;
pub use super::lookup::{CANNOT_RUN, NOT_FOUND};
use crate::kernel::process::Pidfd;

/// What is to run, and as what.
#[derive(Debug, Clone)]
pub struct Order {
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// Begins with no environment, not with the caller's.
    pub clear_environment: bool,
    pub environment: Vec<(OsString, OsString)>,
    /// Where it runs; without it, where the caller is, or else in /.
    pub directory: Option<PathBuf>,
    pub user: Option<User>,
}

/// A command that could not be started.
#[derive(Debug)]
pub struct NotStarted {
    command: OsString,
    error: io::Error,
}

impl NotStarted {
    fn new(command: &OsStr, errno: i32) -> Self {
        NotStarted {
            command: command.to_owned(),
            error: io::Error::from_raw_os_error(errno),
        }
    }

    fn errno(&self) -> i32 {
        self.error.raw_os_error().unwrap_or_default()
    }

    /// What shells return in this case.
    pub fn status(&self) -> u8 {
        lookup::exit_status(Errno::from_raw(self.errno()))
    }
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

/// Turns this process into the command; returns only with the reason why not.
/// With a `client`, the command dies with that process, its parent. `note` hears
/// of what it has to do without.
pub fn become_command(
    target: &Target,
    order: &Order,
    client: Option<&Pidfd>,
    note: impl Fn(Error),
) -> Error {
    match target.enter(note) {
        Ok(inside) => child::become_command(order, &inside, client),
        Err(error) => error,
    }
}
