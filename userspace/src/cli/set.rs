// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet set`: what the module counts in a namespace.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::netlink::pernet::Wanted;
use crate::netns::Reference;
use crate::stat::control;

/// Say what the kernel module counts in namespaces
///
/// What is not said stays as it is, and what was counted stays when counting
/// ends. Needs CAP_NET_ADMIN over each namespace.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The namespaces: nodes' names, pid:N, paths, ...; see `pernet --help`
    #[arg(required = true)]
    ns: Vec<Reference>,
    /// Whether to count packets and bytes at the netfilter hooks
    #[arg(long, required_unless_present = "drops")]
    traffic: Option<Switch>,
    /// Whether to count dropped packets, by the kernel's reason
    #[arg(long)]
    drops: Option<Switch>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

const AFTER: &str = "\
Example: pernet set n1 n2 --traffic off --drops on

What new namespaces count is said when the module is loaded:
  modprobe pernet traffic=0 drops=1

Exit status: 3 where the module is not loaded.";

pub fn run(arguments: &Arguments) -> Result<()> {
    let on = |switch: Option<Switch>| switch.map(|switch| matches!(switch, Switch::On));
    let wanted = Wanted {
        traffic: on(arguments.traffic),
        drops: on(arguments.drops),
    };
    control::set(&arguments.ns, wanted)
}
