// SPDX-License-Identifier: MIT OR Apache-2.0

//! What has to be made, changed and removed so that one lab becomes another.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display};
use std::hash::Hash;

use serde::Serialize;

use super::model::{
    Bridge, Command, Device, End, Ends, Impairment, Lab, Link, LinkKey, Node, Port, Probability,
    Route,
};
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

/// A part of a plan, as it is shown.
#[derive(Debug, Serialize)]
pub struct Step {
    pub action: Action,
    pub kind: &'static str,
    pub name: String,
    /// What is different of something that changes.
    pub details: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Remove,
    Add,
    Change,
}

impl Action {
    pub fn sign(self) -> char {
        match self {
            Action::Remove => '-',
            Action::Add => '+',
            Action::Change => '~',
        }
    }
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

    /// All of it, as it is shown: what is removed, changed and added, in the order
    /// of the labs.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let name = |link: &Link| {
            let [a, b] = link.places();
            format!("{a} - {b}")
        };
        self.links.describe(&mut steps, "link", name, describe_link);
        let name = |bridge: &Bridge| bridge.name.clone();
        (self.bridges).describe(&mut steps, "bridge", name, describe_bridge);
        let name = |node: &Node| node.name.to_string();
        self.nodes.describe(&mut steps, "node", name, describe_node);
        let order = |step: &Step| match step.action {
            Action::Remove => 0,
            Action::Change => 1,
            // Nodes are made before what is between them.
            Action::Add if step.kind == "node" => 2,
            Action::Add if step.kind == "bridge" => 3,
            Action::Add => 4,
        };
        steps.sort_by_key(order);
        steps
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

    fn describe(
        &self,
        steps: &mut Vec<Step>,
        kind: &'static str,
        name: impl Fn(&T) -> String,
        details: impl Fn(&T, &T) -> Vec<String>,
    ) {
        let step = |action, item, details| Step {
            action,
            kind,
            name: name(item),
            details,
        };
        let removed = self.removed.iter();
        steps.extend(removed.map(|item| step(Action::Remove, item, Vec::new())));
        let changed = self.changed.iter();
        steps.extend(changed.map(|(old, new)| step(Action::Change, new, details(old, new))));
        let added = self.added.iter();
        steps.extend(added.map(|item| step(Action::Add, item, Vec::new())));
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

/// What of two things that go by the same name is different, as `what: old -> new`.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn of<T: PartialEq>(
        &mut self,
        what: impl Display,
        old: &T,
        new: &T,
        show: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.0
                .push(format!("{what}: {} -> {}", show(old), show(new)));
        }
    }

    fn switch(&mut self, what: impl Display, old: bool, new: bool) {
        let show = |on: &bool| if *on { "on" } else { "off" }.to_owned();
        self.of(what, &old, &new, show);
    }

    /// Of things that come and go one by one.
    fn each<T: PartialEq>(
        &mut self,
        what: impl Display,
        old: &[T],
        new: &[T],
        show: impl Fn(&T) -> String,
    ) {
        for (sign, some, others) in [('-', old, new), ('+', new, old)] {
            let only = some.iter().filter(|item| !others.contains(item));
            (self.0).extend(only.map(|item| format!("{what} {sign}{}", show(item))));
        }
    }
}

fn or_none<T: Display>(value: &Option<T>) -> String {
    value.as_ref().map_or("none".to_owned(), T::to_string)
}

fn describe_node(old: &Node, new: &Node) -> Vec<String> {
    let mut differences = Differences::default();
    differences.switch("IPv6", old.ipv6, new.ipv6);
    differences.switch("duplicate detection", old.dad, new.dad);
    differences.each("lo", &old.loopback, &new.loopback, ToString::to_string);
    let sysctls = |node: &Node| node.sysctls.clone().into_iter().collect::<Vec<_>>();
    let show = |(name, value): &(String, String)| format!("{name}={value}");
    differences.each("sysctl", &sysctls(old), &sysctls(new), show);
    differences.each("route", &old.routes, &new.routes, ToString::to_string);
    let switch = |on: &Option<bool>| or_none(on);
    differences.of(
        "traffic",
        &old.counting.traffic,
        &new.counting.traffic,
        switch,
    );
    differences.of("drops", &old.counting.drops, &new.counting.drops, switch);
    let command = |command: &Command| format!("{} ({})", command.name, command.run.join(" "));
    differences.each("command", &old.commands, &new.commands, command);
    differences.0
}

fn describe_bridge(old: &Bridge, new: &Bridge) -> Vec<String> {
    let mut differences = Differences::default();
    differences.switch("STP", old.stp, new.stp);
    let seconds = |delay: &u32| format!("{delay} s");
    differences.of(
        "forward delay",
        &old.forward_delay,
        &new.forward_delay,
        seconds,
    );
    differences.switch("VLAN filtering", old.vlan_filtering, new.vlan_filtering);
    let snooping = (old.multicast_snooping, new.multicast_snooping);
    differences.switch("multicast snooping", snooping.0, snooping.1);
    differences.of("MTU", &old.mtu, &new.mtu, or_none);
    differences.0
}

fn describe_link(old: &Link, new: &Link) -> Vec<String> {
    let mut differences = Differences::default();
    differences.of("MTU", &old.mtu, &new.mtu, or_none);
    for end in new.node_ends() {
        let Some(before) = old.counterpart(end) else {
            continue;
        };
        let place = end.place();
        // One that is not said stays as it was drawn.
        if end.mac.is_some() {
            differences.of(format!("{place} MAC"), &before.mac, &end.mac, or_none);
        }
        differences.each(
            place,
            &before.addresses,
            &end.addresses,
            ToString::to_string,
        );
        differences.switch(
            format!("{place} link-local"),
            before.link_local,
            end.link_local,
        );
        let what = format!("{place} impairment");
        differences.of(what, &before.impairment, &end.impairment, or_none);
    }
    for port in new.ports() {
        let Some(before) = old.counterport(port) else {
            continue;
        };
        let place = port.place();
        let what = format!("{place} VLAN");
        differences.of(&what, &before.vlan, &port.vlan, or_none);
        let tagged = |vlan: &u16| format!("{vlan} tagged");
        differences.each(&what, &before.tagged, &port.tagged, tagged);
        let what = format!("{place} impairment");
        differences.of(what, &before.impairment, &port.impairment, or_none);
    }
    differences.0
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.to.prefix_len() {
            0 => f.write_str("default")?,
            _ => write!(f, "{}", self.to)?,
        }
        if let Some(via) = self.via {
            write!(f, " via {via}")?;
        }
        if let Some(device) = &self.device {
            write!(f, " dev {device}")?;
        }
        self.metric
            .map_or(Ok(()), |metric| write!(f, " metric {metric}"))
    }
}

/// What it does, in netem's words.
impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut words = Vec::new();
        if !self.delay.is_zero() {
            words.push(format!("delay {:?}", self.delay));
        }
        if !self.jitter.is_zero() {
            words.push(format!("jitter {:?}", self.jitter));
        }
        for (what, probability) in [
            ("loss", self.loss),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
        ] {
            if probability > Probability::default() {
                words.push(format!("{what} {probability}"));
            }
        }
        words.extend(self.rate.map(|rate| format!("rate {rate} bit/s")));
        words.push(format!("limit {}", self.limit));
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::model::Kind;
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
