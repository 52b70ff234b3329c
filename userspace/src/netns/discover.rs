// SPDX-License-Identifier: MIT OR Apache-2.0

//! What network namespaces there are, and how each can be reached. Most kernels
//! have no list of them: one is found where it has a name, a process or a mount
//! and, by a longer look, where an open file or a socket holds it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use nix::unistd::Pid;

use super::hold::{self, Descriptor};
use super::{Inode, Name, Netns, mounts, named, process};
use crate::kernel::namespace;
use crate::parallel;

/// A network namespace, and every way in which it was found. It is not held,
/// since there may be more of them than a process may have files open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub inode: Inode,
    /// Where the kernel lists it.
    pub cookie: Option<u64>,
    /// Under /run/netns, in order.
    pub names: Vec<Name>,
    /// The processes in it that one may see, in order.
    pub pids: Vec<Pid>,
    /// The files that it is bound to, but for those of its names, in order.
    pub paths: Vec<PathBuf>,
    /// Threads in it of processes that are not, with the process.
    pub threads: Vec<(Pid, Pid)>,
    /// Files that have it open.
    pub descriptors: Vec<Descriptor>,
    /// Sockets in it of processes that are not.
    pub sockets: Vec<Descriptor>,
    /// The files that it is bound to in other mount namespaces, with a process that
    /// sees it there.
    pub elsewhere: Vec<(Pid, PathBuf)>,
}

#[derive(Default)]
struct Discovery(BTreeMap<Inode, Found>);

/// Every namespace that can be found at once, in the order of the inodes.
pub fn all() -> Result<Vec<Found>> {
    let mut discovery = Discovery::default();
    discovery.names_and_mounts()?;
    for (pid, inode) in process::all() {
        discovery.at(inode).pids.push(pid);
    }
    Ok(discovery.finish())
}

/// Every namespace that can be found at all, with everything that holds it. That
/// takes a look at each open file of each process.
pub fn everything() -> Result<Vec<Found>> {
    with(&hold::processes())
}

/// The same, with these processes.
pub fn with(processes: &[hold::Process]) -> Result<Vec<Found>> {
    let mut discovery = Discovery::default();
    discovery.names_and_mounts()?;
    discovery.processes(processes)?;
    discovery.kernel();
    Ok(discovery.finish())
}

impl Discovery {
    fn at(&mut self, inode: Inode) -> &mut Found {
        self.0.entry(inode).or_insert_with(|| Found {
            inode,
            cookie: None,
            names: Vec::new(),
            pids: Vec::new(),
            paths: Vec::new(),
            threads: Vec::new(),
            descriptors: Vec::new(),
            sockets: Vec::new(),
            elsewhere: Vec::new(),
        })
    }

    fn names_and_mounts(&mut self) -> Result<()> {
        for (name, inode) in named::all()? {
            self.at(inode).names.push(name);
        }
        for (path, inode) in mounts::all()? {
            self.at(inode).paths.push(path);
        }
        Ok(())
    }

    fn processes(&mut self, processes: &[hold::Process]) -> Result<()> {
        // This process comes and goes; what it has open is not of interest.
        let own = Netns::current()?.inode()?;
        self.at(own).pids.push(Pid::this());
        for process in processes {
            let pid = process.pid;
            self.at(process.netns).pids.push(pid);
            for &(thread, inode) in &process.threads {
                if inode != process.netns {
                    self.at(inode).threads.push((pid, thread));
                }
            }
            for &(number, netns) in &process.descriptors {
                // Numbers are those of one file system, that of all namespaces.
                let inode = Inode {
                    device: own.device,
                    number: netns,
                };
                self.at(inode).descriptors.push(Descriptor { pid, number });
            }
        }
        for (socket, inode) in hold::sockets(processes) {
            self.at(inode).sockets.push(socket);
        }
        for (pid, path, inode) in hold::mounts_elsewhere(processes) {
            self.at(inode).elsewhere.push((pid, path));
        }
        Ok(())
    }

