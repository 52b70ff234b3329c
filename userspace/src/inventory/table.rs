// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tables of `pernet ls` and `pernet holders`.

use std::collections::HashMap;
use std::net::IpAddr;

use super::model::{Device, Entry, Holder, Open, Process, Way};
use crate::text::age;

/// Of more addresses and devices than this, the others are counted.
const SHOWN: usize = 3;

pub const HEADING: [&str; 9] = [
    "NAMESPACE",
    "COOKIE",
    "INODE",
    "NSID",
    "AGE",
    "PROCS",
    "DEVICES",
    "ADDRESSES",
    "FOUND BY",
];

pub fn row(entry: &Entry) -> [String; 9] {
    [
        title(entry),
        number(entry.cookie, entry),
        entry.inode.to_string(),
        number(entry.nsid, entry),
        (entry.age).map_or("-".to_owned(), |nanoseconds| {
            let over = if entry.age_is_minimum { ">" } else { "" };
            format!("{over}{}", age(nanoseconds))
        }),
        entry.processes.len().to_string(),
        (entry.devices.as_ref()).map_or("?".to_owned(), |devices| names(devices)),
        (entry.devices.as_ref()).map_or("?".to_owned(), |devices| addresses(devices)),
        found_by(&entry.found_by),
    ]
}

/// What it is called, by whoever named it.
fn title(entry: &Entry) -> String {
    if let Some(name) = &entry.label.name {
        return name.clone();
    }
    match &entry.container {
        Some(container) => {
            let short: String = container.id.chars().take(12).collect();
            let name = container.name.as_deref().unwrap_or(&short);
            format!("{}:{name}", container.engine)
        }
        None => format!("net:[{}]", entry.inode),
    }
}

/// There may be one where it could not be read.
fn number(number: Option<impl ToString>, entry: &Entry) -> String {
    let none = if entry.error.is_some() { "?" } else { "-" };
    number.map_or(none.to_owned(), |number| number.to_string())
}

/// The loopback device is everywhere.
fn names(devices: &[Device]) -> String {
    let devices = devices.iter().filter(|device| device.name != "lo");
    some(devices.map(|device| device.name.clone()).collect())
}

/// Those by which others can reach it.
fn addresses(devices: &[Device]) -> String {
    let addresses = devices.iter().flat_map(|device| &device.addresses);
    let addresses = addresses.filter(|address| match address.ip {
        IpAddr::V4(ip) => !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    });
    some(addresses.map(ToString::to_string).collect())
}

fn some(mut words: Vec<String>) -> String {
    let more = words.len().saturating_sub(SHOWN);
    words.truncate(SHOWN);
    if more > 0 {
        words.push(format!("+{more}"));
    }
    match &words[..] {
        [] => "-".to_owned(),
        words => words.join(" "),
    }
}

fn found_by(ways: &[Way]) -> String {
    let words = ways.iter().map(|way| match way {
        Way::Name => "name",
        Way::Process => "process",
        Way::Thread => "thread",
        Way::Descriptor => "descriptor",
        Way::Mount => "mount",
        Way::Socket => "socket",
        Way::Kernel => "kernel",
    });
    words.collect::<Vec<_>>().join(",")
}

/// A line for each holder. The same mount in many mount namespaces is one.
pub fn holders(holders: &[Holder]) -> Vec<[String; 2]> {
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut mounts = HashMap::new();
    for holder in holders {
        if let Holder::Mount {
            path,
            seen_by: Some(_),
        } = holder
        {
            *mounts.entry(path).or_insert(0) += 1;
        }
    }
    for holder in holders {
        let [kind, what] = match holder {
            Holder::Name { path } => ["name", &path.display().to_string()],
            Holder::Process(process) => ["process", &person(process)],
            Holder::Thread { process, thread } => {
                ["thread", &format!("{thread} of {}", person(process))]
            }
            Holder::Mount {
                path,
                seen_by: None,
            } => ["mount", &path.display().to_string()],
            Holder::Mount {
                path,
                seen_by: Some(process),
            } => {
                let Some(count) = mounts.remove(path) else {
                    continue;
                };
                let others = match count {
                    1 => String::new(),
                    count => format!(", and in {} more", count - 1),
                };
                let path = path.display();
                [
                    "mount",
                    &format!(
                        "{path}, in the mount namespace of {}{others}",
                        person(process)
                    ),
                ]
            }
            Holder::Descriptor(open) => ["descriptor", &descriptor(open)],
            Holder::Socket(open) => ["socket", &descriptor(open)],
            Holder::File { open, path } => {
                ["file", &format!("{}, {}", descriptor(open), path.display())]
            }
        };
        rows.push([kind.to_owned(), what.to_owned()]);
    }
    rows
}

fn person(process: &Process) -> String {
    format!("{} ({})", process.pid, process.command)
}

fn descriptor(open: &Open) -> String {
    format!("{}, fd {}", person(&open.process), open.fd)
}
