// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that are remembered: a pid may mean another one by the time it is
//! used, a pid together with a start time does not.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::kernel::process::Pidfd;

/// Which process it is, until the next boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: i32,
    /// When it was started: in clock ticks since boot, field 22 of proc(5)'s
    /// /proc/PID/stat.
    pub start_time: u64,
}

impl Process {
    /// The process that has this pid now, and is there until its parent asks what
    /// became of it.
    pub fn of(pid: Pid) -> Result<Self> {
        let start_time = start_time(pid)?.with_context(|| format!("there is no process {pid}"))?;
        Ok(Process {
            pid: pid.as_raw(),
            start_time,
        })
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.pid)
    }

    /// A hold on the process, which can then not be mistaken for another; nothing
    /// where it has ended.
    pub fn open(&self) -> Result<Option<Pidfd>> {
        let pid = self.pid();
        let held = match Pidfd::open(pid) {
            Err(Errno::ESRCH) => return Ok(None),
            held => held.with_context(|| format!("cannot hold on to process {pid}"))?,
        };
        // Now that the pid can be nobody else's any more: is it the one?
        let is_it = start_time(pid)? == Some(self.start_time);
        Ok((is_it && !held.has_ended()?).then_some(held))
    }
}

/// More than 52 numbers and a name can fill.
const LONGEST_STAT: usize = 2048;

fn start_time(pid: Pid) -> Result<Option<u64>> {
    let path = format!("/proc/{pid}/stat");
    // In one go: the kernel makes it anew for each.
    let mut stat = [0; LONGEST_STAT];
    let Ok(length) = File::open(&path).and_then(|mut file| file.read(&mut stat)) else {
        return Ok(None);
    };
    let stat = String::from_utf8_lossy(&stat[..length]);
    // The name before it is in parentheses, and may have any of them in it.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = after_name.split_whitespace().nth(22 - 3);
    field
        .and_then(|field| field.parse().ok())
        .map(Some)
        .with_context(|| format!("cannot understand {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_too() {
        let own = Process::of(nix::unistd::getpid()).unwrap();
        assert!(own.open().unwrap().is_some());
        let other = Process {
            start_time: own.start_time + 1,
            ..own
        };
        assert!(other.open().unwrap().is_none());
    }

    #[test]
    fn a_process_that_has_ended_is_not_held() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        let process = Process::of(pid).unwrap();
        child.wait().unwrap();
        assert!(process.open().unwrap().is_none());
        assert!(Process::of(pid).is_err());
    }
}
