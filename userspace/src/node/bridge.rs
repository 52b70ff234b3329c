// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bridges of the namespace the command runs in.

use anyhow::{Context, Error, Result, anyhow, ensure};
use nix::errno::Errno;

use super::interrupt::Deferred;
use super::registry::{BridgeRecord, Registry, Shelf};
use crate::netlink::bridge::{self, Bridge, NewBridge, Settings};
use crate::netlink::link::{self, Link};
use crate::netlink::{Batch, DeviceName, Mac, Refusal, Socket};
use crate::netns::own_cookie;

/// A bridge that is asked for.
pub struct Request<'a> {
    pub name: &'a DeviceName,
    pub mtu: Option<u32>,
    pub settings: Settings,
}

/// A bridge that is there, with its ports.
pub struct Bridged {
    pub link: Link,
    pub bridge: Bridge,
    pub ports: Vec<Link>,
}

/// Makes a bridge and brings it up.
pub fn add(request: &Request) -> Result<()> {
    let name = request.name;
    let registry = Registry::change()?;
    let signals = Deferred::hold()?;
    let mut socket = Socket::route()?;
    ensure!(
        link::find(&mut socket, name)?.is_none(),
        "there is a device {name} here already"
    );
    forget_gone(&registry.bridges(), &mut socket, own_cookie()?)?;
    let (index, mac) = make(&registry, &mut socket, request)?;
    let finished = set_up(&mut socket, name, index).and_then(|()| signals.check());
    finished.map_err(|error| undo(&registry, mac, Some((&mut socket, index)), error))
}

/// Makes a bridge, down, or nothing. Returns its index, and its address.
pub fn make(registry: &Registry, socket: &mut Socket, request: &Request) -> Result<(i32, Mac)> {
    // A bridge without an address of its own changes it with its ports, and its id
    // with it. Drawn at random, it is also what the bridge is known by.
    let mac = Mac::draw()?;
    let mut record = BridgeRecord {
        netns_cookie: own_cookie()?,
        index: None,
        name: request.name.to_string(),
    };
    registry.bridges().put(&key(mac), &record)?;
    let index = match ask_for(socket, request, mac) {
        Ok(index) => index,
        Err(error) => return Err(undo(registry, mac, None, error)),
    };
    record.index = Some(index);
    match registry.bridges().put(&key(mac), &record) {
        Ok(()) => Ok((index, mac)),
        Err(error) => Err(undo(registry, mac, Some((socket, index)), error)),
    }
}

fn ask_for(socket: &mut Socket, request: &Request, mac: Mac) -> Result<i32> {
    let what = format!("cannot make bridge {}", request.name);
    let new = NewBridge {
        name: request.name,
        mac,
        mtu: request.mtu,
        settings: request.settings,
    };
    match bridge::add(socket, &what, &new)? {
        Some(index) => Ok(index),
        None => Ok(link::find(socket, request.name)?.context(what)?.index),
    }
}

/// Brings up a bridge that was made.
pub fn set_up(socket: &mut Socket, name: &DeviceName, index: i32) -> Result<()> {
    let mut batch = Batch::default();
    let what = format!("cannot keep IPv6 from giving {name} an address");
    link::no_generated_address(&mut batch, what, index)?;
    link::up(&mut batch, format!("cannot bring up bridge {name}"), index)?;
    socket.transact(&batch).map(drop)
}

fn undo(registry: &Registry, mac: Mac, made: Option<(&mut Socket, i32)>, reason: Error) -> Error {
    let gone = match made {
        Some((socket, index)) => {
            link::delete(socket, "cannot undo it and delete the bridge", index)
        }
        None => Ok(()),
    };
    match gone.and_then(|()| registry.bridges().remove(&key(mac))) {
        Ok(()) => reason,
        Err(failure) => anyhow!("{reason:#}; {failure:#}"),
    }
}

/// The name of a bridge's record.
fn key(mac: Mac) -> String {
    mac.to_string().replace(':', "")
}

