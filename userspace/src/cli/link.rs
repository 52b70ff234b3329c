// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet link`: making, impairing and deleting links.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};

use super::output;
use crate::lab;
use crate::lab::file::units;
use crate::lab::impairment::{Asked, Impairment, Probability};
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
    /// Impair what an end of a lab's link sends: delay, loss, rate and more
    ///
    /// In this way only: what is not said, and was before, is no more. It counts from
    /// now on, and `pernet lab export` writes it down; the next `pernet up` brings the
    /// link back to its file.
    #[command(after_help = SET_EXAMPLES)]
    Set(Set),
    /// Delete the link that has this end, and so its other end
    ///
    /// It must be one that `link add` made. A link of a lab goes when its file no
    /// longer has it: `pernet up` deletes it then.
    #[command(after_help = "Example: pernet link del n1:eth0")]
    Del(Del),
}

const SET_EXAMPLES: &str = "\
Examples:
  pernet link set n1:eth0 --delay 20ms --jitter 2ms --loss 0.1%
  pernet link set sw:n1.eth0 --rate 10mbit
  pernet link set n1:eth0 --clear";

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
    /// Print the names of both ends as JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct Set {
    /// A device of a node, as NODE:DEV, or a port of a bridge, as BRIDGE:DEV; by their
    /// names in the lab or on the machine
    end: String,
    /// How long packets wait, as 20ms
    #[arg(long, value_name = "TIME", value_parser = units::duration, group = "what")]
    delay: Option<Duration>,
    /// By how much that varies
    #[arg(long, value_name = "TIME", value_parser = units::duration, requires = "delay")]
    jitter: Option<Duration>,
    /// How many packets are lost, as 0.1%
    #[arg(long, value_name = "SHARE", value_parser = units::probability, group = "what")]
    loss: Option<Probability>,
    /// How many packets are sent twice
    #[arg(long, value_name = "SHARE", value_parser = units::probability, group = "what")]
    duplicate: Option<Probability>,
    /// How many packets do not wait for the delay
    #[arg(long, value_name = "SHARE", value_parser = units::probability, requires = "delay")]
    reorder: Option<Probability>,
    /// How fast packets leave, as 10mbit
    #[arg(long, value_name = "RATE", value_parser = units::rate, group = "what")]
    rate: Option<u64>,
    /// How many packets may wait
    #[arg(long, value_name = "PACKETS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Let packets be
    #[arg(long, group = "what", conflicts_with_all = ["delay", "loss", "duplicate", "rate", "limit"])]
    clear: bool,
}

#[derive(Args)]
pub struct Del {
    /// An end, as NS:DEV, or DEV where it is here; for NS see `pernet --help`
    end: End,
}

pub fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Add(arguments) => add(arguments),
        Verb::Set(arguments) => set(&arguments),
        Verb::Del(Del { end }) => wire::delete(end, lab::check_is_no_part),
    }
}

fn set(arguments: &Set) -> Result<()> {
    let place = arguments.end.rsplit_once(':');
    let (owner, device) = place.with_context(|| {
        format!(
            "`{}` is no end of a link; write NODE:DEV or BRIDGE:DEV",
            arguments.end
        )
    })?;
    let asked = Asked {
        delay: arguments.delay.unwrap_or_default(),
        jitter: arguments.jitter.unwrap_or_default(),
        loss: arguments.loss.unwrap_or_default(),
        duplicate: arguments.duplicate.unwrap_or_default(),
        reorder: arguments.reorder.unwrap_or_default(),
        rate: arguments.rate,
        limit: arguments.limit,
    };
    let impairment = Impairment::new(asked).map_err(|contradictions| {
        let what: Vec<_> = contradictions.iter().map(ToString::to_string).collect();
        anyhow!("cannot impair {}: {}", arguments.end, what.join("; "))
    })?;
    lab::impair(owner, device, impairment)
}

fn add(arguments: Add) -> Result<()> {
    let unnamed = arguments.other.is_none();
    let [end, other] = wire::add(wire::Request {
        end: arguments.end,
        other: arguments.other,
        bridge: arguments.bridge,
        mtu: arguments.mtu,
    })?;
    if arguments.json {
        let names = [end.to_string(), other.to_string()];
        return output::print_list("ends", &names);
    }
    match unnamed {
        true => output::print(&format!("{other}\n")),
        false => Ok(()),
    }
}
