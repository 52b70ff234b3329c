// SPDX-License-Identifier: GPL-2.0

//! `get`: reads the state of one namespace, or of all.

use super::{
    reply,
    select::{
        self,
        may_see,
        select,
        SELECTORS, //
    },
    Family, //
};
use crate::{
    net::{
        genetlink,
        namespace::Net,
        netlink::Policy, //
    },
    uapi,
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// Reads the state of one namespace, or of all.
pub(super) struct Get;

impl genetlink::Do<SELECTORS> for Get {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::GET;
    const POLICY: &'static Policy<SELECTORS> = &select::policy();

    fn run(family: &Family, request: &genetlink::Request<'_>) -> Result {
        let selected = select(request)?;
        let net = selected.net();
        let namespace = family.namespaces.get(net).ok_or(ENOENT)?;
        request.reply(|message| {
            let epoch = namespace.state().epoch();
            reply::write(message, request.net(), net, namespace, &epoch)
        })
    }
}

impl genetlink::Dump for Get {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::GET;

    fn run(
        family: &Family,
        part: &mut genetlink::Part<'_>,
        cursor: &mut genetlink::Cursor,
    ) -> Result {
        let guard = rcu::read_lock();
        let generation = family.namespaces.generation();
        let (passed, found) = resume(&guard, cursor);
        // Where the namespace is gone that the last part ended with, the place to go on from is
        // not sure: that part and this one are not of the same state then.
        part.set_generation(generation.wrapping_add(u32::from(!found)));
        let own = part.request().net();
        for (index, net) in Net::all(&guard).enumerate().skip(passed) {
            if let Some(namespace) = family.namespaces.get(net) {
                if may_see(part.request(), net) {
                    part.message(|message| {
                        let epoch = namespace.state().epoch();
                        reply::write(message, own, net, namespace, &epoch)
                    })?;
                }
            }
            cursor[PASSED] = index as c_long + 1;
            cursor[LAST_COOKIE] = net.cookie() as c_long;
        }
        Ok(())
    }
}

/// In a cursor: how many namespaces of the list a dump has been through.
const PASSED: usize = 0;
/// In a cursor: the cookie of the last of them.
const LAST_COOKIE: usize = 1;

/// How many namespaces to pass over in the next part of a dump, and whether the one that the last
/// part ended with was found.
///
/// The list grows at its end only, so going on behind a namespace that is still there misses none
/// and shows none twice, whatever else has gone.
fn resume(guard: &rcu::Guard, cursor: &genetlink::Cursor) -> (usize, bool) {
    let passed = cursor[PASSED] as usize;
    if passed == 0 {
        return (0, true);
    }
    match Net::all(guard).position(|net| net.cookie() == cursor[LAST_COOKIE] as u64) {
        Some(last) => (last + 1, true),
        None => (passed - 1, false),
    }
}
