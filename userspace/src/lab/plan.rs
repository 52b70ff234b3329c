// SPDX-License-Identifier: MIT OR Apache-2.0

//! What has to be made, changed and removed so that one lab becomes another.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::model::{Bridge, Device, End, Ends, Lab, Link, LinkKey, Node, Port};
use super::steps::describe_link;
use crate::netns::Name;

/// The way from one lab to another.
pub struct Plan<'a> {
    pub nodes: Changes<'a, Node>,
    pub bridges: Changes<'a, Bridge>,
    pub links: Changes<'a, Link>,
}

pub struct Changes<'a, T> {
    pub removed: Vec<&'a T>,
    pub added: Vec<&'a T>,
    /// What it is, and what it becomes.
    pub changed: Vec<(&'a T, &'a T)>,
    /// What stays as it is.
    pub kept: Vec<&'a T>,
}

impl Lab {
    /// A lab of this name with nothing in it.
    pub fn empty(name: &Name) -> Self {
        Lab {
            name: name.clone(),
            prefix: String::new(),
            nodes: Vec::new(),
            bridges: Vec::new(),
            links: Vec::new(),
        }
    }
}

impl<'a> Plan<'a> {
    pub fn between(old: &'a Lab, new: &'a Lab) -> Self {
        // What keeps its name in the lab and not the one on the machine is another.
        let key = |node: &'a Node| (&node.name, &node.netns, node.kind as u8);
        let nodes = changes(&old.nodes, &new.nodes, key, key, PartialEq::eq);
        let key = |bridge: &'a Bridge| (&bridge.name, &bridge.device);
        let bridges = changes(&old.bridges, &new.bridges, key, key, PartialEq::eq);
        // A link goes with either of the things that it is between.
        let made: HashSet<&str> = (nodes.added.iter().map(|node| node.name.as_str()))
            .chain(bridges.added.iter().map(|bridge| &*bridge.name))
            .collect();
        let anew = |link: &Link| link.places().iter().any(|place| made.contains(place.owner));
        let links = changes(
            &old.links,
            &new.links,
            |link| link_key(link, false),
            |link| link_key(link, anew(link)),
            |old, new| describe_link(old, new).is_empty(),
        );
        Plan {
            nodes,
            bridges,
            links,
        }
    }
}

impl<'a, T> Changes<'a, T> {
    /// All that is there in the end, with what it was before, if it was.
    pub fn after(&self) -> impl Iterator<Item = (Option<&'a T>, &'a T)> {
        let added = self.added.iter().map(|&new| (None, new));
        let changed = self.changed.iter().map(|&(old, new)| (Some(old), new));
        let kept = self.kept.iter().map(|&kept| (Some(kept), kept));
        added.chain(changed).chain(kept)
    }
}

/// Pairs what is there with what is to be, by what each is known by.
fn changes<'a, T, K: Hash + Eq>(
    old: &'a [T],
    new: &'a [T],
    old_key: impl Fn(&'a T) -> K,
    new_key: impl Fn(&'a T) -> K,
    same: impl Fn(&'a T, &'a T) -> bool,
) -> Changes<'a, T> {
    let keys = old
        .iter()
        .enumerate()
        .map(|(place, item)| (old_key(item), place));
    let mut before: HashMap<K, usize> = keys.collect();
    let mut changes = Changes {
        removed: Vec::new(),
        added: Vec::new(),
        changed: Vec::new(),
        kept: Vec::new(),
    };
    for item in new {
        match before.remove(&new_key(item)).map(|place| &old[place]) {
            None => changes.added.push(item),
            Some(old) if same(old, item) => changes.kept.push(item),
            Some(old) => changes.changed.push((old, item)),
        }
    }
    let mut gone: Vec<usize> = before.into_values().collect();
    gone.sort_unstable();
    changes.removed = gone.into_iter().map(|place| &old[place]).collect();
    changes
}

/// A link is known by what it is between, and by its devices.
fn link_key<'a>(link: &'a Link, anew: bool) -> (LinkKey<'a>, [&'a Device; 2], bool) {
    let mut devices = link.devices();
    if link.key() != link.places() {
        devices.reverse();
    }
    (link.key(), devices, anew)
}

impl Link {
    /// Its devices, in the order of its places.
    pub fn devices(&self) -> [&Device; 2] {
        match &self.ends {
            Ends::PointToPoint([a, b]) => [&a.device, &b.device],
            Ends::Bridged { end, port } => [&end.device, &port.device],
            Ends::Trunk([a, b]) => [&a.device, &b.device],
        }
    }

    /// This version's end in the same place as `end` of another.
    pub fn counterpart(&self, end: &End) -> Option<&End> {
        self.node_ends().find(|own| own.place() == end.place())
    }

