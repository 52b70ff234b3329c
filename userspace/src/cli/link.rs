// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet link`: making and deleting links.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::output;
use crate::netlink::DeviceName;
use crate::node::{End, wire};

#[derive(Subcommand)]
#[command(after_help = "Example: pernet link add n1:eth0=10.0.0.1/24 n2:eth0=10.0.0.2/24")]
pub enum Verb {
    /// Make a link: a veth pair, both ends placed, addressed and up
    ///
    /// An end that is given no IPv6 address gets none from the kernel either
    /// (addr_gen_mode none), so that it sends nothing by itself and counters
    /// stay exact. IPv6 addresses that are given can be used at once: they are
    /// not tried for duplicates first.
    #[command(after_help = ADD_EXAMPLES)]
    Add(Add),
    /// Delete the link that has this end, and so its other end
    #[command(after_help = "Example: pernet link del n1:eth0")]
    Del(Del),
}

const ADD_EXAMPLES: &str = "\
END is [NS:]DEV[=SETTING[,SETTING]...], where SETTING is an IPv4 or IPv6
address with its prefix length, or an Ethernet address. NS is a node's name, or
one of the forms that `pernet --help` lists, such as pid:4711; the last colon
before the settings ends it. Without NS the end is in the namespace the command
runs in.

Examples:
  pernet link add n1:eth0=10.0.0.1/24 n2:eth0=10.0.0.2/24
  pernet link add n1:eth0=10.0.0.1/24,fd00::1/64 --bridge b.1.1
  pernet link add n1:eth0=02:00:00:00:00:01,10.0.0.1/24 n1.0.1 --bridge b.1.1
  pernet link add pid:4711:eth0=10.0.0.1/24 n1:eth1=10.0.0.2/24";

#[derive(Args)]
pub struct Add {
    /// One end
    end: End,
    /// The other end; with --bridge it may be left out
    #[arg(required_unless_present = "bridge")]
    other: Option<End>,
    /// Make the other end a port of this bridge, here and not in a node; where
    /// it has no name, it is named after NS and DEV, and the name printed
    #[arg(long, value_name = "BRIDGE")]
    bridge: Option<DeviceName>,
    /// Longest packet, in bytes, at both ends
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(68..=65535))]
    mtu: Option<u32>,
}

#[derive(Args)]
pub struct Del {
    /// An end, as NS:DEV, or DEV where it is here; for NS see `pernet --help`
    end: End,
}

pub fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Add(arguments) => add(arguments),
        Verb::Del(Del { end }) => wire::delete(end),
    }
}

fn add(arguments: Add) -> Result<()> {
    let unnamed = arguments.other.is_none();
    let [_, other] = wire::add(wire::Request {
        end: arguments.end,
        other: arguments.other,
        bridge: arguments.bridge,
        mtu: arguments.mtu,
    })?;
    match unnamed {
        true => output::print(&format!("{other}\n")),
        false => Ok(()),
    }
}
