// SPDX-License-Identifier: MIT OR Apache-2.0

//! Links: veth pairs with both ends made where they belong.

use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};

use super::end::End;
use super::interrupt::Deferred;
use super::links;
use super::reference;
use super::registry::{EndRecord, LinkRecord, Registry};
use crate::netlink::address::Use;
use crate::netlink::link::{self, NewEnd};
use crate::netlink::{Batch, DeviceName, Mac, Socket, address, naming};
use crate::netns::{Inode, Netns, Reference, own_cookie};

/// How long the kernel may take to see that both ends are up. It takes
/// microseconds; this only bounds the wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// A link that is asked for.
pub struct Request {
    pub end: End,
    /// The other end; left out, it is a port of the bridge and gets a name.
    pub other: Option<End>,
    pub bridge: Option<DeviceName>,
    pub mtu: Option<u32>,
}

/// An end whose place is known and open.
struct Placed {
    end: End,
    /// Nothing, where it is here, however that was written.
    netns: Option<Netns>,
    inode: Inode,
    socket: Socket,
}

/// Makes a link; returns its ends, in the order asked for. Everything is
/// looked at before anything is made, and what fails halfway is undone.
pub fn add(request: Request) -> Result<[End; 2]> {
    let (end, other) = ends(&request)?;
    let names = [end.clone(), other.clone()];
    let (end, other) = (Placed::open(end)?, Placed::open(other)?);
    check_places(&end, &other, request.bridge.as_ref())?;
    // The kernel makes the first end in its socket's namespace, where the
    // bridge is: so the port comes first, or else the end that stays here.
    let (mut first, mut second) = match request.bridge.is_none() && end.netns.is_none() {
        true => (end, other),
        false => (other, end),
    };
    let master = request
        .bridge
        .as_ref()
        .map(|bridge| find_bridge(&mut first.socket, bridge));
    let master = master.transpose()?;
    first.check_free()?;
    second.check_free()?;

    let registry = Registry::change()?;
    let signals = Deferred::hold()?;
    let mut record = LinkRecord {
        ends: [first.record()?, second.record()?],
    };
    let indexes = links::make(&registry, &mut record, || {
        make(&mut first, &second, master, request.mtu)
    })?;
    links::put(&registry, &record)
        .and_then(|()| finish(&mut first, &mut second, indexes, &signals))
        .map_err(|error| undo(&mut first, indexes.0, &registry, &record, error))?;
    Ok(names)
}

/// The two ends of a request, which must fit together and with the bridge.
fn ends(request: &Request) -> Result<(End, End)> {
    let end = request.end.clone();
    let other = match (&request.other, &request.bridge) {
        (Some(other), _) => other.clone(),
        (None, Some(bridge)) => {
            let Some(netns) = &end.netns else {
                bail!(
                    "{end} is in no node; give the port of bridge {bridge} a name as a second END"
                );
            };
            End::here(port_name(netns, &end.device))
        }
        (None, None) => bail!("{end} has no other end; name one, or a bridge with --bridge"),
    };
    for end in [&end, &other] {
        check_is_device(end)?;
    }
    if let Some(bridge) = &request.bridge {
        ensure!(
            other.addresses.is_empty(),
            "{other} is to be a port of bridge {bridge}, where it has no use for an address"
        );
    }
    let ipv6 = [&end, &other].into_iter().find(|end| end.wants_ipv6());
    if let (Some(end), Some(mtu @ ..1280)) = (ipv6, request.mtu) {
        bail!("{end} is given an IPv6 address, which takes an MTU of 1280 at least, not {mtu}");
    }
    ensure!(
        end.netns != other.netns || end.device != other.device,
        "both ends are {end}"
    );
    Ok((end, other))
}

