// SPDX-License-Identifier: MIT OR Apache-2.0

//! A node's sysctls: those of its network namespace, and under which path.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::super::problem::At;
use super::super::table::{Table, Value, integer};

/// What belongs to a network namespace. Nothing else of a node is entered to set
/// sysctls, so any other would be set where pernet runs.
const OWN: &str = "net/";

/// Reads `sysctls` into `settings`, by their paths below /proc/sys.
pub fn read(table: &Table, settings: &mut BTreeMap<String, At<String>>) {
    if let Some(entries) = table.map("sysctls") {
        below("", entries, table, settings);
    }
}

/// Keys without quotes are tables in tables for TOML.
fn below(
    path: &str,
    entries: &DeTable,
    table: &Table,
    settings: &mut BTreeMap<String, At<String>>,
) {
    for (key, value) in entries {
        let path = match path {
            "" => as_path(key.get_ref()),
            path => format!("{path}/{}", as_path(key.get_ref())),
        };
        if let Some(entries) = value.get_ref().as_table() {
            below(&path, entries, table, settings);
            continue;
        }
        let at = key.span().start;
        if path.split('/').any(|part| ["", ".", ".."].contains(&part)) {
            table.problem(at, format!("`{}` is no sysctl", key.get_ref()));
        } else if !path.starts_with(OWN) {
            let what = format!(
                "sysctl `{}` is not one of a network namespace; those of a node are net.*",
                path.replace('/', ".")
            );
            table.problem(at, what);
        } else if let Some(text) = written(value) {
            settings.insert(path, At::new(text, at));
        } else {
            let at = value.span().start;
            table.problem(at, "a sysctl takes a number, a string, or true or false");
        }
    }
}

/// As sysctl(8) has it: the first separator, `.` or `/`, is the one that counts,
/// and the other one is its opposite in names.
fn as_path(key: &str) -> String {
    match key.find(['.', '/']) {
        Some(at) if key.as_bytes()[at] == b'.' => (key.chars())
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                c => c,
            })
            .collect(),
        _ => key.to_owned(),
    }
}

fn written(value: &Value) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(flag) => Some(u8::from(*flag).to_string()),
        _ => integer(value).map(|number| number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_paths() {
        for (key, path) in [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
            (
                "net.ipv4.conf.eth0/100.rp_filter",
                "net/ipv4/conf/eth0.100/rp_filter",
            ),
            (
                "net/ipv4/conf/eth0.100/rp_filter",
                "net/ipv4/conf/eth0.100/rp_filter",
            ),
            ("net", "net"),
        ] {
            assert_eq!(as_path(key), path);
        }
    }
}
