// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces and what holds them, as they are shown. Serialised, this is the JSON
//! of `pernet ls` and `pernet holders`, which docs/json.md describes.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use super::container::Container;
use crate::forbidden;
use crate::netlink::{Address, Mac};
use crate::node::label::Label;

/// A namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    #[serde(flatten)]
    pub label: Label,
    pub container: Option<Container>,
    pub cookie: Option<u64>,
    pub inode: u64,
    pub nsid: Option<i32>,
    pub userns_inode: Option<u64>,
    pub owner_uid: Option<u32>,
    #[serde(rename = "age_ns")]
    pub age: Option<u64>,
    /// It is older than that.
    pub age_is_minimum: bool,
    pub processes: Vec<i32>,
    /// None where it could not be entered.
    pub devices: Option<Vec<Device>>,
    pub found_by: Vec<Way>,
    /// Why something that the caller may see is not known, where that is so.
    pub error: Option<String>,
}

impl Entry {
    /// Takes what was learnt of it or, where something went wrong, notes the first of
    /// what did. What the caller may not see is no error.
    pub(super) fn learn<T>(&mut self, learnt: Result<T>) -> Option<T> {
        match learnt {
            Ok(learnt) => return Some(learnt),
            Err(error) if forbidden::is(&error) => {}
            Err(error) => drop(self.error.get_or_insert_with(|| format!("{error:#}"))),
        }
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    pub name: String,
    pub kind: Option<String>,
    pub mac: Option<Mac>,
    pub up: bool,
    pub addresses: Vec<Address>,
}

/// How a namespace was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    Name,
    Process,
    Thread,
    Descriptor,
    Mount,
    Socket,
    /// By nothing but the kernel's word, or the module's.
    Kernel,
}

/// One reason why a namespace is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Holder {
    /// A name under /run/netns.
    Name { path: PathBuf },
    /// A process in it.
    Process(Process),
    /// A thread in it, of a process that is not.
    Thread {
        #[serde(flatten)]
        process: Process,
        thread: i32,
    },
    /// A file that it is bound to; where it is not to be seen in the caller's mount
    /// namespace, with a process that sees it.
    Mount {
        path: PathBuf,
        #[serde(skip_serializing_if = "Option::is_none")]
        seen_by: Option<Process>,
    },
    /// It is open.
    Descriptor(Open),
    /// A socket in it, of a process that is not.
    Socket(Open),
    /// A file of /proc/PID/net that is open.
    File {
        #[serde(flatten)]
        open: Open,
        path: PathBuf,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    pub pid: i32,
    pub command: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    #[serde(flatten)]
    pub process: Process,
    pub fd: i32,
}
