// SPDX-License-Identifier: MIT OR Apache-2.0

//! CORE's session files.
//!
//! Devices become nodes; switches, and networks that are more than a switch (hubs,
//! radio), bridges; links keep their names, addresses and impairments. Of the
//! services those are kept that set up the network: forwarding and default
//! routes. Everything else is named as left out.

mod link;
mod service;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use roxmltree::{Document, Node as Element};

use super::Imported;
use crate::lab::file;
use crate::lab::model::{Bridge, Kind, Lab, Node};
use crate::lab::naming;
use crate::netlink::pernet::Wanted;

/// What CORE's number stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Node(String),
    Bridge(String),
    /// Something that a lab has not, and what it is.
    LeftOut(String),
}

/// What is known of a session while it is read.
#[derive(Default)]
struct Session {
    parts: BTreeMap<String, Part>,
    left_out: Vec<String>,
}

/// Elements that say nothing of the network: how it is drawn, and how CORE runs.
const NOT_OF_THE_NETWORK: &[&str] = &[
    "networks",
    "devices",
    "links",
    "default_services",
    "session_origin",
    "session_metadata",
];

/// Reads a session; `name` is what the lab is called.
pub fn import(text: &str, name: &str) -> Result<Imported> {
    let document = Document::parse(text).context("it is not XML")?;
    let scenario = document.root_element();
    ensure!(
        scenario.has_tag_name("scenario"),
        "it is XML, but no session of CORE: its root is `{}`, not `scenario`",
        scenario.tag_name().name()
    );
    let mut session = Session::default();
    let bridges = session.networks(scenario)?;
    let nodes = session.devices(scenario)?;
    let mut lab = Lab {
        name: lab_name(name).parse()?,
        prefix: format!("{}.", lab_name(name)),
        nodes,
        bridges,
        links: Vec::new(),
    };
    lab.links = link::all(&mut session, scenario)?;
    let with_ipv6: BTreeSet<_> = (lab.ends())
        .filter(|(_, end)| end.link_local)
        .map(|(_, end)| end.node.clone())
        .collect();
    for node in &mut lab.nodes {
        node.ipv6 = with_ipv6.contains(&node.name);
    }
    service::apply(&mut session, scenario, &mut lab);
    session.others(scenario);
    let text = file::write(&lab);
    let made = "# Imported from a session of CORE.\n".to_owned() + &text;
    file::parse(&made, name).context("the lab that it describes cannot be")?;
    Ok(Imported {
        text: made,
        left_out: session.left_out,
    })
}

/// As much of a file's name as a lab's may have.
fn lab_name(name: &str) -> String {
    let begin = name.split('.').next().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = begin
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect();
    if name.is_empty() {
        "session".to_owned()
    } else {
        name
    }
}

/// The elements called `name` in the one called `list`.
fn elements<'a, 'input>(
    scenario: Element<'a, 'input>,
    list: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Element<'a, 'input>> {
    let lists = scenario
        .children()
        .filter(move |child| child.has_tag_name(list));
    let entries = lists.flat_map(|list| list.children());
    entries.filter(move |entry| entry.has_tag_name(name))
}

impl Session {
    fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }

    fn add(&mut self, element: Element, part: Part) -> Result<()> {
        let id = element.attribute("id").with_context(|| {
            format!("a <{}> of the session has no id", element.tag_name().name())
        })?;
        let other = self.parts.insert(id.to_owned(), part);
        ensure!(other.is_none(), "the session has two parts with id {id}");
        Ok(())
    }

    fn networks(&mut self, scenario: Element) -> Result<Vec<Bridge>> {
        let mut bridges = Vec::new();
        for network in elements(scenario, "networks", "network") {
            let name = network.attribute("name").unwrap_or_default();
            let kind = network.attribute("type").unwrap_or("unknown");
            match kind {
                "SWITCH" => {}
                "HUB" => self.leave_out(format!(
                    "hub {name} becomes a bridge, which sends a packet only where it goes"
                )),
                "WIRELESS_LAN" | "WIRELESS" | "EMANE" => self.leave_out(format!(
                    "{name} is radio ({kind}): it becomes a bridge, on which all hear each other at all times"
                )),
                _ => {
                    self.leave_out(format!("{name} ({kind}), with its links"));
                    self.add(network, Part::LeftOut(name.to_owned()))?;
                    continue;
                }
            }
            self.add(network, Part::Bridge(name.to_owned()))?;
            bridges.push(Bridge {
                name: name.to_owned(),
                device: naming::device(name, name),
                stp: false,
                forward_delay: 0,
                vlan_filtering: false,
                multicast_snooping: false,
                mtu: None,
            });
        }
        Ok(bridges)
    }

    fn devices(&mut self, scenario: Element) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        for device in elements(scenario, "devices", "device") {
            let text = device.attribute("name").unwrap_or_default();
            let name: crate::netns::Name =
                (text.parse()).with_context(|| format!("device `{text}` cannot be a node"))?;
            for key in ["class", "image"] {
                if let Some(value) = device.attribute(key).filter(|value| !value.is_empty()) {
                    self.leave_out(format!(
                        "{key} {value} of {name}: it becomes a node like others"
                    ));
                }
            }
            self.add(device, Part::Node(text.to_owned()))?;
            nodes.push(Node {
                netns: name.clone(),
                name,
                kind: Kind::Full,
                ipv6: false,
                dad: false,
                loopback: Vec::new(),
                sysctls: BTreeMap::new(),
                routes: Vec::new(),
                counting: Wanted::default(),
                commands: Vec::new(),
            });
        }
        Ok(nodes)
    }

    /// What a part is called.
    fn name(&self, id: &str) -> String {
        match self.parts.get(id) {
            Some(Part::Node(name) | Part::Bridge(name) | Part::LeftOut(name)) => name.clone(),
            None => format!("number {id}"),
        }
    }

    /// Names what else there is in the session, one thing in one sentence.
    fn others(&mut self, scenario: Element) {
        let mut seen = BTreeSet::new();
        for element in scenario.children().filter(Element::is_element) {
            let name = element.tag_name().name();
            if NOT_OF_THE_NETWORK.contains(&name)
                || !element.children().any(|child| child.is_element())
            {
                continue;
            }
            match name {
                "session_options" => self.options(element),
                "mobility_configurations" | "emane_configurations" => {
                    for configuration in element.children().filter(Element::is_element) {
                        let node = configuration.attribute("node").unwrap_or_default();
                        let model = configuration.attribute("model").unwrap_or("unknown");
                        let what = format!("settings `{model}` of the radio {}", self.name(node));
                        if seen.insert(what.clone()) {
                            self.leave_out(what);
                        }
                    }
                }
                _ => self.leave_out(format!("<{name}>")),
            }
        }
    }

    /// CORE's own options, of which some change the network.
    fn options(&mut self, options: Element) {
        for option in options.children().filter(Element::is_element) {
            let name = option.attribute("name").unwrap_or_default();
            let value = option.attribute("value").unwrap_or_default();
            let is_set = !["", "0"].contains(&value);
            if is_set && (name.starts_with("controlnet") || name == "mtu" || name == "ovs") {
                self.leave_out(format!("session option {name} = {value}"));
            }
        }
    }
}
