// SPDX-License-Identifier: GPL-2.0

//! The ids of many namespaces at once.
//!
//! A namespace keeps the ids of others by their numbers, so that for the id of one the kernel goes
//! through all of them: `__peernet2id()`. Who asks for that of every namespace would go through them
//! once for each.
//!
//! C header: [`include/linux/idr.h`](srctree/include/linux/idr.h)

use super::{
    compat::bindings,
    namespace::Net,
    shim, //
};
use core::ptr;
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// The ids that namespaces had in one of them, at one moment.
///
/// What is in it stays true for as long as they live: an id is given once.
pub(crate) struct Ids(
    /// In the order of the cookies.
    KVVec<Id>,
);

struct Id {
    cookie: u64,
    nsid: i32,
}

/// A walk through the ids of a namespace.
struct Walk {
    found: KVVec<Id>,
    /// How many there was no room for.
    missed: usize,
}

impl Ids {
    /// Those in `net` now. Process context, may sleep. Fails with `ENOMEM`.
    pub(crate) fn of(net: &Net) -> Result<Self> {
        let mut walk = Walk {
            found: KVVec::new(),
            missed: 0,
        };
        loop {
            {
                let _guard = rcu::read_lock();
                // SAFETY: `net` is valid, its ids may be walked through under RCU, and `note()` gets
                // what it wants.
                unsafe {
                    bindings::idr_for_each(
                        &raw const (*net.as_raw()).netns_ids,
                        Some(note),
                        (&raw mut walk).cast(),
                    )
                };
            }
            let Walk { found, missed } = &mut walk;
            if *missed == 0 {
                break;
            }
            let all = found.len() + core::mem::take(missed);
            found.clear();
            // On the account of who asks, whoever that is.
            found.reserve(all, GFP_KERNEL_ACCOUNT)?;
        }
        let mut found = walk.found;
        // The sort of Rust's own library takes more stack than there is.
        // SAFETY: So many of this size are there, and `order()` compares two of them.
        unsafe {
            shim::sort(
                found.as_mut_ptr().cast(),
                found.len(),
                size_of::<Id>(),
                order,
                ptr::null(),
            )
        };
        Ok(Self(found))
    }

    /// The id of `peer`, where it had one. Any context.
    pub(crate) fn get(&self, peer: &Net) -> Option<i32> {
        let at = self.0.binary_search_by_key(&peer.cookie(), |id| id.cookie);
        Some(self.0.get(at.ok()?)?.nsid)
    }
}

/// # Safety
///
/// Called with two [`Id`]s.
unsafe extern "C" fn order(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: By the caller's promise.
    let (a, b) = unsafe { (&*a.cast::<Id>(), &*b.cast::<Id>()) };
    a.cookie.cmp(&b.cookie) as c_int
}

/// # Safety
///
/// Called for each of a namespace's ids, with a [`Walk`] that nobody else uses, under RCU.
unsafe extern "C" fn note(nsid: c_int, peer: *mut c_void, walk: *mut c_void) -> c_int {
    // SAFETY: By the caller's promise.
    let walk = unsafe { &mut *walk.cast::<Walk>() };
    // SAFETY: A namespace loses its ids before the grace period that its subsystems' `exit` comes
    // after.
    let peer = unsafe { Net::from_raw(peer.cast::<bindings::net>()) };
    let id = Id {
        cookie: peer.cookie(),
        nsid,
    };
    if walk.found.push_within_capacity(id).is_err() {
        walk.missed += 1;
    }
    // Go on.
    0
}
