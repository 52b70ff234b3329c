// SPDX-License-Identifier: MIT OR Apache-2.0

//! A plan as it is shown: step by step, and what is different of what changes.

use std::fmt::{self, Display};

use serde::Serialize;

use super::model::{Bridge, Command, Link, Node, Route};
use super::plan::{Changes, Plan};

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

impl Plan<'_> {
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

impl<T> Changes<'_, T> {
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

pub fn describe_link(old: &Link, new: &Link) -> Vec<String> {
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
