// SPDX-License-Identifier: MIT OR Apache-2.0

//! What processes have to do with network namespaces, besides being in one: each
//! of their threads may be in another, and they hold those that they have open, as
//! files or as sockets.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::{Inode, Netns, mounts, process};
use crate::kernel::process::Pidfd;
use crate::kernel::{file, namespace};
use crate::parallel;

/// An open file of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Descriptor {
    pub pid: Pid,
    pub number: RawFd,
}

/// One process. What of it may not be seen is not there.
#[derive(Debug)]
pub struct Process {
    pub pid: Pid,
    pub netns: Inode,
    /// Threads, but for the first.
    pub threads: Vec<(Pid, Inode)>,
    /// Numbers of descriptors and of the namespaces that they are of.
    pub descriptors: Vec<(RawFd, u64)>,
    /// Descriptors of sockets, and the numbers of these; a tun has none.
    sockets: Vec<(RawFd, Option<u64>)>,
    /// Files of /proc/PID/net, which hold the namespace of when they were opened.
    pub files: Vec<(RawFd, PathBuf)>,
    /// The number of its mount namespace.
    mount_namespace: u64,
}

/// Every process that the caller may look at, but itself.
pub fn processes() -> Vec<Process> {
    let this = Pid::this();
    let pids: Vec<Pid> = process::pids().filter(|&pid| pid != this).collect();
    let places = Places::read();
    let found = parallel::map(&pids, || (), |(), &pid| Process::look(pid, &places));
    found.into_iter().flatten().collect()
}

/// Where files are that may be namespaces.
struct Places {
    /// The device of their file system.
    device: Option<u64>,
    /// What namespaces are bound to here.
    bound: HashSet<PathBuf>,
}

impl Places {
    fn read() -> Self {
        let own = process::inode(Path::new("/proc/thread-self/ns/net"));
        let bound = mounts::all().unwrap_or_default().into_iter();
        Places {
            device: own.map(|own| own.device),
            bound: bound.map(|(path, _)| path).collect(),
        }
    }

    /// The number of the network namespace that was opened by the name of a file: the
    /// link of the descriptor says this name, or `/` when nothing is bound to it any
    /// more. Files elsewhere are not looked at, and of these no file system is asked:
    /// there may be one that does not answer.
    fn namespace(&self, descriptor: &Path, target: &Path) -> Option<u64> {
        let may_be =
            target == Path::new("/") || target.starts_with("/run/") || self.bound.contains(target);
        if !may_be {
            return None;
        }
        // Only what is known to be a namespace is opened, which does nothing to it.
        if file::known_device(descriptor).ok() != Some(self.device?) {
            return None;
        }
        let opened = File::open(descriptor).ok()?;
        let is_network = namespace::is_network(&opened).ok()?;
        let inode = opened.metadata().ok()?.ino();
        is_network.then_some(inode)
    }
}

impl Process {
    fn look(pid: Pid, places: &Places) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let mut found = Process {
            pid,
            netns: process::inode(&process::path(pid))?,
            threads: threads(pid, &folder.join("task")),
            descriptors: Vec::new(),
            sockets: Vec::new(),
            files: Vec::new(),
            mount_namespace: fs::metadata(folder.join("ns/mnt")).map_or(0, |it| it.ino()),
        };
        for entry in fs::read_dir(folder.join("fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let (Some(number), Ok(target)) = (number, fs::read_link(entry.path())) {
                match places.namespace(&entry.path(), &target) {
                    Some(netns) => found.descriptors.push((number, netns)),
                    None => found.note(number, &target),
                }
            }
        }
        Some(found)
    }

    fn note(&mut self, fd: RawFd, target: &Path) {
        let Some(text) = target.to_str() else {
            return;
        };
        let in_brackets = |prefix| -> Option<u64> {
            let number = text.strip_prefix(prefix)?.strip_suffix(']')?;
            number.parse().ok()
        };
        if let Some(netns) = in_brackets("net:[") {
            self.descriptors.push((fd, netns));
        } else if let Some(socket) = in_brackets("socket:[") {
            self.sockets.push((fd, Some(socket)));
        } else if text == "/dev/net/tun" {
            self.sockets.push((fd, None));
        } else if text.starts_with("/proc/") && text.contains("/net/") {
            self.files.push((fd, target.to_owned()));
        }
    }
}

