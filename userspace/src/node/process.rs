// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that are remembered: a pid may mean another one by the time it is
//! used, a pid together with a start time does not.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::unistd::{Pid, getpid};
use serde::{Deserialize, Serialize};

use crate::kernel::process::Pidfd;

/// Which process it is, until the next boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// In the pid namespace of whoever recorded it.
    pub pid: i32,
    /// The number of that namespace's file.
    pub pid_namespace: u64,
    /// When it was started: in clock ticks since boot, field 22 of proc(5)'s
    /// /proc/PID/stat.
    pub start_time: u64,
    /// What no other process has until the next boot, where the kernel says it.
    pub identity: Option<u64>,
}

impl Process {
    /// The process that has this pid now, and is there until its parent asks what
    /// became of it.
    pub fn of(pid: Pid) -> Result<Self> {
        let start_time = start_time(pid)?.with_context(|| format!("there is no process {pid}"))?;
        Ok(Process {
            pid: pid.as_raw(),
            pid_namespace: own_pid_namespace()?,
            start_time,
            identity: hold(pid)?.map_or(Ok(None), |held| held.identity())?,
        })
    }

    /// This one.
    pub fn own() -> Result<Self> {
        Process::of(getpid())
    }

    /// A process of ours that had this pid and has ended already.
    pub fn ended(pid: i32) -> Result<Self> {
        Ok(Process {
            pid,
            pid_namespace: own_pid_namespace()?,
            start_time: 0,
            identity: None,
        })
    }

    /// A hold on the process, which can then not be mistaken for another; nothing
    /// where it has ended.
    pub fn open(&self) -> Result<Option<Pidfd>> {
        // Whatever the pid means here, an identity is the same everywhere, and says
        // all that there is to know; to find out in which pid namespace we are
        // takes longer.
        if self.identity.is_some() {
            if let Some(held) = hold(Pid::from_raw(self.pid))? {
                if held.identity()? == self.identity {
                    return Ok((!held.has_ended()?).then_some(held));
                }
            }
        }
        let Some(pid) = self.pid_here()? else {
            return Ok(None);
        };
        hold(pid)?.map_or(Ok(None), |held| self.check(pid, held))
    }

    /// Now that the pid can be nobody else's any more: is it the one?
    fn check(&self, pid: Pid, held: Pidfd) -> Result<Option<Pidfd>> {
        let is_it = start_time(pid)? == Some(self.start_time)
            && (self.identity.is_none() || held.identity()? == self.identity)
            && !held.has_ended()?;
        Ok(is_it.then_some(held))
    }

    /// Its pid in our pid namespace, if it can have one and, in a namespace below
    /// ours, is the first process of one of its own.
    pub fn pid_here(&self) -> Result<Option<Pid>> {
        if self.pid_namespace == own_pid_namespace()? {
            return Ok(Some(Pid::from_raw(self.pid)));
        }
        let entries = fs::read_dir("/proc").context("cannot list the processes")?;
        for entry in entries.flatten() {
            let pid = entry.file_name().to_str().and_then(|pid| pid.parse().ok());
            let Some(pid) = pid.map(Pid::from_raw) else {
                continue;
            };
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            if is_known_as(&status, self.pid) && start_time(pid)? == Some(self.start_time) {
                return Ok(Some(pid));
            }
        }
        Ok(None)
    }
}

/// A hold on the process that has this pid now; nothing where there is none.
fn hold(pid: Pid) -> Result<Option<Pidfd>> {
    match Pidfd::open(pid) {
        Err(Errno::ESRCH) => Ok(None),
        held => (held.map(Some)).with_context(|| format!("cannot hold on to process {pid}")),
    }
}

/// Whether a process, by proc(5)'s status, is the first of its pid namespace and
/// has this pid in the one above.
fn is_known_as(status: &str, pid: i32) -> bool {
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let pids: Vec<_> = pids.unwrap_or_default().split_whitespace().collect();
    matches!(&pids[..], [.., above, "1"] if above.parse() == Ok(pid))
}

fn own_pid_namespace() -> Result<u64> {
    let namespace = fs::metadata("/proc/self/ns/pid").context("cannot examine a pid namespace")?;
    Ok(namespace.ino())
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
        let without = Process {
            identity: None,
            ..own
        };
        assert!(without.open().unwrap().is_some());
        for other in [
            Process {
                start_time: own.start_time + 1,
                ..without
            },
            Process {
                identity: own.identity.map(|identity| identity + 1),
                start_time: own.start_time + u64::from(own.identity.is_none()),
                ..own
            },
        ] {
            assert!(other.open().unwrap().is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_first_process_is_known_by_its_pid_above() {
        for (status, is_known) in [
            ("Name:\tx\nNSpid:\t4711\t57\t1\n", true),
            ("NSpid:\t57\t1\n", true),
            ("NSpid:\t57\n", false),
            ("NSpid:\t57\t2\n", false),
            ("NSpid:\t57\t1\t1\n", false),
            ("", false),
        ] {
            assert_eq!(is_known_as(status, 57), is_known, "{status:?}");
        }
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
