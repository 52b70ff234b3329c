// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[pools]`, and where something takes its addresses from one.

use anyhow::{Context, Result, ensure};
use ipnet::IpNet;

use super::super::draft::{Pool, PoolPart, PoolReference};
use super::super::problem::At;
use super::super::table::{Keys, Subject, Table, Value};

pub const POOL: Keys = &["network", "subnet"];

pub fn all(table: &Table) -> Vec<(At<String>, Pool)> {
    let entries = table.map("pools").into_iter().flatten();
    let mut pools = Vec::new();
    for (key, value) in entries {
        let (name, at): (&str, _) = (key.get_ref(), key.span().start);
        let table = table.about(Subject::Pool(name));
        if name.contains('/') {
            table.problem(at, "a pool's name has no `/` in it, a network has");
        }
        if let Some(pool) = pool(&table, value) {
            pools.push((At::new(name.to_owned(), at), pool));
        }
    }
    pools
}

/// The key `pool`: a pool's name, or networks.
pub fn reference(table: &Table) -> Option<At<PoolReference>> {
    let value = table.get("pool")?;
    let at = value.span().start;
    let reference = match value.get_ref().as_str() {
        Some(text) if !text.contains('/') => PoolReference::Named(text.to_owned()),
        _ => PoolReference::Written(pool(table, value)?),
    };
    Some(At::new(reference, at))
}

/// One network, or a list of them; a string, or a table.
fn pool(table: &Table, value: &Value) -> Option<Pool> {
    let parts: Option<Vec<_>> = match value.get_ref().as_array() {
        Some(values) => values.iter().map(|value| part(table, value)).collect(),
        None => part(table, value).map(|part| vec![part]),
    };
    let parts = parts?;
    let of_family = |v4| {
        let parts = parts.iter().filter(|part| is_v4(part.network) == v4);
        parts.count()
    };
    let at = value.span().start;
    if parts.is_empty() {
        table.problem(at, "a pool is one network or more");
    }
    for (count, family) in [(of_family(true), "IPv4"), (of_family(false), "IPv6")] {
        if count > 1 {
            table.problem(at, format!("a pool has one {family} network, not {count}"));
        }
    }
    Some(Pool(parts))
}

fn is_v4(network: IpNet) -> bool {
    matches!(network, IpNet::V4(_))
}

fn part(table: &Table, value: &Value) -> Option<PoolPart> {
    if value.get_ref().is_str() {
        let text = table.text_of("pool", value)?;
        let network = table.parse(text, network)?.value;
        return Some(PoolPart {
            network,
            subnet: None,
        });
    }
    let table = Table::read(value, POOL, table.subject, table.report)?;
    if table.get("network").is_none() {
        table.problem(table.at, "a pool needs a `network`");
    }
    let network = table.parsed("network", network)?.value;
    let subnet: Option<At<u8>> = table.number("subnet", 1..=128);
    let range = network.prefix_len()..=network.max_prefix_len();
    if let Some(subnet) = subnet.filter(|subnet| !range.contains(&subnet.value)) {
        table.problem(
            subnet.at,
            format!(
                "`subnet` is the prefix length of a part of {network}, {} to {}, not {}",
                range.start(),
                range.end(),
                subnet.value
            ),
        );
        return None;
    }
    Some(PoolPart {
        network,
        subnet: subnet.map(|subnet| subnet.value),
    })
}

/// A network, written with nothing behind its prefix.
pub fn network(text: &str) -> Result<IpNet> {
    let network: IpNet = (text.parse().ok()).with_context(|| {
        format!("`{text}` is not a network; expected one like 10.0.0.0/24 or fd00::/64")
    })?;
    ensure!(
        network.trunc() == network,
        "`{text}` has bits set behind its prefix; did you mean `{}`?",
        network.trunc()
    );
    Ok(network)
}
