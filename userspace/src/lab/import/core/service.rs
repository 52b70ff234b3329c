// SPDX-License-Identifier: MIT OR Apache-2.0

//! Services of a session's devices: those that set up the network, and the others.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use roxmltree::Node as Element;

use super::{Session, elements};
use crate::lab::model::{End, Lab, Node, Route};

/// What the service IPForward sets.
const FORWARDING: &[&str] = &[
    "net/ipv4/conf/all/forwarding",
    "net/ipv4/conf/default/forwarding",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/default/forwarding",
];

pub fn apply(session: &mut Session, scenario: Element, lab: &mut Lab) {
    let usual: HashMap<_, _> = elements(scenario, "default_services", "node")
        .filter_map(|kind| Some((kind.attribute("type")?, names(kind))))
        .collect();
    let mut others: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut routes = Vec::new();
    let ends: Vec<End> = lab.ends().map(|(_, end)| end.clone()).collect();
    for device in elements(scenario, "devices", "device") {
        let name = device.attribute("name").unwrap_or_default();
        // A device that says nothing has what its type has.
        let own = device
            .children()
            .find(|child| child.has_tag_name("services"));
        let of_type = device.attribute("type").and_then(|kind| usual.get(kind));
        let services = own.map(names).or(of_type.cloned()).unwrap_or_default();
        let node = lab.nodes.iter_mut().find(|node| node.name.as_str() == name);
        let Some(node) = node else { continue };
        for service in services {
            match service {
                "IPForward" => {
                    let forwarding = FORWARDING
                        .iter()
                        .map(|path| ((*path).to_owned(), "1".to_owned()));
                    node.sysctls.extend(forwarding);
                }
                "DefaultRoute" => routes.push(node.name.clone()),
                _ => others.entry(service).or_default().push(name),
            }
        }
    }
    for node in lab
        .nodes
        .iter_mut()
        .filter(|node| routes.contains(&node.name))
    {
        default_routes(node, &ends);
    }
    for (service, nodes) in others {
        session.leave_out(format!(
            "service {service} of {}; a node's `commands` start programs",
            nodes.join(", ")
        ));
    }
}

fn names<'a>(element: Element<'a, '_>) -> Vec<&'a str> {
    let services = element
        .children()
        .filter(|child| child.has_tag_name("service"));
    services
        .filter_map(|service| service.attribute("name"))
        .collect()
}

/// As CORE's DefaultRoute has it: the first address of the node's network is that
/// of its router. Of each family there is one default route.
fn default_routes(node: &mut Node, ends: &[End]) {
    let own: Vec<_> = ends
        .iter()
        .filter(|end| end.node == node.name)
        .flat_map(|end| &end.addresses)
        .collect();
    for v4 in [true, false] {
        let router = own
            .iter()
            .filter(|address| address.ip.is_ipv4() == v4)
            .find_map(|address| {
                let network = IpNet::new(address.ip, address.prefix).ok()?;
                let first = match network.network() {
                    _ if network.prefix_len() + 1 >= network.max_prefix_len() => return None,
                    IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) + 1).into()),
                    IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) + 1).into()),
                };
                own.iter()
                    .all(|address| address.ip != first)
                    .then_some(first)
            });
        if let Some(via) = router {
            let to = if v4 { "0.0.0.0/0" } else { "::/0" };
            node.routes.push(Route {
                to: to.parse().expect("it is a network"),
                via: Some(via),
                device: None,
                metric: None,
            });
        }
    }
}
