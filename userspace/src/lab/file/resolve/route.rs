// SPDX-License-Identifier: MIT OR Apache-2.0

//! Routes: gateways that can be reached, and no way round in a circle.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::super::draft::{self, Draft, To, Via};
use super::super::problem::{At, Report};
use super::address::is_link_local;
use super::segment::Segment;
use super::{EndIndex, Wiring};
use crate::lab::model::Route;
use crate::lab::naming;

/// What is looked up for each route.
struct Lookup<'a> {
    draft: &'a Draft,
    wiring: &'a Wiring,
    nodes: HashMap<&'a str, usize>,
    /// The ends that a node has on a segment.
    on_segments: HashMap<(Segment, usize), Vec<EndIndex>>,
    owners: HashMap<IpAddr, usize>,
    report: &'a Report,
}

/// The routes of every node, by its index.
pub fn all(draft: &Draft, wiring: &Wiring, report: &Report) -> Vec<Vec<Route>> {
    let lookup = Lookup::new(draft, wiring, report);
    let mut hops = Hops::default();
    let nodes = draft.nodes.iter().enumerate();
    let routes = nodes.map(|(index, node)| {
        let mut found: Vec<Route> = Vec::new();
        let mut seen = HashSet::new();
        for route in &node.settings.routes {
            for made in lookup.resolve(index, route) {
                if !seen.insert((made.to, made.metric)) {
                    let what = format!(
                        "node `{}`: a second route to {}; give one of them another `metric`",
                        node.name.value, made.to
                    );
                    report.add(route.at, what);
                }
                let next = made.via.and_then(|via| lookup.owners.get(&via));
                if let Some(next) = next {
                    hops.add(made.to, index, *next, route.at);
                }
                found.push(made);
            }
        }
        found
    });
    let routes = routes.collect();
    hops.check(&lookup);
    routes
}

impl<'a> Lookup<'a> {
    fn new(draft: &'a Draft, wiring: &'a Wiring, report: &'a Report) -> Self {
        let nodes = draft.nodes.iter().enumerate();
        let mut lookup = Lookup {
            draft,
            wiring,
            nodes: nodes
                .map(|(index, node)| (node.name.value.as_str(), index))
                .collect(),
            on_segments: HashMap::new(),
            owners: HashMap::new(),
            report,
        };
        for (end, node) in wiring.node_ends() {
            let segment = wiring.segments.of_links[end.link];
            lookup
                .on_segments
                .entry((segment, node))
                .or_default()
                .push(end);
            let addresses = wiring.addresses(end).iter();
            lookup
                .owners
                .extend(addresses.map(|address| (address.value.ip, node)));
        }
        lookup
    }

    fn problem(&self, node: usize, at: usize, what: &str) {
        let name = &self.draft.nodes[node].name.value;
        self.report.add(at, format!("node `{name}`: {what}"));
    }

    /// What a route of the file means: one route, or one for each family where it
    /// is the default and its gateway a node.
    fn resolve(&self, node: usize, route: &draft::Route) -> Vec<Route> {
        let device = match self.device(node, route) {
            Ok(device) => device,
            Err(()) => return Vec::new(),
        };
        let made = |to, via| Route {
            to,
            via,
            device: device.map(|end| {
                let name = self.wiring.device(end);
                naming::device(name, name).name
            }),
            metric: route.metric,
        };
        match (&route.via, route.to) {
            (None, To::Network(to)) => vec![made(to, None)],
            (None, To::Default) => Vec::new(),
            (
                Some(At {
                    value: Via::Address(via),
                    at,
                }),
                to,
            ) => {
                let to = match to {
                    To::Network(to) => to,
                    To::Default => default_of(*via),
                };
                self.check_gateway(node, *via, *at, to, device);
                vec![made(to, Some(*via))]
            }
            (
                Some(At {
                    value: Via::Node(name),
                    at,
                }),
                to,
            ) => {
                let gateways = self.gateways(node, name, *at, device);
                let wanted = |via: &IpAddr| match to {
                    To::Network(to) => to.addr().is_ipv4() == via.is_ipv4(),
                    To::Default => true,
                };
                let usable: Vec<_> = gateways.iter().copied().filter(wanted).collect();
                if usable.is_empty() && !gateways.is_empty() {
                    let what = format!("`{name}` has no address there of the family of the route");
                    self.problem(node, *at, &what);
                }
                let route = |via| match to {
                    To::Network(to) => made(to, Some(via)),
                    To::Default => made(default_of(via), Some(via)),
                };
                usable.into_iter().map(route).collect()
            }
        }
    }

    /// The end whose device the route names, if it names one.
    fn device(&self, node: usize, route: &draft::Route) -> Result<Option<EndIndex>, ()> {
        let Some(device) = &route.device else {
            return Ok(None);
        };
        let ends = &self.wiring.of_nodes[node];
        let found = ends
            .iter()
            .find(|end| self.wiring.device(**end) == device.value);
        if found.is_none() {
            let names = ends.iter().map(|end| self.wiring.device(*end));
            let meant = self.report.suggestion(&device.value, names);
            let what = format!("it has no device `{}`{meant}", device.value);
            self.problem(node, device.at, &what);
        }
        found.copied().map(Some).ok_or(())
    }

