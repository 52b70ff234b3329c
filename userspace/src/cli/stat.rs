// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet stat`: what the module counts in each namespace.

use std::fmt;

use anyhow::Result;
use clap::Args;

use super::output;
use crate::netlink::pernet::Filter;
use crate::netns::Reference;
use crate::stat::{self, table};

/// Show what each namespace counts, as the kernel module knows it
///
/// Packets and bytes are counted at the five netfilter hooks, for IPv4 and
/// IPv6; dropped packets by the kernel's reason, where that is switched on.
/// Without NS every namespace is shown that the caller may see.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The namespaces: nodes' names, pid:N, paths, ...; see `pernet --help`
    ns: Vec<Reference>,
    /// Of all namespaces, show those with a device of this name
    #[arg(long, value_name = "NAME", conflicts_with = "ns")]
    device: Option<String>,
    /// Of all namespaces, show those that dropped N packets or more since their reset
    #[arg(long, value_name = "N", conflicts_with = "ns")]
    min_drops: Option<u64>,
    /// Print JSON, with everything the module tells
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
JSON: [{\"name\": string or null, \"names\": [string, ...], \"cookie\": integer,
  \"inode\": integer, \"userns_inode\": integer, \"nsid\": integer or null,
  \"age_ns\": integer, \"preexisting\": boolean,
  \"epoch\": integer, \"epoch_age_ns\": integer,
  \"devices\": {\"present\": integer, \"registered\": integer,
    \"unregistered\": integer, \"up\": integer, \"down\": integer,
    \"moved_in\": integer, \"moved_out\": integer, \"renamed\": integer},
  \"traffic\": {FAMILY: {HOOK: {\"packets\": integer, \"bytes\": integer}}},
  \"drops\": [{\"subsystem\": string, \"reason\": integer or null,
    \"name\": string or null, \"packets\": integer}, ...],
  \"counting\": {\"traffic\": boolean, \"drops\": boolean}}, ...]
  FAMILY is ipv4 or ipv6; HOOK is prerouting, local_in, forward, local_out or
  postrouting. `preexisting`: counting began when the module was loaded.
  `epoch`: how often the counts were reset; they are those of the last epoch.

Example: pernet stat n1 --json | jq '.[0].traffic.ipv4.local_in.packets'
         pernet stat --min-drops 1

Exit status: 3 where the module is not loaded.";

/// There is nothing to ask.
#[derive(Debug)]
pub struct NoModule;

pub fn run(arguments: &Arguments) -> Result<()> {
    let filter = Filter {
        device: arguments.device.clone(),
        min_drops: arguments.min_drops,
    };
    let namespaces = stat::read(&arguments.ns, &filter)?.ok_or(NoModule)?;
    match arguments.json {
        true => output::print_json(&namespaces),
        false => output::print(&table::render(&namespaces)),
    }
}

impl fmt::Display for NoModule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the kernel module pernet is not loaded; load it with `modprobe pernet`, or `insmod` the pernet.ko that `make kmod` built")
    }
}

impl std::error::Error for NoModule {}
