// SPDX-License-Identifier: GPL-2.0

//! What is registered in a namespace and calls back with something of that namespace.
//!
//! A guard whose drop unregisters is not enough for this: safe code may leak it, and what it was
//! registered with would be gone before the callbacks are. So, as with scoped threads, a [`Scope`]
//! owns the registrations, and who makes one gets a reference to it.

use super::namespace::Net;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// Something that calls back until it is removed.
pub(super) trait Remove: Send + Sync {
    /// Removes it, waiting for callbacks that run just now. Process context, may sleep. Idempotent.
    fn remove(&self);
}

/// The life of one namespace as a subsystem sees it, from its `init` to its `exit`.
///
/// # Invariants
///
/// This is dropped before `'net` ends: only [`pernet`](super::pernet) has one by value.
pub(crate) struct Scope<'net> {
    net: &'net Net,
    registered: KVec<Arc<dyn Remove + 'net>>,
}

impl<'net> Scope<'net> {
    /// # Safety
    ///
    /// The scope is dropped before `'net` ends.
    pub(super) unsafe fn new(net: &'net Net) -> Self {
        // INVARIANT: The caller promises it.
        Self {
            net,
            registered: KVec::new(),
        }
    }

    /// The namespace.
    pub(crate) fn net(&self) -> &'net Net {
        self.net
    }

    /// Keeps what `register` makes, and removes it in time, whatever becomes of the reference that
    /// this returns. Process context, may sleep.
    pub(super) fn register<R: Remove + 'net>(
        &mut self,
        register: impl FnOnce(&'net Net) -> Result<R>,
    ) -> Result<Arc<R>> {
        // First, so that nothing fails once it is registered and not yet kept.
        self.registered.reserve(1, GFP_KERNEL)?;
        let registered = Arc::new(register(self.net)?, GFP_KERNEL)?;
        self.registered.push(registered.clone(), GFP_KERNEL)?;
        Ok(registered)
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        // Last in, first out.
        for registered in self.registered.iter().rev() {
            registered.remove();
        }
    }
}
