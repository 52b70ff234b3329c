// SPDX-License-Identifier: GPL-2.0

//! `get` of all: reads the state of every namespace that may be seen, less what a filter leaves
//! out.

use super::{
    filter::{
        self,
        Filter, //
    },
    reply,
    select::may_see,
    Family, //
};
use crate::{
    net::{
        genetlink,
        ids::Ids,
        netlink::Policy, //
    },
    uapi,
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// An answer to a dump of `get`.
pub(super) struct Dump {
    filter: Filter,
    /// Those in the namespace of who asks.
    ids: Ids,
    /// The lowest cookie of what is still to be shown.
    next: u64,
}

/// Entries in the policy.
pub(super) const ATTRIBUTES: usize = uapi::netns::FILTER as usize + 1;

impl genetlink::Dump<ATTRIBUTES> for Dump {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::GET;
    const POLICY: &'static Policy<ATTRIBUTES> =
        &Policy::new().allow(uapi::netns::FILTER, filter::POLICY.nest());

    fn start(_family: &Family, request: &genetlink::Request<'_>) -> Result<Self> {
        Ok(Self {
            filter: Filter::of(request)?,
            ids: Ids::of(request.net())?,
            next: 0,
        })
    }

    fn run(&mut self, family: &Family, part: &mut genetlink::Part<'_>) -> Result {
        let guard = rcu::read_lock();
        part.set_generation(family.namespaces.generation());
        for (net, namespace) in family.namespaces.from(self.next, &guard) {
            if may_see(part.request(), net) && self.filter.passes(net, namespace, &guard) {
                let epoch = namespace.state().epoch();
                if self.filter.passes_counts(namespace.state()) {
                    let nsid = self.ids.get(net);
                    part.message(|message| reply::write(message, nsid, net, namespace, &epoch))?;
                }
            }
            self.next = net.cookie().saturating_add(1);
        }
        // If something came or went during the last part, its end says so.
        part.set_generation(family.namespaces.generation());
        Ok(())
    }
}
