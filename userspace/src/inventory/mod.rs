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
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use self::model::{Device, Entry, Way};
use crate::netlink::pernet::{Family, Filter, NetnsReport};
use crate::netlink::{Address, Socket, address, link, nsid};
use crate::netns::discover::{self, Found};
use crate::netns::visit::Visitor;
use crate::netns::{Inode, Netns, own_cookie};
use crate::node::label::Labels;
use crate::parallel;

pub use holder::of as holders;

/// A file that is younger than this was made by looking at it.
const JUST_NOW: Duration = Duration::from_secs(1);

/// Every namespace that the caller may see, in the order of the cookies.
pub fn read() -> Result<Vec<Entry>> {
    let home = Netns::current()?.inode()?;
    let have_ids = nsid::any(&mut Socket::route()?)?;
    let now = SystemTime::now();
    let found = discover::everything()?;
    let entries = parallel::map(
        &found,
        || Reader::new(home, have_ids, now),
        |reader, found| reader.read(found),
    );
    let mut entries: Vec<Entry> = entries.into_iter().collect::<Result<_>>()?;
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

/// What a thread has with it.
struct Reader {
    visitor: Visitor,
    /// Knows the ids that namespaces have where it began, if there are any.
    ids: Option<Socket>,
    now: SystemTime,
}

impl Reader {
    fn new(home: Inode, have_ids: bool, now: SystemTime) -> Self {
        let ids = have_ids.then(Socket::route);
        Reader {
            visitor: Visitor::new(home),
            ids: ids.and_then(Result::ok),
            now,
        }
    }

    /// What can be told of a namespace, be it that it is there.
    fn read(&mut self, found: &Found) -> Result<Entry> {
        let mut entry = Entry {
            container: found.pids.first().and_then(|&pid| container::of(pid)),
            cookie: found.cookie,
            inode: found.inode.number,
            processes: found.pids.iter().map(|pid| pid.as_raw()).collect(),
            found_by: ways(found),
            ..Entry::default()
        };
        // One that may not be opened, or is gone by now, is one all the same.
        let Ok(Some(netns)) = found.open() else {
            return Ok(entry);
        };
        entry.cookie = entry.cookie.or_else(|| netns.id());
        if let Some(owner) = netns.owner() {
            entry.userns_inode = Some(owner.inode);
            entry.owner_uid = Some(owner.uid);
        }
        if let Some(ids) = &mut self.ids {
            entry.nsid = nsid::of(ids, netns.as_fd())?;
        }
        entry.age = age(&netns, self.now);
        entry.age_is_minimum = entry.age.is_some();
        if self.visitor.enter(&netns).is_ok() {
            if entry.cookie.is_none() {
                entry.cookie = Some(own_cookie()?);
            }
            entry.devices = Some(devices()?);
        }
        Ok(entry)
    }
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
