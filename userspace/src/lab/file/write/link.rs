// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[[links]]`.

use toml_writer::ToTomlValue;

use super::super::units;
use super::{Inline, list};
use crate::lab::model::{End, Ends, Impairment, Link, Port, Probability};

/// One end, as it is written short and as a table.
struct Written<'a> {
    /// Nothing, where the short form would mean something else.
    short: Option<String>,
    table: Inline,
    impairment: Option<&'a Impairment>,
}

pub fn section(link: &Link) -> String {
    let mut ends = match &link.ends {
        Ends::PointToPoint([a, b]) => [end(a), end(b)],
        Ends::Bridged {
            end: first,
            port: second,
        } => [end(first), port(second)],
        Ends::Trunk([a, b]) => [port(a), port(b)],
    };
    let mut table = Inline::default();
    let same = ends[0].impairment == ends[1].impairment;
    if let Some(both) = ends[0].impairment.filter(|_| same) {
        table.put_text("impairment", &impairment(both));
    } else {
        for end in &mut ends {
            if let Some(own) = end.impairment {
                end.table.put_text("impairment", &impairment(own));
                end.short = None;
            }
        }
    }
    table.put_some("mtu", link.mtu);
    let ends = ends.map(|end| match end.short {
        Some(short) => short.to_toml_value(),
        None => end.table.text(),
    });
    format!("[[links]]\nends = {}\n{}", list(&ends), table.lines())
}

/// An `=` of a name would begin the settings of the short form, and what is left
/// of a `:` is the owner.
fn short(owner: &str, device: &str) -> Option<String> {
    let text = format!("{owner}:{device}");
    (!text.contains('=')).then_some(text)
}

fn end(end: &End) -> Written<'_> {
    let (owner, device) = (end.node.as_str(), &*end.device.logical);
    let mac = end.mac.map(|mac| mac.to_string());
    let addresses: Vec<_> = end.addresses.iter().map(ToString::to_string).collect();
    let mut table = Inline::default();
    table.put("node", owner).put("device", device);
    table.put_some("mac", mac.clone());
    if !addresses.is_empty() {
        table.put("addresses", addresses.as_slice());
    }
    let settings: Vec<_> = addresses.into_iter().chain(mac).collect();
    let short = short(owner, device).map(|place| match settings.is_empty() {
        true => place,
        false => format!("{place}={}", settings.join(",")),
    });
    Written {
        short,
        table,
        impairment: end.impairment.as_ref(),
    }
}

fn port(port: &Port) -> Written<'_> {
    let mut table = Inline::default();
    table
        .put("bridge", &*port.bridge)
        .put("device", &*port.device.logical);
    table.put_some("vlan", port.vlan);
    if !port.tagged.is_empty() {
        table.put("tagged", port.tagged.as_slice());
    }
    let plain = port.vlan.is_none() && port.tagged.is_empty();
    Written {
        short: short(&port.bridge, &port.device.logical).filter(|_| plain),
        table,
        impairment: port.impairment.as_ref(),
    }
}

fn impairment(impairment: &Impairment) -> String {
    let mut table = Inline::default();
    for (key, duration) in [("delay", impairment.delay), ("jitter", impairment.jitter)] {
        table.put_some(
            key,
            (!duration.is_zero()).then(|| units::write_duration(duration)),
        );
    }
    for (key, share) in [
        ("loss", impairment.loss),
        ("duplicate", impairment.duplicate),
        ("reorder", impairment.reorder),
    ] {
        table.put_some(
            key,
            (share > Probability::default()).then(|| share.to_string()),
        );
    }
    table.put_some("rate", impairment.rate.map(units::write_rate));
    let limit = !impairment.has_usual_limit();
    table.put_some("limit", limit.then_some(impairment.limit));
    table.text()
}