/// A node where a device is meant, most likely.
fn check_is_device(end: &End) -> Result<()> {
    let name = end.device.as_str();
    let is_node = end.netns.is_none()
        && (name.parse().ok()).is_some_and(|name| matches!(Registry::look_up(&name), Ok(Some(_))));
    ensure!(
        !is_node,
        "{name} is a node; write {name}:DEV for a device in it"
    );
    Ok(())
}

/// What can be said of the ends once it is known where they are.
fn check_places(end: &Placed, other: &Placed, bridge: Option<&DeviceName>) -> Result<()> {
    if let (Some(bridge), Some(_)) = (bridge, &other.netns) {
        bail!(
            "{} cannot be a port of bridge {bridge}, which is not in that node; name the end in the node first",
            other.end
        );
    }
    ensure!(
        end.inode != other.inode || end.end.device != other.end.device,
        "both ends are {}, which {} is too",
        end.end,
        other.end
    );
    Ok(())
}

/// The name of a bridge's port: namespace and device where they fit, else as
/// much of the namespace's as fits and a hash of both, so that equal beginnings
/// differ.
fn port_name(netns: &Reference, device: &DeviceName) -> DeviceName {
    let netns = match netns {
        // However the name was written, the port is the same.
        Reference::Name(name) => name.to_string(),
        other => other.to_string(),
    };
    let full = format!("{netns}.{device}");
    naming::device_name(&netns, &full)
}

fn find_bridge(socket: &mut Socket, name: &DeviceName) -> Result<i32> {
    let bridge = link::find(socket, name)?;
    let bridge = bridge.with_context(|| {
        format!("there is no bridge {name}; `pernet bridge add {name}` makes it")
    })?;
    ensure!(
        bridge.is("bridge"),
        "{name} is a device of kind {}, not a bridge",
        bridge.kind.as_deref().unwrap_or("unknown")
    );
    Ok(bridge.index)
}

impl Placed {
    fn open(mut end: End) -> Result<Self> {
        if end.mac.is_none() {
            // It is what the link is known by.
            end.mac = Some(Mac::draw()?);
        }
        let found = (end.netns.as_ref())
            .map(|netns| Ok::<_, Error>(reference::resolve(netns)?.netns))
            .transpose()?;
        let here = Netns::current()?.inode()?;
        let inode = found.as_ref().map_or(Ok(here), Netns::inode)?;
        let netns = found.filter(|_| inode != here);
        let socket = match &netns {
            Some(netns) => netns
                .inside(Socket::route)
                .with_context(|| format!("cannot reach {end}"))?,
            None => Socket::route()?,
        };
        Ok(Placed {
            end,
            netns,
            inode,
            socket,
        })
    }

    fn cookie(&self) -> Result<u64> {
        self.netns.as_ref().map_or_else(own_cookie, Netns::cookie)
    }

    /// What is recorded of the end before it is made.
    fn record(&self) -> Result<EndRecord> {
        let mac = self.end.mac.context("an end has no address")?;
        Ok(EndRecord::new(
            self.cookie()?,
            self.end.device.as_str(),
            mac,
        ))
    }

    fn check_free(&mut self) -> Result<()> {
        let device = &self.end.device;
        if link::find(&mut self.socket, device)?.is_some() {
            match &self.end.netns {
                Some(netns) => bail!("there is a device {device} in {netns} already"),
                None => bail!("there is a device {device} here already"),
            }
        }
        Ok(())
    }

    /// Its addresses, and up, in one go.
    fn set_up(&mut self, index: i32) -> Result<()> {
        let end = &self.end;
        let mut batch = Batch::default();
        if !end.wants_ipv6() {
            let what = format!("cannot keep IPv6 from giving {end} an address");
            link::no_generated_address(&mut batch, what, index)?;
        }
        for address in &end.addresses {
            let what = format!("cannot give {end} the address {address}");
            address::add(&mut batch, what, index, address, Use::AtOnce)?;
        }
        link::up(&mut batch, format!("cannot bring up {end}"), index)?;
        self.socket.transact(&batch).map(drop)
    }
}