/// Drops the records of this namespace's bridges that are no more.
fn forget_gone(records: &Shelf, socket: &mut Socket, netns_cookie: u64) -> Result<()> {
    for key in records.keys()? {
        let record: Option<BridgeRecord> = records.get(&key)?;
        let index = record
            .filter(|record| record.netns_cookie == netns_cookie)
            .and_then(|record| record.index);
        let Some(index) = index else { continue };
        match link::get(socket, index) {
            Err(error) if Refusal::is(&error, Errno::ENODEV) => records.remove(&key)?,
            found => drop(found?),
        }
    }
    Ok(())
}

/// Deletes a bridge that pernet made, by whatever name it goes now.
pub fn delete(name: &DeviceName) -> Result<()> {
    let mut socket = Socket::route()?;
    let found = link::find(&mut socket, name)?;
    let link = found.with_context(|| {
        format!("there is no bridge {name} here; `pernet bridge ls` lists them")
    })?;
    ensure!(
        link.is("bridge"),
        "{name} is a device of kind {}, not a bridge",
        link.kind.as_deref().unwrap_or("unknown")
    );
    let registry = Registry::change()?;
    let deleted = delete_ours(&registry, &mut socket, &link)?;
    ensure!(
        deleted,
        "bridge {name} was not made by pernet; `ip link del {name}` deletes it"
    );
    Ok(())
}

/// Deletes a bridge if pernet made it, and says whether it did.
pub fn delete_ours(registry: &Registry, socket: &mut Socket, bridge: &Link) -> Result<bool> {
    let Some(key) = record_of(&registry.bridges(), bridge)? else {
        return Ok(false);
    };
    let what = format!("cannot delete bridge {}", bridge.name);
    match link::delete(socket, what, bridge.index) {
        Err(error) if Refusal::is(&error, Errno::ENODEV) => {}
        deleted => deleted?,
    }
    registry.bridges().remove(&key)?;
    Ok(true)
}

/// The bridge of this name here, if pernet made it.
pub fn find_ours(
    registry: &Registry,
    socket: &mut Socket,
    name: &DeviceName,
) -> Result<Option<Link>> {
    let Some(link) = link::find(socket, name)? else {
        return Ok(None);
    };
    Ok(record_of(&registry.bridges(), &link)?.map(|_| link))
}

/// The key of the record that `bridge` was made under.
fn record_of(records: &Shelf, bridge: &Link) -> Result<Option<String>> {
    let Some(mac) = bridge.mac else {
        return Ok(None);
    };
    let key = key(mac);
    let record: Option<BridgeRecord> = records.get(&key)?;
    let here = own_cookie()?;
    let ours = record.is_some_and(|record| record.netns_cookie == here && record.is(&key, bridge));
    Ok(ours.then_some(key))
}

impl BridgeRecord {
    /// Whether a device of the bridge's namespace is the bridge that was recorded
    /// under `key`.
    pub fn is(&self, recorded: &str, link: &Link) -> bool {
        let has_mac = link.mac.map(key).as_deref() == Some(recorded);
        let is_it = match self.index {
            // It may have been given another address or another name; a bridge of
            // somebody's that has got its index has neither.
            Some(index) => index == link.index && (has_mac || link.name == self.name),
            // A run that died in between left its record without the index.
            None => has_mac,
        };
        link.is("bridge") && is_it
    }
}

/// The bridges of this namespace.
pub fn list() -> Result<Vec<Bridged>> {
    let links = link::all(&mut Socket::route()?)?;
    let ports_of = |bridge: &Link| {
        let is_port = |link: &&Link| link.master == Some(bridge.index);
        links.iter().filter(is_port).cloned().collect()
    };
    (links.iter())
        .filter(|link| link.is("bridge"))
        .map(|link| {
            Ok(Bridged {
                bridge: Bridge::of(link)?,
                ports: ports_of(link),
                link: link.clone(),
            })
        })
        .collect()
}
