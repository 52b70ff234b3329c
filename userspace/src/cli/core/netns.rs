// SPDX-License-Identifier: MIT OR Apache-2.0

//! `netns`: runs a command as the first process of new namespaces, as CORE does.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use lexopt::Parser;
use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::{Uid, geteuid, setuid};

use super::options::{Manual, Task};
use crate::cli::output;
use crate::kernel::process::{self, Ended, Inherited};
use crate::node::init::environment::Environment;
use crate::node::lookup;

const MANUAL: Manual = Manual {
    name: "netns",
    usage: "
Usage: netns [-h|-V] [-w] -- command [args...]

Runs a command in network, pid, mount, UTS and IPC namespaces of its own, and
prints its pid.

Options:
  -h, --help     show this help and exit
  -V, --version  show the version and exit
  -w             wait for the command, and exit with its exit status
",
};

/// What is answered for a command that a signal ended, as with CORE.
const KILLED: u8 = 255;

pub fn run(parser: Parser) -> Result<u8> {
    let mut wait = false;
    let mut command = Vec::new();
    let task = MANUAL.read(parser, &mut command, |option, _| {
        wait |= option == 'w';
        Ok(option == 'w')
    })?;
    if let Task::Done(status) = task {
        return Ok(status);
    }
    if command.is_empty() {
        return MANUAL.wrong_usage("no command given", 1);
    }
    if !geteuid().is_root() {
        return MANUAL.wrong_usage("must be suid or run as root", 1);
    }
    setuid(Uid::from_raw(0)).context("cannot become root")?;
    start(command, wait)
}

fn start(command: Vec<OsString>, wait: bool) -> Result<u8> {
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET;
    let pid = process::clone(namespaces, Child { command }, Child::live)
        .context("cannot make the namespaces")?;
    output::print(&format!("{pid}\n"))?;
    if !wait {
        return Ok(0);
    }
    let status = process::reap(Some(pid), 0).context("cannot wait for the command")?;
    Ok(match status.map(|(_, status)| Ended::from_status(status)) {
        Some(Ended::Exited(status)) => status,
        Some(Ended::Killed(signal)) => {
            eprintln!("process terminated by signal {signal}");
            KILLED
        }
        None => KILLED,
    })
}

struct Child {
    command: Vec<OsString>,
}

impl Inherited for Child {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }
}

impl Child {
    fn live(self) -> u8 {
        let note = |error| output::complain("netns: note", format!("{error:#}"));
        if let Err(error) = Environment::default().prepare(note) {
            output::complain("netns", format!("{error:#}"));
            return 1;
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return 1;
        };
        // Unlike execvp(3) alone, this lets the command have SIGPIPE, which Rust
        // takes away.
        let error = Command::new(program).args(arguments).exec();
        let errno = error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw);
        let reason = lookup::why_not(program, &lookup::path(), errno);
        let (program, why) = (Path::new(program).display(), io::Error::from(reason));
        output::complain("netns", format!("cannot run {program}: {why}"));
        lookup::exit_status(reason)
    }
}
