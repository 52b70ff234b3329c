// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lab as its file says it: values that are right by themselves, each with its
//! place, and nothing yet of how they fit together.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::problem::At;
use crate::lab::model::{Command, Impairment, Kind};
use crate::netlink::pernet::Wanted;
use crate::netlink::{Address, Mac};
use crate::netns::Name;

#[derive(Debug, Default)]
pub struct Draft {
    pub name: Option<At<Name>>,
    pub prefix: Option<String>,
    pub pools: Vec<(At<String>, Pool)>,
    /// Those of shapes too, once these are expanded.
    pub nodes: Vec<Node>,
    pub bridges: Vec<Bridge>,
    pub links: Vec<Link>,
}

/// Networks that addresses are taken from: at most one of each family.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pool(pub Vec<PoolPart>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoolPart {
    pub network: IpNet,
    /// The prefix length of the networks that it is cut into.
    pub subnet: Option<u8>,
}

/// The pool that something takes addresses from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PoolReference {
    Named(String),
    Written(Pool),
}

#[derive(Debug, Clone)]
pub struct Node {
    pub name: At<Name>,
    pub settings: NodeSettings,
}

/// What a node is like; by default, what it is like where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct NodeSettings {
    pub kind: Kind,
    pub ipv6: Option<At<bool>>,
    pub dad: bool,
    pub loopback: Vec<At<Address>>,
    /// By path below /proc/sys.
    pub sysctls: BTreeMap<String, At<String>>,
    pub routes: Vec<Route>,
    pub counting: Wanted,
    pub commands: Vec<At<Command>>,
}

#[derive(Debug, Clone)]
pub struct Route {
    pub at: usize,
    pub to: To,
    pub via: Option<At<Via>>,
    /// By its logical name.
    pub device: Option<At<String>>,
    pub metric: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Everywhere, of whichever family the gateway is.
    Default,
    Network(IpNet),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    Address(IpAddr),
    /// Whichever address this node has on a segment that both are on.
    Node(String),
}

#[derive(Debug, Clone)]
pub struct Bridge {
    pub name: At<String>,
    pub settings: BridgeSettings,
}

#[derive(Debug, Clone, Default)]
pub struct BridgeSettings {
    pub stp: bool,
    pub forward_delay: Option<At<u32>>,
    pub vlan_filtering: bool,
    pub multicast_snooping: bool,
    pub mtu: Option<u32>,
    pub pool: Option<At<PoolReference>>,
}

#[derive(Debug, Clone)]
pub struct Link {
    pub at: usize,
    /// How many links of the file come before it and itself; none, if it is a
    /// shape's.
    pub number: Option<usize>,
    pub ends: [End; 2],
    pub settings: LinkSettings,
}

#[derive(Debug, Clone, Default)]
pub struct LinkSettings {
    pub pool: Option<At<PoolReference>>,
    pub mtu: Option<At<u32>>,
    /// Of packets in either direction, where an end says nothing else.
    pub impairment: Option<Impairment>,
}

/// What all of a kind are like where they do not say.
#[derive(Debug, Default)]
pub struct Defaults {
    pub nodes: NodeSettings,
    pub bridges: BridgeSettings,
    pub links: LinkSettings,
}

/// An end of a link, in a node or on a bridge: its owner's name tells.
#[derive(Debug, Clone)]
pub struct End {
    pub owner: At<String>,
    /// Whether the file says that the owner is a bridge, or a node; the short form
    /// does not.
    pub bridge: Option<bool>,
    pub device: Option<At<String>>,
    pub mac: Option<At<Mac>>,
    /// None are taken from a pool where there is a list, even an empty one, for
    /// families that are in it or in no pool.
    pub addresses: Option<Vec<At<Address>>>,
    pub vlan: Option<At<u16>>,
    pub tagged: Vec<At<u16>>,
    /// Of packets that it sends; where nothing is said, the link's.
    pub impairment: Option<Option<Impairment>>,
}

impl End {
    pub fn new(owner: At<String>) -> Self {
        End {
            owner,
            bridge: None,
            device: None,
            mac: None,
            addresses: None,
            vlan: None,
            tagged: Vec::new(),
            impairment: None,
        }
    }
}
