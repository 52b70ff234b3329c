// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces by the processes in them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::Pid;

use super::{Inode, Netns};

/// The file that leads to the namespace of process `pid`.
pub fn path(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/ns/net"))
}

/// The namespace of process `pid`; nothing where there is no such process, or
/// only what its parent has not yet asked for.
pub fn look(pid: Pid) -> Result<Option<Netns>> {
    Netns::look(&path(pid))
        .with_context(|| format!("cannot reach the network namespace of {}", describe(pid)))
}

/// The namespace of process `pid`, which there must be.
pub fn open(pid: Pid) -> Result<Netns> {
    match look(pid)? {
        Some(netns) => Ok(netns),
        None if Path::new(&format!("/proc/{pid}")).exists() => {
            bail!("{} has ended and is in no namespace", describe(pid))
        }
        None => bail!("there is no process {pid}; `pernet ls` lists network namespaces"),
    }
}

/// Every process and the namespace it is in, as far as one may see it. Those
/// that end meanwhile, or are another's, are none of our business.
pub fn all() -> impl Iterator<Item = (Pid, Inode)> {
    pids().filter_map(|pid| Some((pid, inode(&path(pid))?)))
}

/// Every process.
pub fn pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)))
}

/// The namespace that a file leads to, if one may know.
pub fn inode(path: &Path) -> Option<Inode> {
    let netns = fs::metadata(path).ok()?;
    Some(Inode {
        device: netns.dev(),
        number: netns.ino(),
    })
}

/// Whether the caller sees the namespaces of processes that are another's: that
/// takes CAP_SYS_PTRACE.
pub fn are_visible() -> bool {
    const CAP_SYS_PTRACE: u64 = 1 << 19;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let effective = lines.find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    effective.is_some_and(|mask| mask & CAP_SYS_PTRACE != 0)
}

/// How people know process `pid`.
pub fn describe(pid: Pid) -> String {
    format!("process {pid} ({})", command(pid))
}

/// What process `pid` runs. It says so itself, so anything may be in it.
pub fn command(pid: Pid) -> String {
    let command = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command);
    command.strip_suffix('\n').unwrap_or(&command).to_owned()
}
