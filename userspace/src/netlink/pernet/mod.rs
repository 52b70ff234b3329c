// SPDX-License-Identifier: MIT OR Apache-2.0

//! The generic netlink family `pernet`: what the module knows of namespaces.
//!
//! docs/netlink/pernet.yaml is the contract; its numbers are in [`uapi`].

mod decode;
mod event;
pub mod uapi;

use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use anyhow::{Context, Result};
use neli::consts::genl::{CtrlAttr, CtrlCmd};
use neli::consts::nl::{GenlId, NlmF};
use neli::genl::{Genlmsghdr, GenlmsghdrBuilder, Nlattr};
use neli::types::{Buffer, GenlBuffer};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use self::uapi::{Cmd, Netns, Switch};
use super::{Batch, Refusal, Socket, attribute};

#[cfg(test)]
pub use self::decode::Counts;
pub use self::decode::{Counting, DeviceCounts, Dropped, NetnsReport, Offer};
pub use self::event::{Change, Events};

/// Version of the family "nlctrl", which knows the numbers of the others.
const CONTROL_VERSION: u8 = 2;

/// What a namespace is to count; what is not said stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub traffic: Option<bool>,
    pub drops: Option<bool>,
}

/// Which namespaces a dump is to have: those that are like all that is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// A device in it has this name.
    pub device: Option<String>,
    /// It has dropped this many packets or more.
    pub min_drops: Option<u64>,
}

/// The family, for the namespace the thread was in when it was connected.
pub struct Family {
    socket: Socket,
    id: u16,
    /// The group `events`; an older module has none.
    events: Option<u32>,
}

/// There is nobody to ask.
#[derive(Debug)]
pub struct NoModule;

impl Family {
    /// Finds the family, without which there is nothing to do.
    pub fn require() -> Result<Self> {
        Ok(Self::connect()?.ok_or(NoModule)?)
    }

    /// Finds the family; there is none as long as the module is not loaded.
    pub fn connect() -> Result<Option<Self>> {
        let mut socket = Socket::generic()?;
        let offer = offered(&mut socket)?;
        Ok(offer.map(|Offer { id, events, .. }| Family { socket, id, events }))
    }

    /// Begins to listen to what happens, with room for so many bytes of it.
    pub fn listen(&self, room: usize) -> Result<Events> {
        let group = self.events.context("the module tells of no events")?;
        let socket = Socket::generic()?;
        socket.set_room(room)?;
        socket.join(group).map(Events)
    }

    /// What the module offers, if it is loaded.
    pub fn offered() -> Result<Option<Offer>> {
        offered(&mut Socket::generic()?)
    }

    /// Every namespace that the caller may see and that passes the filter.
    pub fn dump(&mut self, filter: &Filter) -> Result<Vec<NetnsReport>> {
        let filter = filter.attribute()?;
        let request = request(Cmd::Get, filter.into_iter().collect())?;
        let entries =
            self.socket
                .dump("cannot read the namespaces' counters", self.id, &request)?;
        entries.iter().map(decode::report).collect()
    }

    /// One namespace; `name` is what it is called in an error.
    pub fn get(&mut self, name: &str, netns: BorrowedFd) -> Result<NetnsReport> {
        let what = format!("cannot read the counters of {name}");
        self.ask(&what, Cmd::Get, vec![selector(netns)?])
    }

    /// Says what a namespace counts; returns what it is like then.
    pub fn set(&mut self, name: &str, netns: BorrowedFd, wanted: Wanted) -> Result<NetnsReport> {
        let what = format!("cannot set what {name} counts");
        let mut attributes = vec![selector(netns)?];
        for (kind, setting) in [
            (Netns::CountTraffic, wanted.traffic),
            (Netns::CountDrops, wanted.drops),
        ] {
            if let Some(on) = setting {
                let switch = if on { Switch::On } else { Switch::Off };
                attributes.push(attribute::genl(kind, u8::from(switch))?);
            }
        }
        self.ask(&what, Cmd::Set, attributes)
    }

