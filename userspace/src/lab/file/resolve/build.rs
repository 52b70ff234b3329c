// SPDX-License-Identifier: MIT OR Apache-2.0

//! The model, once everything about it is known.

use std::net::IpAddr;

use super::super::draft::{self, Draft};
use super::super::problem::Report;
use super::address::is_link_local;
use super::name::Owner;
use super::{EndIndex, Wiring, command, route};
use crate::lab::model::{Bridge, Device, End, Ends, Lab, Link, Node, Port, Route};
use crate::lab::naming;
use crate::netns::Name;

/// The kernel's forward delay, in seconds, with STP.
pub const USUAL_FORWARD_DELAY: u32 = 15;

pub fn lab(draft: &Draft, wiring: &Wiring, name: Name, report: &Report) -> Lab {
    let prefix = draft.prefix.clone().unwrap_or_else(|| format!("{name}."));
    let routes = route::all(draft, wiring, report);
    let nodes: Vec<Node> = (draft.nodes.iter().zip(routes).enumerate())
        .map(|(index, (drafted, routes))| {
            let ends = &wiring.of_nodes[index];
            let devices = ends.iter().map(|end| wiring.device(*end));
            command::check_sysctls(drafted, devices, report);
            let ipv6 = wants_ipv6(drafted, ends, wiring, &routes);
            node(drafted, routes, ipv6, &prefix, report)
        })
        .collect();
    let builder = Builder {
        draft,
        wiring,
        nodes: &nodes,
        prefix: &prefix,
    };
    let links = (0..draft.links.len())
        .map(|index| builder.link(index))
        .collect();
    let bridges = draft
        .bridges
        .iter()
        .map(|drafted| bridge(drafted, &prefix))
        .collect();
    Lab {
        name,
        prefix,
        nodes,
        bridges,
        links,
    }
}

/// Whether a node has a use for IPv6.
fn wants_ipv6(node: &draft::Node, ends: &[EndIndex], wiring: &Wiring, routes: &[Route]) -> bool {
    let of_ends = ends.iter().flat_map(|end| wiring.addresses(*end));
    let mut addresses = of_ends.chain(&node.settings.loopback);
    addresses.any(|address| address.value.ip.is_ipv6())
        || routes.iter().any(|route| route.to.addr().is_ipv6())
}

fn node(
    drafted: &draft::Node,
    routes: Vec<Route>,
    wants_ipv6: bool,
    prefix: &str,
    report: &Report,
) -> Node {
    let (name, settings) = (&drafted.name.value, &drafted.settings);
    let netns = format!("{prefix}{name}").parse();
    if let Err(error) = &netns {
        let what = format!("node `{name}`: with the lab's prefix, its {error}");
        report.add(drafted.name.at, what);
    }
    let sysctls = settings.sysctls.iter();
    Node {
        name: name.clone(),
        netns: netns.unwrap_or_else(|_| name.clone()),
        kind: settings.kind,
        ipv6: settings.ipv6.map_or(wants_ipv6, |ipv6| ipv6.value),
        dad: settings.dad,
        loopback: settings
            .loopback
            .iter()
            .map(|address| address.value)
            .collect(),
        sysctls: sysctls
            .map(|(path, value)| (path.clone(), value.value.clone()))
            .collect(),
        routes,
        counting: settings.counting,
        commands: command::all(drafted, report),
    }
}

fn bridge(drafted: &draft::Bridge, prefix: &str) -> Bridge {
    let (name, settings) = (&drafted.name.value, &drafted.settings);
    let usual = if settings.stp { USUAL_FORWARD_DELAY } else { 0 };
    Bridge {
        name: name.clone(),
        device: naming::device(name, &format!("{prefix}{name}")),
        stp: settings.stp,
        forward_delay: settings.forward_delay.map_or(usual, |delay| delay.value),
        vlan_filtering: settings.vlan_filtering,
        multicast_snooping: settings.multicast_snooping,
        mtu: settings.mtu,
    }
}

struct Builder<'a> {
    draft: &'a Draft,
    wiring: &'a Wiring,
    nodes: &'a [Node],
    prefix: &'a str,
}

impl Builder<'_> {
    fn link(&self, link: usize) -> Link {
        let end = |end, node| self.end(EndIndex { link, end }, node);
        let port = |end, bridge| self.port(EndIndex { link, end }, bridge);
        Link {
            ends: match self.wiring.owners[link] {
                [Owner::Node(a), Owner::Node(b)] => Ends::PointToPoint([end(0, a), end(1, b)]),
                [Owner::Bridge(a), Owner::Bridge(b)] => Ends::Trunk([port(0, a), port(1, b)]),
                [Owner::Node(node), Owner::Bridge(bridge)] => Ends::Bridged {
                    end: end(0, node),
                    port: port(1, bridge),
                },
                [Owner::Bridge(bridge), Owner::Node(node)] => Ends::Bridged {
                    end: end(1, node),
                    port: port(0, bridge),
                },
            },
            mtu: self.draft.links[link].settings.mtu.map(|mtu| mtu.value),
        }
    }

    fn drafted(&self, index: EndIndex) -> &draft::End {
        &self.draft.links[index.link].ends[index.end]
    }

    fn end(&self, index: EndIndex, node: usize) -> End {
        let logical = self.wiring.device(index);
        let addresses: Vec<_> = (self.wiring.addresses(index).iter())
            .map(|address| address.value)
            .collect();
        let asked = self.draft.nodes[node].settings.ipv6.is_some();
        let node = &self.nodes[node];
        let device: Device = naming::device(logical, logical);
        let gateway = |route: &Route| {
            let near = route.via.is_some_and(is_link_local);
            near && route.device.as_ref() == Some(&device.name)
        };
        let uses = addresses
            .iter()
            .any(|address| matches!(address.ip, IpAddr::V6(_)))
            || node.routes.iter().any(gateway);
        End {
            node: node.name.clone(),
            mac: self.drafted(index).mac.map(|mac| mac.value),
            addresses,
            link_local: node.ipv6 && (asked || uses),
            impairment: self.impairment(index),
            device,
        }
    }

    fn port(&self, index: EndIndex, bridge: usize) -> Port {
        let logical = self.wiring.device(index);
        let drafted = self.drafted(index);
        Port {
            bridge: self.draft.bridges[bridge].name.value.clone(),
            device: naming::device(logical, &format!("{}{logical}", self.prefix)),
            vlan: drafted.vlan.map(|vlan| vlan.value),
            tagged: drafted.tagged.iter().map(|vlan| vlan.value).collect(),
            impairment: self.impairment(index),
        }
    }

    fn impairment(&self, index: EndIndex) -> Option<crate::lab::model::Impairment> {
        let of_link = &self.draft.links[index.link].settings.impairment;
        self.drafted(index)
            .impairment
            .as_ref()
            .unwrap_or(of_link)
            .clone()
    }
}
