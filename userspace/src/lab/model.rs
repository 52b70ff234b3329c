// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lab as it is to be made: checked, complete, without defaults to fill in.
//!
//! A value of these types that came out of a lab file fulfils the following;
//! who applies it need not look again:
//!
//! * Names of nodes and bridges are there once, among all of them; every node
//!   and bridge that a link names exists.
//! * Device names, altnames included, are there once in each namespace: those
//!   of the ends in each node, and those of bridges and ports here.
//! * Ethernet addresses and IP addresses are there once in the lab, and an
//!   address that is a route's gateway can be reached over one of the node's
//!   devices.
//! * Bridges have no more ports than the kernel allows, and settings are within
//!   the kernel's limits.
//!
//! What it cannot know is what the machine has: names that are taken, kernel
//! parts that are missing, sysctls that do not exist.
//!
//! Everything is in the order of the file. Serialised, this is what is recorded
//! of a running lab, and two values can be compared part by part: a node by its
//! [`Node::name`], a bridge by its [`Bridge::name`], a link by its [`Link::key`],
//! a command by its [`Command::name`] in its node.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use super::impairment::{Impairment, Probability};
use crate::netlink::pernet::Wanted;
use crate::netlink::{Address, DeviceName, Mac};
use crate::netns::Name;

/// The most ports that a bridge can have (`BR_MAX_PORTS` of the kernel, less the
/// number that is not used).
pub const MAX_PORTS: usize = 1023;

/// A lab. It has no address of the machine and no device in it but bridges and
/// their ports, which are in the namespace that pernet runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// It has no `.` in it.
    pub name: Name,
    /// What the names on the machine begin with, those of nodes, bridges and ports:
    /// the lab's and a `.`, so that no two labs meet, unless the file says
    /// otherwise. They are made already; this tells where they came from.
    pub prefix: String,
    pub nodes: Vec<Node>,
    pub bridges: Vec<Bridge>,
    pub links: Vec<Link>,
}

/// A node. Its devices are the ends of links that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is called in the lab, and the host name in it.
    pub name: Name,
    /// What it is called on the machine: its name in /run/netns.
    pub netns: Name,
    pub kind: Kind,
    /// Whether there is IPv6 in it at all (`net.ipv6.conf.*.disable_ipv6`). It
    /// costs: with it, devices that come up talk to all others. So a node has it
    /// only if it has an IPv6 address or route, or the file asks for it.
    pub ipv6: bool,
    /// Whether IPv6 addresses are tried for duplicates before they can be used.
    pub dad: bool,
    /// Addresses of the loopback device, besides those that it has anyway.
    pub loopback: Vec<Address>,
    /// Values by their paths below /proc/sys, like `net/ipv4/ip_forward`: below
    /// `net/`, what belongs to its network namespace. One that names a device can be
    /// set once there is that device.
    pub sysctls: BTreeMap<String, String>,
    /// To be added when all the node's devices are up.
    pub routes: Vec<Route>,
    /// What the kernel module counts in it; what is not said stays as the module
    /// has it by default.
    pub counting: Wanted,
    /// Run one after the other, each once the one before is ready.
    pub commands: Vec<Command>,
}

/// What a node is made of, as with `pernet node add`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Namespaces of every kind that a node has of its own, with a first process.
    #[default]
    Full,
    /// A network namespace with a name, and nothing else.
    NetOnly,
}

/// A route of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// `0.0.0.0/0` or `::/0` is the default route. No bit is set behind the prefix.
    pub to: IpNet,
    /// The gateway, of the same family as `to`.
    pub via: Option<IpAddr>,
    /// The device's name for the kernel. There is one where there is no gateway,
    /// or one that is not unambiguous (link-local).
    pub device: Option<DeviceName>,
    pub metric: Option<u32>,
}

/// A command that is started in a node, with the node's log as its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// There once in the node.
    pub name: String,
    /// Program and arguments; never empty.
    pub run: Vec<String>,
    /// Variables it has besides those of every command in a node.
    pub environment: BTreeMap<String, String>,
    /// Where it runs, an absolute path; `/` if not said.
    pub directory: Option<PathBuf>,
    pub ready: Ready,
    /// How long it may take to be ready.
    #[serde(rename = "timeout_us", with = "micros")]
    pub timeout: Duration,
}

/// How one sees that a command does what it was started for. Everywhere but with
/// `Exit`, a command that ends with another status than 0 before it is ready has
/// failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// Once it runs.
    Started,
    /// Once it has ended, with status 0; any other is a failure.
    Exit,
    /// Something in the node listens at this TCP port.
    Tcp(u16),
    /// Something in the node has bound this UDP port.
    Udp(u16),
    /// There is a file of this (absolute) name, as the node sees it.
    File(PathBuf),
    /// Its output has a line with this text in it.
    Output(String),
    /// This other command (program and arguments), run in the node again and
    /// again, ends with status 0.
    Command(Vec<String>),
}