    /// Lets a namespace's counts begin at zero; returns what they were.
    pub fn reset(&mut self, name: &str, netns: BorrowedFd) -> Result<NetnsReport> {
        let what = format!("cannot reset the counters of {name}");
        self.ask(&what, Cmd::Reset, vec![selector(netns)?])
    }

    fn ask(&mut self, what: &str, cmd: Cmd, attributes: Vec<Attribute>) -> Result<NetnsReport> {
        let request = request(cmd, attributes.into_iter().collect())?;
        let batch = Batch::of(what, self.id, NlmF::empty(), &request)?;
        let answers = self.socket.transact(&batch)?;
        let answer = (answers.iter().flatten().next()).with_context(|| what.to_owned())?;
        decode::report(answer).with_context(|| what.to_owned())
    }
}

type Attribute = Nlattr<Netns, Buffer>;

/// Names the namespace that a request is about. A descriptor does it for who may
/// not see the namespace too, and is then told so.
fn selector(netns: BorrowedFd) -> Result<Attribute> {
    attribute::genl(Netns::Fd, netns.as_raw_fd().unsigned_abs())
}

impl Filter {
    /// None where everything passes: a module that knows no filters does without.
    fn attribute(&self) -> Result<Option<Attribute>> {
        let mut inner = Vec::new();
        if let Some(name) = &self.device {
            inner.push(attribute::genl(uapi::Filter::DeviceName, name.as_str())?);
        }
        if let Some(packets) = self.min_drops {
            inner.push(attribute::genl(uapi::Filter::MinDrops, packets)?);
        }
        if inner.is_empty() {
            return Ok(None);
        }
        attribute::genl_holding(Netns::Filter, inner).map(Some)
    }
}

fn request(cmd: Cmd, attributes: GenlBuffer<Netns, Buffer>) -> Result<Genlmsghdr<Cmd, Netns>> {
    Ok(GenlmsghdrBuilder::default()
        .cmd(cmd)
        .version(uapi::FAMILY_VERSION)
        .attrs(attributes)
        .build()?)
}

/// Asks the family "nlctrl" about ours.
fn offered(socket: &mut Socket) -> Result<Option<Offer>> {
    let name = attribute::genl(CtrlAttr::FamilyName, uapi::FAMILY_NAME)?;
    let request = GenlmsghdrBuilder::default()
        .cmd(CtrlCmd::Getfamily)
        .version(CONTROL_VERSION)
        .attrs([name].into_iter().collect())
        .build()?;
    let what = "cannot look for the netlink family of the module pernet";
    let answers = match socket.transact(&Batch::of(what, GenlId::Ctrl, NlmF::empty(), &request)?) {
        Err(error) if Refusal::is(&error, Errno::ENOENT) => return Ok(None),
        answers => answers?,
    };
    let answer = answers.iter().flatten().next().context(what)?;
    decode::offer(answer).context(what).map(Some)
}

impl NoModule {
    /// Whether the kernel that runs loads modules at all.
    pub fn can_be_mended() -> bool {
        Path::new("/proc/modules").exists()
    }

    /// What to do.
    fn advice(can_be_mended: bool) -> &'static str {
        match can_be_mended {
            true => {
                "load it with `modprobe pernet`, or `insmod` the pernet.ko that `make kmod` built"
            }
            false => "this kernel loads no modules (CONFIG_MODULES is off), so boot one that does",
        }
    }
}

impl fmt::Display for NoModule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let advice = Self::advice(Self::can_be_mended());
        write!(f, "the kernel module pernet is not loaded; {advice}")
    }
}

impl std::error::Error for NoModule {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_load_a_module_where_there_are_none() {
        assert!(NoModule::advice(true).contains("`modprobe pernet`"));
        let without = NoModule::advice(false);
        assert!(!without.contains("modprobe") && without.contains("CONFIG_MODULES"));
    }
}
