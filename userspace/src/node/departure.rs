// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is left of nodes while the kernel clears them away, which it does in
//! the background: the ends of their links here, whose names are taken until
//! then.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use nix::errno::Errno;

use super::gone::Gone;
use crate::netlink::{Refusal, Socket, link, nsid};
use crate::netns::{Inode, Name, Netns, process};

/// A thousand nodes together take the kernel some two seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nodes that are let go of.
pub struct Departure {
    socket: Socket,
    /// Ends of links here, by the ids that the namespaces of their other ends have.
    by_id: Option<HashMap<i32, Vec<i32>>>,
    /// Those whose other ends go: index, and whose they are.
    ends: Vec<(i32, Name)>,
    /// Processes that keep a node's namespace alive.
    inside: Vec<(Name, String)>,
    /// Tells when the kernel has done away with the namespaces, if that is
    /// waited for.
    gone: Option<Gone>,
}

/// A node that is about to be let go of, and its network namespace.
pub type Leaver = (Name, Arc<Netns>);

impl Departure {
    pub fn begin(until_gone: bool) -> Result<Self> {
        // Before it watches, which may take it elsewhere.
        let socket = Socket::route()?;
        Ok(Departure {
            socket,
            by_id: None,
            ends: Vec::new(),
            inside: Vec::new(),
            gone: until_gone.then(Gone::watch).transpose()?,
        })
    }

    /// To be called before they are let go of, and before their processes end.
    pub fn look_at(&mut self, nodes: &[Leaver]) -> Result<()> {
        let namespaces = nodes.iter().map(|(_, netns)| netns.as_fd());
        let ids = nsid::of_each(&mut self.socket, namespaces)?;
        for ((name, netns), id) in nodes.iter().zip(ids) {
            // Most often a node has no link here, and then no id.
            if let Some(id) = id {
                let links = self.links_to(id)?.iter();
                let ends: Vec<_> = links.map(|index| (*index, name.clone())).collect();
                self.ends.extend(ends);
            }
            if let Some(gone) = &mut self.gone {
                gone.add(netns)?;
            }
        }
        Ok(())
    }

    fn links_to(&mut self, id: i32) -> Result<&[i32]> {
        let by_id = match &mut self.by_id {
            Some(by_id) => by_id,
            none => none.insert(by_id(&mut self.socket)?),
        };
        Ok(by_id.get(&id).map_or(&[], Vec::as_slice))
    }

    /// To be called when their own processes have ended, while their namespaces
    /// are still there: an inode is used again afterwards.
    pub fn look_inside(&mut self, nodes: &[Leaver]) -> Result<()> {
        let inodes = nodes.iter().map(|(name, netns)| Ok((netns.inode()?, name)));
        let by_inode: HashMap<Inode, &Name> = inodes.collect::<Result<_>>()?;
        self.inside
            .extend(process::all().filter_map(|(pid, inode)| {
                let name = *by_inode.get(&inode)?;
                Some((name.clone(), process::describe(pid)))
            }));
        Ok(())
    }

    /// Waits until the ends are gone, except those of nodes that live on.
    pub fn wait(mut self, note: impl Fn(String)) -> Result<()> {
        for (name, process) in &self.inside {
            note(format!(
                "{process} still runs in what was {name}, and keeps its links"
            ));
        }
        let kept: HashSet<&Name> = self.inside.iter().map(|(name, _)| name).collect();
        self.ends.retain(|(_, name)| !kept.contains(name));
        let deadline = Instant::now() + PATIENCE;
        // Those that were let go of last go last, most often.
        while let Some((last, _)) = self.ends.last() {
            while exists(&mut self.socket, *last)? && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(1));
            }
            let links = link::all(&mut self.socket)?;
            let there: HashSet<i32> = links.iter().map(|link| link.index).collect();
            self.ends.retain(|(index, _)| there.contains(index));
            if Instant::now() >= deadline {
                let names: BTreeSet<&Name> = self.ends.iter().map(|(_, name)| name).collect();
                for name in names {
                    note(format!("something keeps the links of what was {name}"));
                }
                break;
            }
        }
        self.gone.map_or(Ok(()), Gone::wait)
    }
}

fn by_id(socket: &mut Socket) -> Result<HashMap<i32, Vec<i32>>> {
    let mut by_id: HashMap<i32, Vec<i32>> = HashMap::new();
    for link in link::all(socket)? {
        if let (Some(id), true) = (link.peer_nsid, link.is("veth")) {
            by_id.entry(id).or_default().push(link.index);
        }
    }
    Ok(by_id)
}

fn exists(socket: &mut Socket, index: i32) -> Result<bool> {
    match link::get(socket, index) {
        Ok(_) => Ok(true),
        Err(error) if Refusal::is(&error, Errno::ENODEV) => Ok(false),
        Err(error) => Err(error),
    }
}