    fn check_gateway(
        &self,
        node: usize,
        via: IpAddr,
        at: usize,
        to: IpNet,
        device: Option<EndIndex>,
    ) {
        if to.addr().is_ipv4() != via.is_ipv4() {
            let what = format!("gateway {via} is of another family than the route to {to}");
            return self.problem(node, at, &what);
        }
        if is_link_local(via) {
            if device.is_none() {
                let what = format!("gateway {via} may be on any device; name one with `device`");
                self.problem(node, at, &what);
            }
            return;
        }
        let ends = &self.wiring.of_nodes[node];
        let addresses = ends
            .iter()
            .filter(|end| device.is_none_or(|device| device == **end));
        let mut reached = false;
        for address in addresses.flat_map(|end| self.wiring.addresses(*end)) {
            if address.value.ip == via {
                return self.problem(node, at, &format!("gateway {via} is the node itself"));
            }
            let network = IpNet::new(address.value.ip, address.value.prefix);
            reached |= network.is_ok_and(|network| network.contains(&via));
        }
        if !reached {
            let where_ = match device {
                Some(end) => format!("no network of device `{}`", self.wiring.device(end)),
                None => "none of its networks".to_owned(),
            };
            self.problem(node, at, &format!("gateway {via} is in {where_}"));
        }
    }

    /// Addresses of a node that is said to be the gateway: the first of each
    /// family, on the first segment that both are on.
    fn gateways(
        &self,
        node: usize,
        name: &str,
        at: usize,
        device: Option<EndIndex>,
    ) -> Vec<IpAddr> {
        let Some(&gateway) = self.nodes.get(name) else {
            let meant = self.report.suggestion(name, self.nodes.keys().copied());
            let what = format!("gateway `{name}` is neither an address nor a node{meant}");
            self.problem(node, at, &what);
            return Vec::new();
        };
        if gateway == node {
            self.problem(node, at, "its gateway is the node itself");
            return Vec::new();
        }
        let mut found: Vec<IpAddr> = Vec::new();
        let mut meet = false;
        let ends = &self.wiring.of_nodes[node];
        for end in ends
            .iter()
            .filter(|end| device.is_none_or(|device| device == **end))
        {
            let segment = self.wiring.segments.of_links[end.link];
            for end in self
                .on_segments
                .get(&(segment, gateway))
                .into_iter()
                .flatten()
            {
                meet = true;
                for address in self.wiring.addresses(*end) {
                    let ip = address.value.ip;
                    let new = found.iter().all(|other| other.is_ipv4() != ip.is_ipv4());
                    if new && !is_link_local(ip) {
                        found.push(ip);
                    }
                }
            }
        }
        if !meet {
            self.problem(node, at, &format!("gateway `{name}` is not linked with it"));
        } else if found.is_empty() {
            self.problem(node, at, &format!("gateway `{name}` has no address there"));
        }
        found
    }
}

fn default_of(via: IpAddr) -> IpNet {
    match via {
        IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
    }
}

/// Where each destination is sent on to, by node.
#[derive(Default)]
struct Hops(HashMap<IpNet, HashMap<usize, (usize, usize)>>);

impl Hops {
    fn add(&mut self, to: IpNet, node: usize, next: usize, at: usize) {
        self.0
            .entry(to)
            .or_default()
            .entry(node)
            .or_insert((next, at));
    }

    /// Finds destinations that are sent round among nodes none of which is there.
    fn check(&self, lookup: &Lookup) {
        for (to, hops) in &self.0 {
            // Who has a default route at the other end may know where most things are.
            if to.prefix_len() == 0 {
                continue;
            }
            let mut seen: HashMap<usize, usize> = HashMap::new();
            let mut starts: Vec<_> = hops.keys().copied().collect();
            starts.sort_unstable();
            for start in starts {
                let mut node = start;
                while let Some((next, _)) = hops.get(&node).filter(|_| !seen.contains_key(&node)) {
                    seen.insert(node, start);
                    node = *next;
                }
                if seen.get(&node) == Some(&start) && hops.contains_key(&node) {
                    report_circle(*to, node, hops, lookup);
                    // It is said once.
                    seen.insert(node, usize::MAX);
                }
            }
        }
    }
}

fn report_circle(to: IpNet, first: usize, hops: &HashMap<usize, (usize, usize)>, lookup: &Lookup) {
    let mut circle = vec![first];
    while let Some((next, _)) = hops.get(circle.last().unwrap_or(&first)) {
        if *next == first {
            break;
        }
        circle.push(*next);
    }
    let is_there = |node: &usize| {
        let ends = lookup.wiring.of_nodes[*node].iter();
        let mut addresses = ends.flat_map(|end| lookup.wiring.addresses(*end));
        addresses.any(|address| to.contains(&address.value.ip))
    };
    if circle.iter().any(is_there) {
        return;
    }
    let names: Vec<_> = circle
        .iter()
        .chain([&first])
        .map(|node| format!("`{}`", lookup.draft.nodes[*node].name.value))
        .collect();
    let at = circle
        .iter()
        .filter_map(|node| hops.get(node))
        .map(|(_, at)| *at)
        .max();
    let what = format!(
        "packets to {to} would go in a circle: {}",
        names.join(" to ")
    );
    lookup.report.add(at.unwrap_or(0), what);
}