fn threads(pid: Pid, tasks: &Path) -> Vec<(Pid, Inode)> {
    // A directory has a link for each of those in it, and two of its own.
    let alone = fs::metadata(tasks).map_or(true, |tasks| tasks.nlink() <= 3);
    if alone {
        return Vec::new();
    }
    let entries = fs::read_dir(tasks).into_iter().flatten().flatten();
    let threads = entries.filter_map(|entry| {
        let thread = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
        let netns = process::inode(&entry.path().join("ns/net"))?;
        (thread != pid).then_some((thread, netns))
    });
    threads.collect()
}

/// The sockets of these processes that are in another namespace than the process.
pub fn sockets(processes: &[Process]) -> Vec<(Descriptor, Inode)> {
    let mut groups: HashMap<u64, Vec<(Descriptor, Inode)>> = HashMap::new();
    let mut singles = Vec::new();
    for process in processes {
        for &(number, socket) in &process.sockets {
            let pid = process.pid;
            let entry = (Descriptor { pid, number }, process.netns);
            match socket {
                // What a process and its children share is looked at once.
                Some(socket) => groups.entry(socket).or_default().push(entry),
                None => singles.push(vec![entry]),
            }
        }
    }
    let groups: Vec<_> = groups.into_values().chain(singles).collect();
    let found = parallel::map(
        &groups,
        || None,
        |held, group| (group.iter()).find_map(|(descriptor, _)| descriptor.socket(held)),
    );
    let mut sockets = Vec::new();
    for (group, netns) in groups.into_iter().zip(found) {
        let Some(netns) = netns else { continue };
        let others = group.into_iter().filter(|&(_, home)| home != netns);
        sockets.extend(others.map(|(descriptor, _)| (descriptor, netns)));
    }
    sockets
}

impl Descriptor {
    /// The namespace of the socket that it is. A process is held on to from one of
    /// its sockets to the next.
    fn socket(self, held: &mut Option<(Pid, Pidfd)>) -> Option<Inode> {
        let process = match held {
            Some((pid, process)) if *pid == self.pid => process,
            _ => {
                let process = Pidfd::open(self.pid).ok()?;
                &mut held.insert((self.pid, process)).1
            }
        };
        let socket = process.descriptor(self.number).ok()?;
        Netns::of_socket(&socket).ok()?.inode().ok()
    }

    /// The namespace of the socket that it is.
    pub fn open(self) -> Option<Netns> {
        let socket = Pidfd::open(self.pid).ok()?.descriptor(self.number).ok()?;
        Netns::of_socket(&socket).ok()
    }

    /// The file that leads to it.
    pub fn path(self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", self.pid, self.number))
    }
}

/// What namespaces are bound to in other mount namespaces than the caller's, with a
/// process that sees it there.
pub fn mounts_elsewhere(processes: &[Process]) -> Vec<(Pid, PathBuf, Inode)> {
    let own = fs::metadata("/proc/self/ns/mnt").map_or(0, |it| it.ino());
    let mut others = HashMap::from([(own, None), (0, None)]);
    for process in processes {
        others
            .entry(process.mount_namespace)
            .or_insert(Some(process.pid));
    }
    let mut pids: Vec<Pid> = others.into_values().flatten().collect();
    pids.sort();
    let found = parallel::map(
        &pids,
        || (),
        |(), &pid| {
            let mounts = mounts::of(&format!("/proc/{pid}/mountinfo"));
            let mounts = mounts.unwrap_or_default().into_iter();
            mounts
                .map(|(path, inode)| (pid, path, inode))
                .collect::<Vec<_>>()
        },
    );
    found.into_iter().flatten().collect()
}
