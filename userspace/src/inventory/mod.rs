// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every namespace of the machine, and what holds each.
//!
//! [`discover`] finds those that can be reached; the module knows of others. What
//! is in one is read from inside.

mod container;
mod holder;
pub mod model;
pub mod table;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use self::model::{Device, Entry, Way};
use crate::netlink::pernet::{Family, Filter, NetnsReport};
use crate::netlink::{Address, Socket, address, link};
use crate::netns::discover::{self, Found};
use crate::netns::visit::{Tour, Visitor};
use crate::netns::{Netns, own_cookie};
use crate::node::label::Labels;
use crate::parallel;

pub use holder::of as holders;

/// A file that is younger than this was made by looking at it.
const JUST_NOW: Duration = Duration::from_secs(1);

/// Every namespace that the caller may see, in the order of the cookies.
pub fn read() -> Result<Vec<Entry>> {
    let tour = Tour::begin()?;
    let now = SystemTime::now();
    let found = discover::everything()?;
    let mut entries = parallel::map(
        &found,
        || tour.visitor(),
        |visitor, found| look(visitor, found, now),
    );
    if let Some(mut family) = Family::connect()? {
        complete(&mut entries, family.dump(&Filter::default())?);
    }
    let labels = Labels::read()?;
    for entry in &mut entries {
        entry.label = labels.of(entry.inode, entry.cookie);
    }
    entries.sort_by_key(|entry| (entry.cookie.is_none(), entry.cookie, entry.inode));
    Ok(entries)
}

/// Adds what the module knows: how old each is, and those that nothing else shows.
fn complete(entries: &mut Vec<Entry>, reports: Vec<NetnsReport>) {
    let mut known: HashMap<u64, usize> = (entries.iter().enumerate())
        .filter_map(|(at, entry)| Some((entry.cookie?, at)))
        .collect();
    for report in reports {
        let at = known.remove(&report.cookie).unwrap_or_else(|| {
            entries.push(Entry {
                cookie: Some(report.cookie),
                inode: report.inode,
                nsid: report.nsid,
                userns_inode: Some(report.userns_inode),
                found_by: vec![Way::Kernel],
                ..Entry::default()
            });
            entries.len() - 1
        });
        entries[at].age = Some(report.age);
        entries[at].age_is_minimum = report.preexisting;
    }
}

/// What can be told of a namespace, be it that it is there.
fn look(visitor: &mut Visitor, found: &Found, now: SystemTime) -> Entry {
    let mut entry = Entry {
        container: found.pids.first().and_then(|&pid| container::of(pid)),
        cookie: found.cookie,
        inode: found.inode.number,
        processes: found.pids.iter().map(|pid| pid.as_raw()).collect(),
        found_by: ways(found),
        ..Entry::default()
    };
    // One that may not be opened, or is gone by now, is one all the same.
    let Some(netns) = entry.learn(found.open()).flatten() else {
        return entry;
    };
    entry.cookie = entry.cookie.or_else(|| netns.id());
    if let Some(owner) = netns.owner() {
        entry.userns_inode = Some(owner.inode);
        entry.owner_uid = Some(owner.uid);
    }
    entry.nsid = entry.learn(visitor.nsid(&netns)).flatten();
    entry.age = age(&netns, now);
    entry.age_is_minimum = entry.age.is_some();
    if entry.learn(visitor.enter(&netns)).is_some() {
        if entry.cookie.is_none() {
            entry.cookie = entry.learn(own_cookie());
        }
        entry.devices = entry.learn(devices());
    }
    entry
}

/// How old a namespace is at least: as old as its file.
fn age(netns: &Netns, now: SystemTime) -> Option<u64> {
    let since = SystemTime::UNIX_EPOCH + Duration::from_nanos(netns.file_since()?);
    let age = now.duration_since(since).ok()?;
    let age = Some(age).filter(|&age| age > JUST_NOW)?;
    u64::try_from(age.as_nanos()).ok()
}

fn ways(found: &Found) -> Vec<Way> {
    let ways = [
        (Way::Name, found.names.is_empty()),
        (Way::Process, found.pids.is_empty()),
        (Way::Thread, found.threads.is_empty()),
        (
            Way::Mount,
            found.paths.is_empty() && found.elsewhere.is_empty(),
        ),
        (Way::Descriptor, found.descriptors.is_empty()),
        (Way::Socket, found.sockets.is_empty()),
    ];
    let mut ways: Vec<_> = (ways.into_iter())
        .filter_map(|(way, empty)| (!empty).then_some(way))
        .collect();
    if ways.is_empty() {
        ways.push(Way::Kernel);
    }
    ways
}

/// The devices of the namespace that the thread is in.
fn devices() -> Result<Vec<Device>> {
    let mut socket = Socket::route()?;
    let mut addresses: HashMap<i32, Vec<Address>> = HashMap::new();
    for (index, address) in address::all(&mut socket)? {
        addresses.entry(index).or_default().push(address);
    }
    let links = link::all(&mut socket)?.into_iter();
    Ok(links
        .map(|link| Device {
            name: link.name,
            kind: link.kind,
            mac: link.mac,
            up: link.up,
            addresses: addresses.remove(&link.index).unwrap_or_default(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn a_namespace_of_which_something_is_not_known_is_one_all_the_same() {
        let mut entry = Entry::default();
        assert_eq!(entry.learn(Ok(1)), Some(1));
        assert_eq!(entry.learn::<()>(Err(Errno::EPERM.into())), None);
        assert_eq!(entry.error, None);
        entry.learn::<()>(Err(anyhow!(Errno::EMFILE).context("cannot open a socket")));
        entry.learn::<()>(Err(anyhow!("another")));
        let why = entry.error.clone().unwrap();
        assert!(why.starts_with("cannot open a socket: "), "{why}");
        let row = table::row(&entry);
        assert_eq!([&row[1], &row[3], &row[6], &row[7]], ["?"; 4]);
    }
}