    /// This version's port in the same place as `port` of another.
    pub fn counterport(&self, port: &Port) -> Option<&Port> {
        self.ports().find(|own| own.place() == port.place())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::model::Kind;
    use super::super::steps::Step;
    use super::*;
    use crate::netlink::pernet::Wanted;

    fn device(name: &str) -> Device {
        Device {
            logical: name.to_owned(),
            name: name.parse().unwrap(),
            altname: None,
        }
    }

    fn node(name: &str, kind: Kind) -> Node {
        Node {
            name: name.parse().unwrap(),
            netns: format!("lab.{name}").parse().unwrap(),
            kind,
            ipv6: false,
            dad: false,
            loopback: Vec::new(),
            sysctls: BTreeMap::new(),
            routes: Vec::new(),
            counting: Wanted::default(),
            commands: Vec::new(),
        }
    }

    fn end(node: &str, addresses: &[&str]) -> End {
        End {
            node: node.parse().unwrap(),
            device: device("eth0"),
            mac: None,
            addresses: addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect(),
            link_local: false,
            impairment: None,
        }
    }

    fn wire(ends: Ends) -> Link {
        Link { ends, mtu: None }
    }

    /// Two nodes on a bridge.
    fn lab() -> Lab {
        let mut lab = Lab::empty(&"lab".parse().unwrap());
        lab.nodes = vec![node("a", Kind::NetOnly), node("b", Kind::NetOnly)];
        lab.bridges = vec![Bridge {
            name: "s".to_owned(),
            device: device("lab.s"),
            stp: false,
            forward_delay: 0,
            vlan_filtering: false,
            multicast_snooping: false,
            mtu: None,
        }];
        lab.links = ["a", "b"]
            .map(|node| {
                let port = Port {
                    bridge: "s".to_owned(),
                    device: device(&format!("lab.{node}")),
                    vlan: None,
                    tagged: Vec::new(),
                    impairment: None,
                };
                let end = end(node, &["10.0.0.1/24"]);
                wire(Ends::Bridged { end, port })
            })
            .to_vec();
        lab
    }

    fn steps(old: &Lab, new: &Lab) -> Vec<String> {
        let steps = Plan::between(old, new).steps().into_iter();
        let show = |step: Step| {
            let details = step.details.concat();
            format!(
                "{}{} {} {details}",
                step.action.sign(),
                step.kind,
                step.name
            )
        };
        steps.map(|step| show(step).trim_end().to_owned()).collect()
    }

    #[test]
    fn a_lab_that_stays_takes_nothing() {
        let lab = lab();
        assert!(Plan::between(&lab, &lab.clone()).steps().is_empty());
    }

    #[test]
    fn a_lab_is_made_of_all_its_parts_and_goes_with_them() {
        let (lab, empty) = (lab(), Lab::empty(&"lab".parse().unwrap()));
        let made = [
            "+node a",
            "+node b",
            "+bridge s",
            "+link a:eth0 - s:lab.a",
            "+link b:eth0 - s:lab.b",
        ];
        assert_eq!(steps(&empty, &lab), made);
        assert_eq!(steps(&lab, &empty).len(), 5);
    }

    #[test]
    fn the_smallest_change_is_found() {
        let old = lab();
        let mut new = lab();
        new.bridges[0].stp = true;
        new.nodes[0].sysctls = [("net/ipv4/ip_forward".to_owned(), "1".to_owned())].into();
        let Ends::Bridged { end, .. } = &mut new.links[1].ends else {
            panic!("a bridged link");
        };
        end.addresses = vec!["10.0.0.2/24".parse().unwrap()];
        let expected = [
            "~link b:eth0 - s:lab.b b:eth0 -10.0.0.1/24b:eth0 +10.0.0.2/24",
            "~bridge s STP: off -> on",
            "~node a sysctl +net/ipv4/ip_forward=1",
        ];
        assert_eq!(steps(&old, &new), expected);
    }

    #[test]
    fn links_go_with_what_is_replaced() {
        let old = lab();
        let mut new = lab();
        new.nodes[0].kind = Kind::Full;
        let expected = [
            "-link a:eth0 - s:lab.a",
            "-node a",
            "+node a",
            "+link a:eth0 - s:lab.a",
        ];
        assert_eq!(steps(&old, &new), expected);
    }

    #[test]
    fn which_end_of_a_link_is_first_does_not_matter() {
        let mut old = lab();
        old.links = vec![wire(Ends::PointToPoint([end("a", &[]), end("b", &[])]))];
        let mut new = old.clone();
        new.links = vec![wire(Ends::PointToPoint([end("b", &[]), end("a", &[])]))];
        assert!(Plan::between(&old, &new).steps().is_empty());
    }
}
