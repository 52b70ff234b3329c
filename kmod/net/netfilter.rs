// SPDX-License-Identifier: GPL-2.0

//! Netfilter hooks, registered in one namespace.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

use super::{
    namespace::Net,
    shim, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full, //
        },
        Arc, //
    },
    types::Opaque,
};

/// A packet at a hook, `struct sk_buff`.
#[repr(transparent)]
pub(crate) struct Packet(Opaque<bindings::sk_buff>);

impl Packet {
    /// Its length in bytes from the network header on. A GSO packet has that of all its segments.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        // SAFETY: Valid, and nobody writes to it while the hook looks at it.
        unsafe { (*self.0.get()).len }
    }
}

/// Where a hook is: a protocol family, `NFPROTO_*`, and a point of that family, `NF_INET_*`.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) family: u8,
    pub(crate) hook: u8,
}

/// Sees packets pass; it can neither change nor stop them.
pub(crate) trait Observer: Send + Sync + 'static {
    /// Where it stands.
    fn place(&self) -> Place;

    /// Called for every packet, before all other functions at the hook.
    ///
    /// Process or softirq context, in an RCU read-side section: must not sleep.
    fn packet(&self, packet: &Packet);
}

/// Observers at the hooks of one namespace.
///
/// # Invariants
///
/// `ops` were registered in `net`, each with its observer's address. They still are, unless
/// `unregistered`; then `since` is a state of RCU that no earlier reader of the hooks survives.
pub(crate) struct Hooks<'net, T: Observer> {
    net: &'net Net,
    ops: KVec<(NonNull<shim::NfHookOps>, Arc<T>)>,
    unregistered: Atomic<bool>,
    since: Opaque<bindings::rcu_gp_seq>,
}

// SAFETY: The operations are only read after registration, `since` is written once and read by
// `drop()` alone; observers may be shared between threads.
unsafe impl<T: Observer> Send for Hooks<'_, T> {}

// SAFETY: As above.
unsafe impl<T: Observer> Sync for Hooks<'_, T> {}

impl<'net, T: Observer> Hooks<'net, T> {
    /// Registers all observers or none.
    ///
    /// Process context, may sleep.
    pub(crate) fn new(net: &'net Net, observers: &[Arc<T>]) -> Result<Self> {
        // What was registered before an error is unregistered by `drop()`.
        let mut hooks = Self {
            net,
            ops: KVec::with_capacity(observers.len(), GFP_KERNEL)?,
            unregistered: Atomic::<bool>::new(false),
            since: Opaque::zeroed(),
        };
        for observer in observers {
            let ops = hooks.register(observer)?;
            // INVARIANT: Just registered.
            hooks.ops.push((ops, observer.clone()), GFP_KERNEL)?;
        }
        Ok(hooks)
    }

    fn register(&self, observer: &Arc<T>) -> Result<NonNull<shim::NfHookOps>> {
        let Place { family, hook } = observer.place();
        // SAFETY: The answer is null or operations of our own, from `kmalloc()`.
        let ops = NonNull::new(unsafe {
            shim::pernet_shim_nf_hook_ops(
                hook_callback::<T>,
                Arc::as_ptr(observer).cast_mut().cast(),
                family,
                hook.into(),
                // NF_IP_PRI_FIRST, which NF_IP6_PRI_FIRST equals.
                i32::MIN,
            )
        })
        .ok_or(ENOMEM)?;
        // SAFETY: `net` is valid for longer than the hook is registered, and `ops` is complete.
        to_result(unsafe { shim::nf_register_net_hook(self.net.as_raw(), ops.as_ptr()) })
            // SAFETY: Ours, and not registered.
            .inspect_err(|_| unsafe { bindings::kfree(ops.as_ptr().cast()) })?;
        Ok(ops)
    }

    /// Takes the observers off the hooks. Packets that are at a hook now may still be seen.
    ///
    /// Process context, may sleep, but does not wait for a grace period. Idempotent.
    pub(crate) fn unregister(&self) {
        if self.unregistered.xchg(true, Full) {
            return;
        }
        for (ops, _) in &self.ops {
            // SAFETY: Registered by the invariant, and unregistered here only.
            unsafe { shim::nf_unregister_net_hook(self.net.as_raw(), ops.as_ptr()) };
        }
        // INVARIANT: Whoever reads a hook entry of ours began before this state.
        // SAFETY: Only the one caller that set the flag gets here.
        unsafe { bindings::get_state_synchronize_rcu_full(self.since.get()) };
    }
}

impl<T: Observer> Drop for Hooks<'_, T> {
    fn drop(&mut self) {
        self.unregister();
        // In `exit` this returns at once: the kernel waited for RCU since `pre_exit`.
        // SAFETY: By the invariant the state was taken.
        unsafe { bindings::cond_synchronize_rcu_full(self.since.get()) };
        for (ops, _) in &self.ops {
            // SAFETY: Ours, and nobody looks at it any more.
            unsafe { bindings::kfree(ops.as_ptr().cast()) };
        }
    }
}

/// # Safety
///
/// Called by netfilter with what [`Hooks::register`] gave it, in an RCU read-side section that
/// began while the hook was registered.
unsafe extern "C" fn hook_callback<T: Observer>(
    private: *mut c_void,
    skb: *mut bindings::sk_buff,
    _state: *const shim::NfHookState,
) -> c_uint {
    // SAFETY: `Hooks` holds the observer until every such section has ended.
    let observer = unsafe { &*private.cast::<T>() };
    // SAFETY: Netfilter hands over a valid packet; `Packet` is transparent.
    let packet = unsafe { &*skb.cast::<Packet>() };
    observer.packet(packet);
    bindings::NF_ACCEPT
}
