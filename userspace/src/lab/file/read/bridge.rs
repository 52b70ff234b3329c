// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[bridges]`.

use super::super::draft::{Bridge, BridgeSettings};
use super::super::problem::At;
use super::super::table::{Keys, Subject, Table};
use super::{MTU, pool};
use crate::netlink::DeviceName;

pub const BRIDGE: Keys = &[
    "stp",
    "forward-delay",
    "vlan-filtering",
    "multicast-snooping",
    "mtu",
    "pool",
];

/// The longest forward delay, in seconds, that is allowed anywhere.
const MAX_FORWARD_DELAY: u32 = 3600;

pub fn all(table: &Table, defaults: &BridgeSettings, bridges: &mut Vec<Bridge>) {
    for (key, value) in table.map("bridges").into_iter().flatten() {
        let name: &str = key.get_ref();
        let at = key.span().start;
        let subject = Subject::Bridge(name);
        let Some(table) = Table::read(value, BRIDGE, subject, table.report) else {
            continue;
        };
        let Some(name) = table.parse(At::new(name, at), |name| {
            DeviceName::check(name)?;
            Ok(name.to_owned())
        }) else {
            continue;
        };
        // One that a shape has made may be given settings.
        let made = bridges
            .iter_mut()
            .find(|bridge| bridge.name.value == name.value);
        let bridge = match made {
            Some(bridge) => bridge,
            None => {
                let settings = defaults.clone();
                bridges.push(Bridge { name, settings });
                bridges.last_mut().expect("one was pushed")
            }
        };
        settings(&table, &mut bridge.settings);
    }
}

/// Changes what the table says.
pub fn settings(table: &Table, settings: &mut BridgeSettings) {
    for (key, setting) in [
        ("stp", &mut settings.stp),
        ("vlan-filtering", &mut settings.vlan_filtering),
        ("multicast-snooping", &mut settings.multicast_snooping),
    ] {
        if let Some(flag) = table.boolean(key) {
            *setting = flag.value;
        }
    }
    if let Some(delay) = table.number("forward-delay", 0..=MAX_FORWARD_DELAY) {
        settings.forward_delay = Some(delay);
    }
    if let Some(mtu) = table.number("mtu", MTU) {
        settings.mtu = Some(mtu.value);
    }
    if let Some(pool) = pool::reference(table) {
        settings.pool = Some(pool);
    }
}
