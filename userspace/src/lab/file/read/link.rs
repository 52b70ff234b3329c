// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[[links]]`, with their ends and impairments.

use anyhow::Result;

use super::super::draft::{End, Link, LinkSettings};
use super::super::problem::At;
use super::super::table::{Keys, Subject, Table, Value};
use super::super::units;
use super::{MTU, pool};
use crate::lab::impairment::{Asked, Impairment, Probability};
use crate::netlink::{Address, DeviceName, Mac};

pub const LINK: Keys = &["ends", "pool", "mtu", "impairment"];
pub const LINK_DEFAULTS: Keys = &["pool", "mtu", "impairment"];
pub const END: Keys = &[
    "node",
    "bridge",
    "device",
    "mac",
    "addresses",
    "vlan",
    "tagged",
    "impairment",
];
pub const IMPAIRMENT: Keys = &[
    "delay",
    "jitter",
    "loss",
    "duplicate",
    "reorder",
    "rate",
    "limit",
];

/// What can be in a tag.
const VLAN: std::ops::RangeInclusive<u32> = 1..=4094;

pub fn all(table: &Table, defaults: &LinkSettings, links: &mut Vec<Link>) {
    let values = table.list("links").into_iter().flatten();
    let read = values.enumerate().filter_map(|(index, value)| {
        let subject = Subject::Link(index + 1);
        let table = Table::read(value, LINK, subject, table.report)?;
        one(&table, index + 1, defaults)
    });
    links.extend(read);
}

fn one(table: &Table, number: usize, defaults: &LinkSettings) -> Option<Link> {
    let mut link_settings = defaults.clone();
    settings(table, &mut link_settings);
    if table.get("ends").is_none() {
        let what = "a link needs its two `ends`, like [\"n1:eth0\", \"n2:eth0\"]";
        table.problem(table.at, what);
    }
    let values: Vec<_> = table.list("ends")?.collect();
    if values.len() != 2 {
        let what = format!("a link has two `ends`, not {}", values.len());
        table.problem(table.place_of("ends"), what);
    }
    let ends: Vec<_> = values.iter().map(|value| end(table, value)).collect();
    let [Some(a), Some(b)] = <[_; 2]>::try_from(ends).ok()? else {
        return None;
    };
    Some(Link {
        at: table.at,
        number: Some(number),
        ends: [a, b],
        settings: link_settings,
    })
}

/// Changes what the table says.
pub fn settings(table: &Table, settings: &mut LinkSettings) {
    if let Some(pool) = pool::reference(table) {
        settings.pool = Some(pool);
    }
    if let Some(mtu) = table.number("mtu", MTU) {
        settings.mtu = Some(mtu);
    }
    if let Some(read) = impairment(table) {
        settings.impairment = read;
    }
}

fn end(table: &Table, value: &Value) -> Option<End> {
    if value.get_ref().is_str() {
        return written(table, table.text_of("ends", value)?);
    }
    let table = Table::read(value, END, table.subject, table.report)?;
    let mut end = End::new(owner(&table)?);
    end.bridge = Some(table.get("bridge").is_some());
    end.device = table.parsed("device", device_name);
    end.mac = table.parsed("mac", str::parse);
    if let Some(addresses) = table.texts("addresses") {
        let address = |text| table.parse(text, str::parse::<Address>);
        end.addresses = Some(addresses.into_iter().filter_map(address).collect());
    }
    end.vlan = table.number("vlan", VLAN);
    let tagged = table.list("tagged").into_iter().flatten();
    let tag = |value| table.number_of("tagged", value, VLAN);
    end.tagged = tagged.filter_map(tag).collect();
    end.impairment = impairment(&table);
    let of_the_other = match table.get("bridge") {
        Some(_) => &["mac", "addresses"],
        None => &["vlan", "tagged"],
    };
    for key in of_the_other {
        if table.get(key).is_some() {
            let what = match table.get("bridge") {
                Some(_) => format!("a port of a bridge has no `{key}` of its own"),
                None => format!("`{key}` is for ports of bridges, not for ends in nodes"),
            };
            table.problem(table.place_of(key), what);
        }
    }
    Some(end)
}

fn owner(table: &Table) -> Option<At<String>> {
    let owned = |text: At<&str>| At::new(text.value.to_owned(), text.at);
    match (table.text("node"), table.text("bridge")) {
        (Some(name), None) | (None, Some(name)) => Some(owned(name)),
        _ => {
            table.problem(
                table.at,
                "an end is of a `node` or of a `bridge`: one of both",
            );
            None
        }
    }
}

/// The short form, that of `pernet link add`:
///
/// ```text
/// END = OWNER [":" DEVICE] ["=" SETTING {"," SETTING}]
/// ```
///
/// where OWNER is a node or a bridge, and SETTING an address, an Ethernet address
/// or both.
fn written(table: &Table, text: At<&str>) -> Option<End> {
    let (place, settings) = match text.value.rsplit_once('=') {
        Some((place, settings)) => (place, Some(settings)),
        None => (text.value, None),
    };
    let (owner, device) = match place.rsplit_once(':') {
        Some((owner, device)) => (owner, Some(device)),
        None => (place, None),
    };
    // One past the quote: escapes apart, that is where the text begins.
    let at = text.at + 1;
    let mut end = End::new(At::new(owner.to_owned(), at));
    if let Some(device) = device {
        let at = at + owner.len() + 1;
        end.device = Some(table.parse(At::new(device, at), device_name)?);
    }
    let mut at = at + place.len() + 1;
    for setting in settings
        .into_iter()
        .flat_map(|settings| settings.split(','))
    {
        set(table, &mut end, At::new(setting, at))?;
        at += setting.len() + 1;
    }
    Some(end)
}

fn set(table: &Table, end: &mut End, setting: At<&str>) -> Option<()> {
    // No IPv6 address with its prefix length has the shape of an Ethernet address.
    if !setting.value.contains('/') && setting.value.matches(':').count() == 5 {
        let mac = table.parse(setting, str::parse::<Mac>)?;
        if end.mac.replace(mac).is_some() {
            table.problem(setting.at, "a second Ethernet address");
        }
        return Some(());
    }
    let address = table.parse(setting, str::parse::<Address>)?;
    end.addresses.get_or_insert_default().push(address);
    Some(())
}

fn device_name(text: &str) -> Result<String> {
    DeviceName::check(text)?;
    Ok(text.to_owned())
}

/// What `impairment` says: perhaps that there is none, where the defaults have one.
fn impairment(table: &Table) -> Option<Option<Impairment>> {
    let value = table.get("impairment")?;
    let table = Table::read(value, IMPAIRMENT, table.subject, table.report)?;
    let duration = |key| {
        let read = table.parsed(key, units::duration);
        read.map_or_else(Default::default, |duration| duration.value)
    };
    let share = |key| {
        let read = table.parsed(key, units::probability);
        read.map_or_else(Probability::default, |share| share.value)
    };
    let (delay, jitter) = (duration("delay"), duration("jitter"));
    let (loss, duplicate, reorder) = (share("loss"), share("duplicate"), share("reorder"));
    let rate = table.parsed("rate", units::rate).map(|rate| rate.value);
    let limit = table.number("limit", 1..=u32::MAX).map(|limit| limit.value);
    let asked = Asked {
        delay,
        jitter,
        loss,
        duplicate,
        reorder,
        rate,
        limit,
    };
    match Impairment::new(asked) {
        Ok(impairment) => Some(impairment),
        Err(contradictions) => {
            for what in contradictions {
                table.problem(table.place_of(what.key()), what.to_string());
            }
            Some(None)
        }
    }
}
