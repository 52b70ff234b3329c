// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet lab`: looking at labs that are there, and changing one thing of them.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{node, output};
use crate::lab::model::{Bridge, Lab, Link, Node};
use crate::lab::record::LabRecord;
use crate::lab::{self, file};
use crate::netns::Name;

#[derive(Subcommand)]
#[command(after_help = "Example: pernet up lab.toml && pernet lab ls && pernet down lab")]
pub enum Verb {
    /// List the labs
    #[command(after_help = "Example: pernet lab ls --json | jq -r '.labs[].name'")]
    Ls(Ls),
    /// Show one lab: its nodes, how they are, and its bridges and links
    ///
    /// As it was made and last changed by pernet; a node that has gone since, or whose
    /// processes have ended, is shown so.
    #[command(
        after_help = "Examples:\n  pernet lab show lab\n  pernet lab show lab --json | jq '.nodes[].netns'"
    )]
    Show(Show),
    /// Print a lab as a file that makes the same
    ///
    /// As it runs, with all that was changed since: shapes and pools are written out.
    #[command(
        after_help = "Example: pernet lab export lab > changed.toml && pernet check changed.toml"
    )]
    Export(Export),
    /// End what runs in a node of a lab, and start its commands again
    ///
    /// Its network namespace stays, with its links, addresses and settings.
    #[command(after_help = "Example: pernet lab restart r1")]
    Restart(Restart),
}

#[derive(Args)]
pub struct Ls {
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Show {
    /// The lab, by its name as `lab ls` shows it
    name: Name,
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Export {
    /// The lab, by its name as `lab ls` shows it
    name: Name,
}

#[derive(Args)]
pub struct Restart {
    /// The node's name in its lab, or on the machine
    node: String,
}

#[derive(Serialize)]
struct Row {
    name: Name,
    state: &'static str,
    file: String,
    nodes: usize,
    bridges: usize,
    links: usize,
}

pub fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Ls(Ls { json }) => list(json),
        Verb::Show(Show { name, json }) => show(&name, json),
        Verb::Export(Export { name }) => output::print(&file::write(&lab::find(&name)?.lab)),
        Verb::Restart(Restart { node: name }) => lab::restart(&name, node::note),
    }
}

fn list(json: bool) -> Result<()> {
    let rows = lab::all()?.into_iter().map(row);
    let rows: Vec<Row> = rows.collect::<Result<_>>()?;
    if json {
        return output::print_list("labs", &rows);
    }
    let lines: Vec<_> = (rows.into_iter())
        .map(|row| {
            let numbers = [row.nodes, row.bridges, row.links].map(|number| number.to_string());
            let [nodes, bridges, links] = numbers;
            [
                row.name.to_string(),
                row.state.to_owned(),
                nodes,
                bridges,
                links,
                row.file,
            ]
        })
        .collect();
    let heading = ["LAB", "STATE", "NODES", "BRIDGES", "LINKS", "FILE"];
    output::print(&output::columns(heading, &lines))
}

fn row(record: LabRecord) -> Result<Row> {
    let state = record.words()?;
    let LabRecord { lab, file, .. } = record;
    Ok(Row {
        state,
        file: file.display().to_string(),
        nodes: lab.nodes.len(),
        bridges: lab.bridges.len(),
        links: lab.links.len(),
        name: lab.name,
    })
}

/// What is recorded of a lab, and how it is now.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a Name,
    prefix: &'a str,
    state: &'static str,
    nodes: Vec<ShownNode<'a>>,
    bridges: &'a [Bridge],
    links: &'a [Link],
}

#[derive(Serialize)]
struct ShownNode<'a> {
    #[serde(flatten)]
    node: &'a Node,
    state: &'static str,
}

fn show(name: &Name, json: bool) -> Result<()> {
    let record = lab::find(name)?;
    let state = record.words()?;
    let lab = &record.lab;
    let states = lab::states(lab)?;
    let nodes = lab.nodes.iter().zip(states);
    let nodes: Vec<_> = nodes
        .map(|(node, state)| ShownNode { node, state })
        .collect();
    if json {
        return output::print_document(&Shown {
            name,
            prefix: &lab.prefix,
            state,
            nodes,
            bridges: &lab.bridges,
            links: &lab.links,
        });
    }
    let heading = format!("lab {name}, {state}, of {}\n\n", record.file.display());
    output::print(&(heading + &describe(lab, &nodes)))
}

fn describe(lab: &Lab, nodes: &[ShownNode]) -> String {
    let mut lines = Vec::new();
    for ShownNode { node, state } in nodes {
        let ends = lab.ends().filter(|(_, end)| end.node == node.name);
        let mut ends = ends.map(|(link, end)| {
            let [a, b] = link.places();
            let other = if a == end.place() { b } else { a };
            let addresses: Vec<_> = end.addresses.iter().map(ToString::to_string).collect();
            [
                end.device.logical.clone(),
                addresses.join(" "),
                other.to_string(),
            ]
        });
        let [device, addresses, to] = ends.next().unwrap_or_default();
        lines.push([
            node.name.to_string(),
            node.netns.to_string(),
            (*state).to_owned(),
            device,
            addresses,
            to,
        ]);
        lines.extend(ends.map(|[device, addresses, to]| {
            let none = String::new;
            [none(), none(), none(), device, addresses, to]
        }));
    }
    let mut text = output::columns(
        [
            "NODE",
            "ON THE MACHINE",
            "STATE",
            "DEVICE",
            "ADDRESSES",
            "TO",
        ],
        &lines,
    );
    if !lab.bridges.is_empty() {
        let bridges: Vec<_> = (lab.bridges.iter())
            .map(|bridge| {
                let ports = lab.links.iter().flat_map(|link| link.ports());
                let ports = ports.filter(|port| port.bridge == bridge.name).count();
                let stp = if bridge.stp { "on" } else { "off" };
                [
                    bridge.name.clone(),
                    bridge.device.name.to_string(),
                    stp.to_owned(),
                    ports.to_string(),
                ]
            })
            .collect();
        text += "\n";
        text += &output::columns(["BRIDGE", "ON THE MACHINE", "STP", "PORTS"], &bridges);
    }
    text
}
