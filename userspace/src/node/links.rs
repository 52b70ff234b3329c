// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which links are pernet's: one record, found by either of its ends.

use std::collections::HashSet;

use anyhow::{Error, Result, anyhow};
use nix::errno::Errno;

use super::registry::{EndRecord, LinkRecord, Registry};
use crate::netlink::link::{self, Link};
use crate::netlink::{Mac, Refusal, Socket};

fn key(netns_cookie: u64, mac: &str) -> String {
    format!("{netns_cookie:016x}-{}", mac.replace(':', ""))
}

impl EndRecord {
    pub fn new(netns_cookie: u64, name: &str, mac: Mac) -> Self {
        EndRecord {
            netns_cookie,
            mac: mac.to_string(),
            index: None,
            name: name.to_owned(),
        }
    }

    fn key(&self) -> String {
        key(self.netns_cookie, &self.mac)
    }
}

impl LinkRecord {
    /// Whether a device of the first or second end's namespace is that end.
    pub fn is_end(&self, which: usize, link: &Link) -> bool {
        let (end, other) = (&self.ends[which], &self.ends[1 - which]);
        let has_mac = link.mac.is_some_and(|mac| mac.to_string() == end.mac);
        let has_peer = other.index.is_some() && other.index == link.peer;
        let is_it = match end.index {
            // Its address may have been changed, and its peer moved. Neither tells
            // that a device which has got its index is another's: both do.
            Some(index) => index == link.index && (has_mac || has_peer),
            // A run that died in between left its record without the index.
            None => has_mac,
        };
        link.is("veth") && is_it
    }
}

/// Makes a link by `make`, which returns the indexes of its ends. The record is there
/// before, and goes where that fails.
pub fn make(
    registry: &Registry,
    record: &mut LinkRecord,
    make: impl FnOnce() -> Result<(i32, i32)>,
) -> Result<(i32, i32)> {
    put(registry, record)?;
    let indexes = make().map_err(|error| forget(registry, record, error))?;
    record.ends[0].index = Some(indexes.0);
    record.ends[1].index = Some(indexes.1);
    Ok(indexes)
}

/// Drops the record of a link that is not there, and returns the reason.
pub fn forget(registry: &Registry, record: &LinkRecord, reason: Error) -> Error {
    match remove(registry, record) {
        Ok(()) => reason,
        Err(failure) => anyhow!("{reason:#}; {failure:#}"),
    }
}

/// Deletes the link that has this end, in the socket's namespace, if pernet made it,
/// and says whether it did.
pub fn delete_ours(
    registry: &Registry,
    socket: &mut Socket,
    netns_cookie: u64,
    end: &Link,
) -> Result<bool> {
    let Some(record) = of(registry, netns_cookie, end)? else {
        return Ok(false);
    };
    let what = format!("cannot delete the link at {}", end.name);
    match link::delete(socket, what, end.index) {
        Err(error) if Refusal::is(&error, Errno::ENODEV) => {}
        deleted => deleted?,
    }
    remove(registry, &record)?;
    Ok(true)
}

/// Records a link, before it is made and again when more is known of it.
pub fn put(registry: &Registry, record: &LinkRecord) -> Result<()> {
    let mut ends = record.ends.iter();
    ends.try_for_each(|end| registry.links().put(&end.key(), record))
}

pub fn remove(registry: &Registry, record: &LinkRecord) -> Result<()> {
    let mut ends = record.ends.iter();
    ends.try_for_each(|end| registry.links().remove(&end.key()))
}

/// The record of the link that has this end, if it is pernet's.
pub fn of(registry: &Registry, netns_cookie: u64, link: &Link) -> Result<Option<LinkRecord>> {
    let is_end = |record: &LinkRecord| {
        let mut ends = record.ends.iter().enumerate();
        ends.any(|(which, end)| end.netns_cookie == netns_cookie && record.is_end(which, link))
    };
    if let Some(mac) = link.mac {
        let found = registry.links().get(&key(netns_cookie, &mac.to_string()))?;
        if let Some(record) = found.filter(is_end) {
            return Ok(Some(record));
        }
    }
    // Its address was changed since.
    Ok(all(registry)?.into_iter().find(is_end))
}

/// Every link of which there is a record, once.
pub fn all(registry: &Registry) -> Result<Vec<LinkRecord>> {
    let mut records = Vec::new();
    for (key, record) in registry.links().all::<LinkRecord>()? {
        if record.ends[0].key() == key || is_alone(registry, &record) {
            records.push(record);
        }
    }
    Ok(records)
}

/// The record under the first end is missing: a run died between the two.
fn is_alone(registry: &Registry, record: &LinkRecord) -> bool {
    let first = registry.links().get::<LinkRecord>(&record.ends[0].key());
    !matches!(first, Ok(Some(first)) if first.ends[1].key() == record.ends[1].key())
}

/// Forgets the links of these namespaces, which have gone with them.
pub fn forget_all_in(registry: &Registry, netns_cookies: &HashSet<u64>) -> Result<()> {
    for key in registry.links().keys()? {
        let cookie = key.split_once('-').map(|(cookie, _)| cookie);
        let cookie = cookie.and_then(|cookie| u64::from_str_radix(cookie, 16).ok());
        if cookie.is_some_and(|cookie| netns_cookies.contains(&cookie)) {
            match registry.links().get(&key)? {
                Some(record) => remove(registry, &record)?,
                None => registry.links().remove(&key)?,
            }
        }
    }
    Ok(())
}