fn make(
    first: &mut Placed,
    second: &Placed,
    master: Option<i32>,
    mtu: Option<u32>,
) -> Result<(i32, i32)> {
    let what = format!(
        "cannot make the link between {} and {}",
        first.end, second.end
    );
    let end = NewEnd {
        master,
        ..new_end(&first.end, mtu)
    };
    let peer = NewEnd {
        netns: second.netns.as_ref().map(Netns::as_fd),
        ..new_end(&second.end, mtu)
    };
    link::add_veth(&mut first.socket, &what, &end, &peer)
}

/// In the namespace of the socket it is asked for by.
fn new_end(end: &End, mtu: Option<u32>) -> NewEnd<'_> {
    NewEnd {
        name: &end.device,
        mac: end.mac,
        mtu,
        netns: None,
        master: None,
    }
}

fn finish(
    first: &mut Placed,
    second: &mut Placed,
    (index, peer): (i32, i32),
    signals: &Deferred,
) -> Result<()> {
    signals.check()?;
    // A port learns that it can forward when its peer is up, so it comes last.
    second.set_up(peer)?;
    first.set_up(index)?;
    await_carrier(&mut second.socket, peer)?;
    await_carrier(&mut first.socket, index)?;
    signals.check()
}

/// Waits until the kernel lets packets through. It notices a carrier in the
/// background, and the first packets would be lost until it has.
fn await_carrier(socket: &mut Socket, index: i32) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !link::get(socket, index)?.operational && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn undo(
    first: &mut Placed,
    index: i32,
    registry: &Registry,
    record: &LinkRecord,
    reason: Error,
) -> Error {
    let what = format!("cannot undo it and delete {}", first.end);
    match link::delete(&mut first.socket, what, index) {
        Ok(()) => links::forget(registry, record, reason),
        Err(failure) => anyhow!("{reason:#}; {failure:#}"),
    }
}

/// Deletes the link that has this end, if pernet made it, and by itself: `check` fails
/// where a device of the namespace with this cookie is a part of something else.
pub fn delete(
    end: End,
    check: impl FnOnce(&Registry, u64, &link::Link) -> Result<()>,
) -> Result<()> {
    let mut placed = Placed::open(end)?;
    let found = link::find(&mut placed.socket, &placed.end.device)?;
    let end = &placed.end;
    let link = found.with_context(|| format!("there is no link at {end}"))?;
    ensure!(
        link.is("veth"),
        "{end} is a device of kind {}, not the end of a link",
        link.kind.as_deref().unwrap_or("unknown")
    );
    let registry = Registry::change()?;
    let cookie = placed.cookie()?;
    check(&registry, cookie, &link).with_context(|| format!("cannot delete the link at {end}"))?;
    ensure!(
        links::delete_ours(&registry, &mut placed.socket, cookie, &link)?,
        "the link at {end} was not made by pernet; `ip link del {}` deletes it, where it is",
        end.device
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(netns: &str, device: &str) -> String {
        port_name(&netns.parse().unwrap(), &device.parse().unwrap()).to_string()
    }

    #[test]
    fn a_port_is_named_after_what_it_leads_to() {
        assert_eq!(port("n1", "eth0"), "n1.eth0");
        assert_eq!(port("0123456789", "eth0"), "0123456789.eth0");
        assert_eq!(port("name:n1", "eth0"), "n1.eth0");
    }

    #[test]
    fn a_long_port_name_ends_in_a_hash_of_the_whole() {
        let name = port("customer-router-west", "eth0");
        assert_eq!(name, "custo.g97ypdaqm");
        assert_ne!(name, port("customer-router-west", "eth1"));
        assert_ne!(name, port("customer-router-east", "eth0"));
        // What a device's name must not hold is left out.
        let name = port("a b:c", "eth0");
        assert!(name.starts_with("abc."), "{name}");
        let name = port("pid:5", "eth0");
        assert!(name.starts_with("pid5."), "{name}");
    }
}
