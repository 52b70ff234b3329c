// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[nodes]`.

use std::collections::HashMap;
use std::net::IpAddr;

use toml_writer::{ToTomlKey, ToTomlValue};

use super::super::read::PATIENCE;
use super::super::units;
use super::{Inline, list};
use crate::lab::model::{Command, End, Kind, Lab, Node, Ready, Route};

/// Nodes with nothing to say in lines under one heading, others under their own.
pub fn sections(lab: &Lab) -> Vec<String> {
    let mut ends: HashMap<&str, Vec<&End>> = HashMap::new();
    for (_, end) in lab.ends() {
        ends.entry(end.node.as_str()).or_default().push(end);
    }
    let mut sections = Vec::new();
    // The order of the file is that of the nodes: a heading ends what goes before.
    let (mut plain, mut rest) = (String::new(), Vec::new());
    for node in &lab.nodes {
        let ends = ends.get(node.name.as_str()).map_or(&[][..], Vec::as_slice);
        let table = table(node, ends);
        let key = node.name.as_str().to_toml_key();
        if rest.is_empty() && table.is_empty() {
            plain += &format!("{key} = {{}}\n");
        } else {
            rest.push(format!("[nodes.{key}]\n{}", table.lines()));
        }
    }
    if !plain.is_empty() {
        sections.push(format!("[nodes]\n{plain}"));
    }
    sections.extend(rest);
    sections
}

fn table(node: &Node, ends: &[&End]) -> Inline {
    let mut table = Inline::default();
    table.put_some("kind", (node.kind == Kind::NetOnly).then_some("net-only"));
    table.put_some("ipv6", says_ipv6(node, ends).then_some(node.ipv6));
    table.put_some("dad", node.dad.then_some(true));
    if !node.loopback.is_empty() {
        let addresses = node.loopback.iter();
        let addresses: Vec<_> = addresses
            .map(|address| address.to_string().to_toml_value())
            .collect();
        table.put_text("loopback", &list(&addresses));
    }
    if !node.sysctls.is_empty() {
        let mut sysctls = Inline::default();
        for (path, value) in &node.sysctls {
            sysctls.put(&as_key(path), &**value);
        }
        table.put_text("sysctls", &sysctls.text());
    }
    if !node.routes.is_empty() {
        let routes: Vec<_> = node.routes.iter().map(|made| route(made, ends)).collect();
        table.put_text("routes", &list(&routes));
    }
    let mut counting = Inline::default();
    counting.put_some("traffic", node.counting.traffic);
    counting.put_some("drops", node.counting.drops);
    if !counting.is_empty() {
        table.put_text("counting", &counting.text());
    }
    if !node.commands.is_empty() {
        let commands: Vec<_> = node.commands.iter().map(command).collect();
        table.put_text("commands", &list(&commands));
    }
    table
}

/// Whether a file that does not say it would have another `ipv6`, or other
/// link-local addresses.
fn says_ipv6(node: &Node, ends: &[&End]) -> bool {
    let is_v6 = |ip: IpAddr| ip.is_ipv6();
    let of_end = |end: &End| end.addresses.iter().any(|address| is_v6(address.ip));
    let wants = ends.iter().any(|end| of_end(end))
        || node.loopback.iter().any(|address| is_v6(address.ip))
        || node.routes.iter().any(|route| is_v6(route.to.addr()));
    let gateway = |end: &End, route: &Route| {
        let near = matches!(route.via, Some(IpAddr::V6(ip)) if ip.is_unicast_link_local());
        near && route.device.as_ref() == Some(&end.device.name)
    };
    let uses = |end: &End| of_end(end) || node.routes.iter().any(|route| gateway(end, route));
    node.ipv6 != wants
        || ends
            .iter()
            .any(|end| end.link_local != (node.ipv6 && uses(end)))
}

/// With dots, where the path has none itself.
fn as_key(path: &str) -> String {
    match path.contains('.') {
        true => path.to_owned(),
        false => path.replace('/', "."),
    }
}

fn route(route: &Route, ends: &[&End]) -> String {
    let mut table = Inline::default();
    match route.to.prefix_len() == 0 && route.via.is_some() {
        true => table.put("to", "default"),
        false => table.put("to", route.to.to_string()),
    };
    table.put_some("via", route.via.map(|via| via.to_string()));
    let named = |end: &&&End| Some(&end.device.name) == route.device.as_ref();
    let device = ends.iter().find(named).map(|end| &*end.device.logical);
    table.put_some("device", device);
    table.put_some("metric", route.metric);
    table.text()
}

fn command(command: &Command) -> String {
    let mut table = Inline::default();
    table.put("name", &*command.name);
    table.put_text("run", &words(&command.run));
    if !command.environment.is_empty() {
        table.put("environment", &command.environment);
    }
    let directory = command.directory.as_deref().and_then(|path| path.to_str());
    table.put_some("directory", directory);
    if let Some(ready) = ready(&command.ready) {
        table.put_text("ready", &ready);
    }
    let timeout = (command.timeout != PATIENCE).then(|| units::write_duration(command.timeout));
    table.put_some("timeout", timeout);
    table.text()
}

fn words(words: &[String]) -> String {
    match words {
        [shell, option, line] if shell == "sh" && option == "-c" && !line.trim().is_empty() => {
            line.to_toml_value()
        }
        words => words.to_toml_value(),
    }
}

fn ready(ready: &Ready) -> Option<String> {
    let mut table = Inline::default();
    match ready {
        Ready::Started => return None,
        Ready::Exit => return Some("exit".to_toml_value()),
        Ready::Tcp(port) => table.put("tcp", *port),
        Ready::Udp(port) => table.put("udp", *port),
        Ready::File(path) => table.put("file", path.display().to_string()),
        Ready::Output(text) => table.put("output", &**text),
        Ready::Command(run) => table.put_text("command", &words(run)),
    };
    Some(table.text())
}
