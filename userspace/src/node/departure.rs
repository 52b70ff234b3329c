// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is left of nodes while the kernel clears them away, which it does in
//! the background: the ends of their links here, whose names are taken until
//! then.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::errno::Errno;

use super::gone::Gone;
use crate::netlink::{Refusal, Socket, link, nsid};
use crate::netns::{Inode, Name, Netns, process};

/// A thousand nodes together take the kernel some two seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nodes about to be deleted.
pub struct Departure {
    socket: Socket,
    /// Ends of links here: index, and whose other end it is.
    ends: Vec<(i32, Name)>,
    by_inode: HashMap<Inode, Name>,
    /// Processes that keep a node's namespace alive.
    inside: Vec<(Name, String)>,
    /// Tells when the kernel has done away with the namespaces, if that is
    /// waited for.
    gone: Option<Gone>,
}

impl Departure {
    pub fn of<'a>(nodes: impl Iterator<Item = (&'a Name, &'a Netns)>) -> Result<Self> {
        let mut socket = Socket::route()?;
        let mut by_id = HashMap::new();
        let mut by_inode = HashMap::new();
        for (name, netns) in nodes {
            if let Some(id) = nsid::of(&mut socket, netns.as_fd())? {
                by_id.insert(id, name.clone());
            }
            by_inode.insert(netns.inode()?, name.clone());
        }
        let mut ends = Vec::new();
        // Most often a node has no link here, and then no id.
        if !by_id.is_empty() {
            for link in link::all(&mut socket)?
                .iter()
                .filter(|link| link.is("veth"))
            {
                let other = link.peer_nsid.and_then(|id| by_id.get(&id));
                ends.extend(other.map(|name| (link.index, name.clone())));
            }
        }
        Ok(Departure {
            socket,
            ends,
            by_inode,
            inside: Vec::new(),
            gone: None,
        })
    }

    /// To be called before they are deleted, where it is waited until the kernel
    /// has nothing left of them.
    pub fn announce<'a>(&mut self, nodes: impl Iterator<Item = &'a Netns>) -> Result<()> {
        self.gone = Some(Gone::watch(nodes)?);
        Ok(())
    }

    /// To be called when their own processes have ended, while their namespaces
    /// are still there: an inode is used again afterwards.
    pub fn look_inside(&mut self) {
        self.inside = process::all()
            .filter_map(|(pid, inode)| {
                Some((self.by_inode.get(&inode)?.clone(), process::describe(pid)))
            })
            .collect();
    }

    /// Waits until the ends are gone, except those of nodes that live on.
    pub fn wait(mut self, note: impl Fn(String)) -> Result<()> {
        for (name, process) in &self.inside {
            note(format!(
                "{process} still runs in what was {name}, and keeps its links"
            ));
        }
        let inside = self.inside;
        self.ends
            .retain(|(_, name)| !inside.iter().any(|(kept, _)| kept == name));
        let deadline = Instant::now() + PATIENCE;
        for (index, name) in self.ends {
            while exists(&mut self.socket, index)? {
                if Instant::now() > deadline {
                    note(format!("something keeps the links of what was {name}"));
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        self.gone.map_or(Ok(()), Gone::wait)
    }
}

fn exists(socket: &mut Socket, index: i32) -> Result<bool> {
    match link::get(socket, index) {
        Ok(_) => Ok(true),
        Err(error) if Refusal::is(&error, Errno::ENODEV) => Ok(false),
        Err(error) => Err(error),
    }
}
