// SPDX-License-Identifier: GPL-2.0

//! Which namespace a request is about, and whether the asking socket may know of it or change it.

use super::Family;
use crate::{
    net::{
        genetlink::Request,
        namespace::{
            Net,
            NetRef, //
        },
        netlink::{
            Attribute,
            Policy,
            Type, //
        },
    },
    uapi,
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// A policy of `LEN` entries that allows the selectors, which are the first attributes of the set.
pub(super) const fn policy<const LEN: usize>() -> Policy<LEN> {
    Policy::new()
        .allow(uapi::netns::COOKIE, Type::Uint)
        .allow(uapi::netns::NSID, Type::S32)
        .allow(uapi::netns::PID, Type::U32)
        .allow(uapi::netns::FD, Type::U32)
}

/// Entries in the policy of a request that takes selectors only.
pub(super) const SELECTORS: usize = uapi::netns::FD as usize + 1;

/// The namespace that a request is about.
pub(super) struct Selected<'a> {
    /// The attribute that names it; without one it is the asking socket's own.
    named: Option<(u16, NetRef)>,
    own: &'a Net,
}

impl Selected<'_> {
    /// The namespace. It stays alive while this does.
    pub(super) fn net(&self) -> &Net {
        match &self.named {
            Some((_, net)) => net,
            None => self.own,
        }
    }

    /// Refuses the request unless the asking socket may change the namespace.
    pub(super) fn check_admin(&self, request: &Request<'_>) -> Result {
        if request.is_admin_of(self.net()) {
            return Ok(());
        }
        let attr = self.named.as_ref().map(|(attr, _)| *attr);
        Err(request.refuse(EPERM, attr, NOT_ADMIN))
    }
}

const NOT_ADMIN: &CStr = c"CAP_NET_ADMIN is missing in the namespace's owner";

/// The namespace that a request names, if the asking socket may see it, or else its own.
pub(super) fn select<'a>(family: &Family, request: &Request<'a>) -> Result<Selected<'a>> {
    use uapi::netns::*;

    let mut selector = None;
    for attr in [COOKIE, NSID, PID, FD] {
        let Some(value) = request.attributes().get(attr) else {
            continue;
        };
        if selector.replace((attr, value)).is_some() {
            let why = c"name the namespace by one of cookie, nsid, pid and fd";
            return Err(request.refuse(EINVAL, Some(attr), why));
        }
    }
    let own = request.net();
    let Some((attr, value)) = selector else {
        return Ok(Selected { named: None, own });
    };
    let unknown = match attr {
        PID => c"no process with this pid",
        FD => c"not an open descriptor of a network namespace",
        _ => c"no network namespace with this id",
    };
    let net = find(family, request, attr, value)
        .map_err(|error| request.refuse(error, Some(attr), unknown))?;
    if may_see(request, &net) {
        let named = Some((attr, net));
        return Ok(Selected { named, own });
    }
    // A process or a descriptor is known to exist; cookies and ids are not to be probed for.
    Err(match attr {
        PID | FD => request.refuse(EPERM, Some(attr), NOT_ADMIN),
        _ => request.refuse(ENOENT, Some(attr), unknown),
    })
}

fn find(family: &Family, request: &Request<'_>, attr: u16, value: Attribute<'_>) -> Result<NetRef> {
    match attr {
        uapi::netns::COOKIE => (family.namespaces)
            .find(value.uint()?, &rcu::read_lock())
            .and_then(Net::maybe_get)
            .ok_or(ENOENT),
        uapi::netns::NSID => request.net().peer(value.s32()?).ok_or(ENOENT),
        uapi::netns::PID => Net::from_pid(i32::try_from(value.u32()?)?),
        _ => Net::from_fd(i32::try_from(value.u32()?)?),
    }
}

/// Whether the asking socket may know of `net`: its own namespace, and those it is admin of.
pub(super) fn may_see(request: &Request<'_>, net: &Net) -> bool {
    request.net() == net || request.is_admin_of(net)
}
