// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet bridge`: making, listing and deleting bridges.

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output;
use crate::netlink::DeviceName;
use crate::netlink::bridge::{Settings, port_state};
use crate::node::bridge::{self, Bridged};

#[derive(Subcommand)]
#[command(
    after_help = "Example: pernet bridge add b.1.1 && pernet bridge ls && pernet bridge del b.1.1"
)]
pub enum Verb {
    /// Make a bridge here, up
    ///
    /// It keeps the Ethernet address, and so the id, that is drawn for it, and
    /// gets no IPv6 address by itself. Multicast goes to every port: a bridge
    /// that snooped would send reports, and disturb exact counters.
    #[command(
        after_help = "Examples:\n  pernet bridge add b.1.1\n  pernet bridge add b.1.2 --stp --forward-delay 2"
    )]
    Add(Add),
    /// List the bridges of this namespace with their ports
    #[command(after_help = "Example: pernet bridge ls --json | jq -r '.bridges[].ports[].name'")]
    Ls(Ls),
    /// Delete a bridge that pernet made
    #[command(after_help = "Example: pernet bridge del b.1.1")]
    Del(Del),
}

#[derive(Args)]
pub struct Add {
    /// What it is called: 15 bytes at most, such as b.1.1
    name: DeviceName,
    /// Run the spanning tree protocol
    #[arg(long)]
    stp: bool,
    /// How long a port listens, and then learns, before it forwards: by default
    /// not at all; with --stp 15, and no less than 2 or more than 30
    #[arg(long, value_name = "SECONDS")]
    forward_delay: Option<u32>,
}

#[derive(Args)]
pub struct Ls {
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Del {
    /// The bridge, by its name as `bridge ls` shows it
    name: DeviceName,
}

#[derive(Serialize)]
struct Row {
    name: String,
    ifindex: i32,
    id: String,
    stp: bool,
    forward_delay: u32,
    up: bool,
    ports: Vec<Port>,
}

#[derive(Serialize)]
struct Port {
    name: String,
    ifindex: i32,
    state: &'static str,
}

pub fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Add(arguments) => add(arguments),
        Verb::Ls(Ls { json }) => list(json),
        Verb::Del(Del { name }) => bridge::delete(&name),
    }
}

fn add(arguments: Add) -> Result<()> {
    let Add {
        name,
        stp,
        forward_delay,
    } = arguments;
    let usual = if stp { 15 } else { 0 };
    let forward_delay = forward_delay.unwrap_or(usual);
    // The kernel's own limits; without STP it has none but its clock's.
    let allowed = if stp { 2..=30 } else { 0..=3600 };
    ensure!(
        allowed.contains(&forward_delay),
        "forward delay of bridge {name} must be {} to {} seconds, not {forward_delay}",
        allowed.start(),
        allowed.end()
    );
    bridge::add(&bridge::Request {
        name: &name,
        mtu: None,
        settings: Settings {
            stp,
            forward_delay,
            vlan_filtering: false,
            multicast_snooping: false,
        },
    })
}

fn list(json: bool) -> Result<()> {
    let rows = bridge::list()?
        .into_iter()
        .map(row)
        .collect::<Result<Vec<_>>>()?;
    match json {
        true => output::print_list("bridges", &rows),
        false => output::print(&table(&rows)),
    }
}

fn row(bridged: Bridged) -> Result<Row> {
    let Bridged {
        link,
        bridge,
        ports,
    } = bridged;
    let ports = ports.into_iter().map(|port| {
        Ok(Port {
            state: port_state(&port)?,
            name: port.name,
            ifindex: port.index,
        })
    });
    Ok(Row {
        name: link.name,
        ifindex: link.index,
        id: bridge.id.to_string(),
        stp: bridge.stp,
        forward_delay: bridge.forward_delay,
        up: link.up,
        ports: ports.collect::<Result<_>>()?,
    })
}

/// A line for each bridge, with its first port; the others below.
fn table(rows: &[Row]) -> String {
    let mut lines = Vec::new();
    for row in rows {
        let mut ports = row.ports.iter();
        let (port, state) = ports
            .next()
            .map_or(("", ""), |port| (&*port.name, port.state));
        let stp = if row.stp { "on" } else { "off" };
        lines.push([&row.name, &row.id, stp, port, state].map(str::to_owned));
        lines.extend(ports.map(|port| ["", "", "", &port.name, port.state].map(str::to_owned)));
    }
    output::columns(["BRIDGE", "ID", "STP", "PORT", "STATE"], &lines)
}
