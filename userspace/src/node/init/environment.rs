// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a node sees around it: its own /proc and /sys, host name, loopback
//! device and files of /etc.

use std::path::PathBuf;

use anyhow::{Context, Error, Result};
use nix::mount::{MntFlags, umount2};
use nix::unistd::{Gid, Uid, sethostname};

use crate::netlink::{Batch, Socket, link};
use crate::netns::{Netns, named, sysctl};
use crate::node::mounts;
use crate::node::user_namespace::{self, Identity};

/// What is done in new namespaces before anything else runs in them.
#[derive(Debug, Default)]
pub struct Environment {
    /// In a user namespace of its own: who becomes its root.
    pub root: Option<Identity>,
    /// A network namespace that is there already, to live in.
    pub network: Option<Netns>,
    pub host_name: Option<String>,
    pub loopback_up: bool,
    pub ipv6: Ipv6,
    /// Files that take the place of those in /etc.
    pub own_etc: Option<PathBuf>,
    /// Names of other namespaces are hidden, whose mounts would each have a copy
    /// in every node.
    pub names_hidden: bool,
}

/// Every network namespace is made with its loopback device, as its first.
const LOOPBACK: i32 = 1;

impl Environment {
    /// To be called in the new namespaces, by the process that will be their
    /// root. `note` hears of what the node has to do without.
    pub fn prepare(&self, note: impl Fn(Error)) -> Result<()> {
        if let Some(root) = self.root {
            user_namespace::map((Uid::from_raw(0), Gid::from_raw(0)), root)?;
        }
        if let Some(network) = &self.network {
            network.enter()?;
        }
        mounts::keep_apart()?;
        if self.names_hidden {
            // Where it is no mount there is nothing to hide.
            let _ = umount2(named::DIRECTORY, MntFlags::MNT_DETACH);
        }
        mounts::mount_proc()
            .context("/proc shows the processes of others")
            .unwrap_or_else(&note);
        mounts::mount_sys()
            .context("/sys shows the devices of another namespace")
            .unwrap_or_else(&note);
        if let Some(own) = &self.own_etc {
            mounts::bind_own_files(own, &note)?;
        }
        if let Some(name) = &self.host_name {
            sethostname(name).with_context(|| format!("cannot set the host name {name}"))?;
        }
        self.ipv6.prepare()?;
        if self.loopback_up {
            raise_loopback()?;
        }
        Ok(())
    }
}

/// What devices do with IPv6 by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ipv6 {
    /// As the kernel has it.
    #[default]
    Usual,
    /// They use their addresses without looking for duplicates first.
    Untried,
    /// Nothing.
    Off,
}

impl Ipv6 {
    /// Settles it in the namespace that the thread is in, while that has no device
    /// but the loopback device.
    pub fn prepare(self) -> Result<()> {
        let written = match self {
            Ipv6::Usual => Ok(()),
            Ipv6::Untried => sysctl::write(sysctl::IPV6_DAD, "0"),
            Ipv6::Off => sysctl::write(sysctl::IPV6_OFF, "1"),
        };
        match written {
            // A kernel without IPv6 has none of it.
            Err(error) if sysctl::is_missing(&error) => Ok(()),
            written => written,
        }
    }
}

/// Brings up the loopback device of the namespace the thread is in.
pub fn raise_loopback() -> Result<()> {
    let mut batch = Batch::default();
    link::up(&mut batch, "cannot bring up its loopback device", LOOPBACK)?;
    Socket::route()?.transact(&batch).map(drop)
}