    /// Those that the kernel lists. It does for who may see all, since Linux 6.19.
    fn kernel(&mut self) {
        let cookies = namespace::list().unwrap_or_default();
        let inodes = parallel::map(
            &cookies,
            || (),
            |(), &cookie| Netns::with_cookie(cookie)?.inode().ok(),
        );
        for (cookie, inode) in cookies.into_iter().zip(inodes) {
            if let Some(inode) = inode {
                self.at(inode).cookie = Some(cookie);
            }
        }
    }

    fn finish(self) -> Vec<Found> {
        let mut found: Vec<Found> = self.0.into_values().collect();
        found.iter_mut().for_each(Found::tidy);
        found
    }
}

impl Found {
    /// In order and each thing once: a mount on a directory that is shared is
    /// listed several times.
    fn tidy(&mut self) {
        self.names.sort();
        self.pids.sort();
        self.paths.sort();
        self.paths.dedup();
        let names: Vec<PathBuf> = self.names.iter().map(named::path).collect();
        self.paths.retain(|path| !names.contains(path));
        self.threads.sort();
        self.descriptors.sort();
        self.sockets.sort();
        self.elsewhere.sort();
        self.elsewhere.dedup();
    }

    /// Opens it, by the first way that still leads to it; nothing, where it is
    /// gone meanwhile.
    pub fn open(&self) -> Result<Option<Netns>> {
        let mut failure = None;
        for way in self.ways() {
            match Netns::look(&way).and_then(|netns| self.check(netns)) {
                Ok(None) => {}
                Ok(netns) => return Ok(netns),
                Err(error) => failure = Some(error),
            }
        }
        let sockets = self.sockets.iter().filter_map(|socket| socket.open());
        for netns in sockets.chain(self.cookie.and_then(Netns::with_cookie)) {
            if let Some(netns) = self.check(Some(netns))? {
                return Ok(Some(netns));
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// The files that lead to it.
    fn ways(&self) -> impl Iterator<Item = PathBuf> {
        let names = self.names.iter().map(named::path);
        let pids = self.pids.iter().map(|&pid| process::path(pid));
        let threads = self
            .threads
            .iter()
            .map(|&(_, thread)| process::path(thread));
        let descriptors = self.descriptors.iter().map(|descriptor| descriptor.path());
        let elsewhere = (self.elsewhere.iter()).map(|(pid, path)| {
            let path = path.strip_prefix("/").unwrap_or(path);
            PathBuf::from(format!("/proc/{pid}/root")).join(path)
        });
        (names.chain(self.paths.iter().cloned()).chain(pids))
            .chain(threads)
            .chain(descriptors)
            .chain(elsewhere)
    }

    /// What a way leads to, unless it leads to another namespace by now.
    fn check(&self, netns: Option<Netns>) -> Result<Option<Netns>> {
        match netns {
            Some(netns) if netns.inode()? == self.inode => Ok(Some(netns)),
            _ => Ok(None),
        }
    }

    /// One of the ways in which it was found, as people know it.
    pub fn describe(&self) -> String {
        let of = process::describe;
        if let Some(name) = self.names.first() {
            format!("called {name}")
        } else if let Some(&pid) = self.pids.first() {
            format!("that of {}", of(pid))
        } else if let Some(path) = self.paths.first() {
            format!("bound to {path:?}")
        } else if let Some(&(pid, thread)) = self.threads.first() {
            format!("that of thread {thread} of {}", of(pid))
        } else if let Some(held) = self.descriptors.first().or(self.sockets.first()) {
            format!("held open by {}", of(held.pid))
        } else if let Some((pid, path)) = self.elsewhere.first() {
            format!("bound to {path:?} for {}", of(*pid))
        } else {
            format!("inode {}", self.inode.number)
        }
    }
}
