// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[nodes]`.

use std::collections::HashMap;
use std::net::IpAddr;

use anyhow::{Result, ensure};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::super::draft::{Node, NodeSettings, Route, To, Via};
use super::super::problem::At;
use super::super::table::{Keys, Subject, Table, Value};
use super::{command, pool, sysctl};
use crate::lab::model::Kind;
use crate::netlink::Address;
use crate::netns::Name;

pub const NODE: Keys = &[
    "kind", "ipv6", "dad", "loopback", "sysctls", "routes", "counting", "commands",
];
pub const NODE_DEFAULTS: Keys = &["kind", "ipv6", "dad", "sysctls", "counting", "commands"];
pub const ROUTE: Keys = &["to", "via", "device", "metric"];
pub const COUNTING: Keys = &["traffic", "drops"];

const KINDS: &[(&str, Kind)] = &[("full", Kind::Full), ("net-only", Kind::NetOnly)];

pub fn all(table: &Table, defaults: &NodeSettings, nodes: &mut Vec<Node>) {
    // Those of shapes may be given settings.
    let made: HashMap<String, usize> = (nodes.iter().enumerate())
        .map(|(index, node)| (node.name.value.to_string(), index))
        .collect();
    for (key, value) in table.map("nodes").into_iter().flatten() {
        let text: &str = key.get_ref();
        let subject = Subject::Node(text);
        let Some(table) = Table::read(value, NODE, subject, table.report) else {
            continue;
        };
        let name = table.parse(At::new(text, key.span().start), str::parse::<Name>);
        let index = match (made.get(text), name) {
            (Some(index), _) => *index,
            (None, Some(name)) => {
                let settings = defaults.clone();
                nodes.push(Node { name, settings });
                nodes.len() - 1
            }
            (None, None) => continue,
        };
        settings(&table, &mut nodes[index].settings);
        own_settings(&table, &mut nodes[index].settings);
    }
}

/// Changes what the table says, of what can be said of all nodes.
pub fn settings(table: &Table, settings: &mut NodeSettings) {
    if let Some(kind) = table.parsed("kind", kind) {
        settings.kind = kind.value;
    }
    if let Some(ipv6) = table.boolean("ipv6") {
        settings.ipv6 = Some(ipv6);
    }
    if let Some(dad) = table.boolean("dad") {
        settings.dad = dad.value;
    }
    sysctl::read(table, &mut settings.sysctls);
    if let Some(table) = table.table("counting", COUNTING) {
        for (key, setting) in [
            ("traffic", &mut settings.counting.traffic),
            ("drops", &mut settings.counting.drops),
        ] {
            if let Some(flag) = table.boolean(key) {
                *setting = Some(flag.value);
            }
        }
    }
    settings.commands.extend(command::all(table));
}

fn own_settings(table: &Table, settings: &mut NodeSettings) {
    let loopback = table.texts("loopback").into_iter().flatten();
    let address = |text| table.parse(text, str::parse::<Address>);
    settings.loopback.extend(loopback.filter_map(address));
    let routes = table.list("routes").into_iter().flatten();
    settings
        .routes
        .extend(routes.filter_map(|value| route(table, value)));
}

fn kind(text: &str) -> Result<Kind> {
    let found = KINDS.iter().find(|(name, _)| *name == text);
    ensure!(
        found.is_some(),
        "`{text}` is no kind of node; there are full and net-only"
    );
    Ok(found.expect("looked at").1)
}

fn route(table: &Table, value: &Value) -> Option<Route> {
    let table = Table::read(value, ROUTE, table.subject, table.report)?;
    if table.get("to").is_none() {
        table.problem(table.at, "a route needs a `to`: a network, or \"default\"");
    }
    let to = table.parsed("to", to)?.value;
    let via = table
        .text("via")
        .map(|text| At::new(via(text.value), text.at));
    let device = table.text("device");
    if via.is_none() && device.is_none() {
        table.problem(table.at, "a route needs a `via` or a `device`");
        return None;
    }
    if to == To::Default && via.is_none() {
        let what = "a default route without a gateway is for one family; write 0.0.0.0/0 or ::/0";
        table.problem(table.at, what);
        return None;
    }
    Some(Route {
        at: table.at,
        to,
        via,
        device: device.map(|text| At::new(text.value.to_owned(), text.at)),
        metric: table
            .number("metric", 0..=u32::MAX)
            .map(|metric| metric.value),
    })
}

fn to(text: &str) -> Result<To> {
    if text == "default" {
        return Ok(To::Default);
    }
    match text.parse() {
        Ok(IpAddr::V4(ip)) => Ok(To::Network(IpNet::V4(Ipv4Net::from(ip)))),
        Ok(IpAddr::V6(ip)) => Ok(To::Network(IpNet::V6(Ipv6Net::from(ip)))),
        Err(_) => pool::network(text).map(To::Network),
    }
}

fn via(text: &str) -> Via {
    match text.parse() {
        Ok(ip) => Via::Address(ip),
        Err(_) => Via::Node(text.to_owned()),
    }
}
