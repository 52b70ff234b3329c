// SPDX-License-Identifier: GPL-2.0

//! Grace periods that begin now and are waited for later, if at all.
//!
//! C header: [`include/linux/rcutree.h`](srctree/include/linux/rcutree.h)

use super::{
    compat::bindings,
    shim, //
};

/// A grace period of RCU: when it has passed, no reader is left that began before it was made.
///
/// Namespaces die in batches with one grace period for all, between `pre_exit` and `exit`. What is
/// unpublished in the one and freed in the other makes this in between, and finds in the end that
/// there is nothing to wait for; what is freed at another time does wait.
///
/// # Invariants
///
/// `since` is a state of RCU that was taken when this was made.
pub(super) struct GracePeriod {
    since: bindings::rcu_gp_seq,
}

impl GracePeriod {
    /// One that begins now. Any context, does not sleep.
    pub(super) fn begin() -> Self {
        let mut since = bindings::rcu_gp_seq::default();
        // SAFETY: The state is ours to write.
        unsafe { shim::pernet_shim_get_state_synchronize_rcu_full(&mut since) };
        // INVARIANT: Just taken.
        Self { since }
    }

    /// Waits until it has passed, not at all if it has. Process context, may sleep.
    pub(super) fn wait(mut self) {
        // SAFETY: A valid state by the invariant.
        unsafe { shim::pernet_shim_cond_synchronize_rcu_full(&mut self.since) };
    }
}
