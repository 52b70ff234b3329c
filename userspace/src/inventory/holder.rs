// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a namespace is still there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nix::unistd::Pid;

use super::model::{Holder, Open, Process};
use crate::netns::discover::{self, Found};
use crate::netns::hold::{self, Descriptor};
use crate::netns::{Netns, named, process};

/// Everything that can be seen to hold `netns`, but the caller itself.
pub fn of(netns: &Netns) -> Result<Vec<Holder>> {
    let inode = netns.inode()?;
    let processes = hold::processes();
    let found = discover::with(&processes)?.into_iter();
    let mut found = found.filter(|found| found.inode == inode);
    let mut holders = found.next().map_or_else(Vec::new, list);
    holders.extend(open_files(netns, &processes)?);
    Ok(holders)
}

fn list(found: Found) -> Vec<Holder> {
    let mut holders = Vec::new();
    let name = |name| Holder::Name {
        path: named::path(name),
    };
    holders.extend(found.names.iter().map(name));
    let own = Pid::this();
    let pids = found.pids.into_iter().filter(|&pid| pid != own);
    holders.extend(pids.map(|pid| Holder::Process(known(pid))));
    let thread = |(pid, thread): (Pid, Pid)| Holder::Thread {
        process: known(pid),
        thread: thread.as_raw(),
    };
    holders.extend(found.threads.into_iter().map(thread));
    holders.extend(found.paths.into_iter().map(|path| Holder::Mount {
        path,
        seen_by: None,
    }));
    let elsewhere = |(pid, path)| Holder::Mount {
        path,
        seen_by: Some(known(pid)),
    };
    holders.extend(found.elsewhere.into_iter().map(elsewhere));
    let descriptors = found.descriptors.into_iter().map(open);
    holders.extend(descriptors.map(Holder::Descriptor));
    holders.extend(found.sockets.into_iter().map(open).map(Holder::Socket));
    holders
}

fn known(pid: Pid) -> Process {
    Process {
        pid: pid.as_raw(),
        command: process::command(pid),
    }
}

fn open(Descriptor { pid, number }: Descriptor) -> Open {
    Open {
        process: known(pid),
        fd: number,
    }
}

/// Open files of /proc/PID/net that are about `netns`: each namespace has files of
/// its own there, so their numbers tell.
fn open_files(netns: &Netns, processes: &[hold::Process]) -> Result<Vec<Holder>> {
    let candidates: Vec<_> = (processes.iter())
        .flat_map(|process| {
            process
                .files
                .iter()
                .map(|(number, path)| (process.pid, *number, path))
        })
        .filter_map(|(pid, number, path)| {
            let descriptor = Descriptor { pid, number };
            Some((
                descriptor,
                path,
                fs::metadata(descriptor.path()).ok()?.ino(),
            ))
        })
        .collect();
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    // Who may not enter cannot tell.
    let held = netns.inside(|| {
        let is_its = |path: &Path, inode| {
            let own = path_here(path).and_then(|path| fs::metadata(path).ok());
            own.is_some_and(|own| own.ino() == inode)
        };
        let held = (candidates.iter()).filter(|(_, path, inode)| is_its(path, *inode));
        Ok(held
            .map(|&(descriptor, path, _)| Holder::File {
                open: open(descriptor),
                path: path.clone(),
            })
            .collect())
    });
    Ok(held.unwrap_or_default())
}

/// The same file, of the namespace that the thread is in.
fn path_here(path: &Path) -> Option<PathBuf> {
    let (_, rest) = path.to_str()?.split_once("/net/")?;
    Some(Path::new("/proc/thread-self/net").join(rest))
}