/// A bridge, in the namespace that pernet runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// What it is called in the lab.
    pub name: String,
    pub device: Device,
    pub stp: bool,
    /// Seconds that a port listens, and then learns, before it forwards: 0 without
    /// STP unless the file says otherwise.
    pub forward_delay: u32,
    pub vlan_filtering: bool,
    pub multicast_snooping: bool,
    pub mtu: Option<u32>,
}

/// A device's names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Device {
    /// What it is called in the lab, of any length. It is there once in each node
    /// and once among the bridges' ports.
    pub logical: String,
    /// What the kernel calls it.
    pub name: DeviceName,
    /// Its full name on the machine, where that is not `name`: too long for it,
    /// and short enough for an altname (127 bytes).
    pub altname: Option<String>,
}

/// A link: a veth pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub ends: Ends,
    /// Of both ends.
    pub mtu: Option<u32>,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// From node to node; it may be the same one.
    PointToPoint([End; 2]),
    /// From a node to a bridge.
    Bridged { end: End, port: Port },
    /// From bridge to bridge, both ends here. Of bridges that are connected in a
    /// loop, one at least runs the spanning tree protocol.
    Trunk([Port; 2]),
}

/// The end of a link that is in a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The node's name in the lab.
    pub node: Name,
    pub device: Device,
    /// One is drawn where the file says none.
    pub mac: Option<Mac>,
    pub addresses: Vec<Address>,
    /// Whether it gets a link-local IPv6 address from the kernel
    /// (`addr_gen_mode`). Never where the node has no IPv6.
    pub link_local: bool,
    /// What becomes of packets that leave the node here.
    pub impairment: Option<Impairment>,
}

/// The end of a link that is a port of a bridge, and has no IP address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The bridge's name in the lab.
    pub bridge: String,
    pub device: Device,
    /// The VLAN of packets without a tag (and of no others, where `tagged` is
    /// empty). Only where the bridge filters; the kernel's is 1.
    pub vlan: Option<u16>,
    /// VLANs whose packets come and go with a tag. Only where the bridge filters.
    pub tagged: Vec<u16>,
    /// What becomes of packets that leave the bridge here.
    pub impairment: Option<Impairment>,
}

/// One end of a link: the node or bridge that has it, and the device's logical
/// name. Nodes and bridges do not share names, so this says which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<'a> {
    pub owner: &'a str,
    pub device: &'a str,
}

/// As people write it.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.owner, self.device)
    }
}

/// What makes a link the same one in two versions of a lab: the places it
/// connects, whichever the file says first.
pub type LinkKey<'a> = [Place<'a>; 2];

impl Lab {
    /// Each end in a node, with the link that has it.
    pub fn ends(&self) -> impl Iterator<Item = (&Link, &End)> {
        (self.links.iter()).flat_map(|link| link.node_ends().map(move |end| (link, end)))
    }
}

impl Link {
    pub fn key(&self) -> LinkKey<'_> {
        let mut key = self.places();
        key.sort();
        key
    }

    /// Where its ends are, in the order of the file.
    pub fn places(&self) -> [Place<'_>; 2] {
        match &self.ends {
            Ends::PointToPoint([a, b]) => [a.place(), b.place()],
            Ends::Bridged { end, port } => [end.place(), port.place()],
            Ends::Trunk([a, b]) => [a.place(), b.place()],
        }
    }

    /// Its ends' impairments, in the order of the file.
    pub fn impairments(&mut self) -> [&mut Option<Impairment>; 2] {
        match &mut self.ends {
            Ends::PointToPoint([a, b]) => [&mut a.impairment, &mut b.impairment],
            Ends::Bridged { end, port } => [&mut end.impairment, &mut port.impairment],
            Ends::Trunk([a, b]) => [&mut a.impairment, &mut b.impairment],
        }
    }

    pub fn is_trunk(&self) -> bool {
        matches!(self.ends, Ends::Trunk(_))
    }

    /// Its ends that are in nodes.
    pub fn node_ends(&self) -> impl Iterator<Item = &End> {
        let (first, second) = match &self.ends {
            Ends::PointToPoint([a, b]) => (Some(a), Some(b)),
            Ends::Bridged { end, .. } => (Some(end), None),
            Ends::Trunk(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Its ends that are ports of bridges.
    pub fn ports(&self) -> impl Iterator<Item = &Port> {
        let (first, second) = match &self.ends {
            Ends::PointToPoint(_) => (None, None),
            Ends::Bridged { port, .. } => (Some(port), None),
            Ends::Trunk([a, b]) => (Some(a), Some(b)),
        };
        first.into_iter().chain(second)
    }
}

impl End {
    pub fn place(&self) -> Place<'_> {
        Place {
            owner: self.node.as_str(),
            device: &self.device.logical,
        }
    }
}

impl Port {
    pub fn place(&self) -> Place<'_> {
        Place {
            owner: &self.bridge,
            device: &self.device.logical,
        }
    }
}

/// Durations as whole microseconds.
pub(super) mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        u64::try_from(duration.as_micros())
            .unwrap_or(u64::MAX)
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}
