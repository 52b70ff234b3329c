// SPDX-License-Identifier: GPL-2.0

//! Netfilter hooks, registered in one namespace.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

use super::{
    compat::bindings,
    grace::GracePeriod,
    namespace::Net,
    shim, //
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
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

/// An observer with the `struct nf_hook_ops` that it is registered by.
///
/// # Invariants
///
/// `ops` is from `kmalloc()`, owned by this, and has the address of `_observer`.
struct Operations<T> {
    ops: NonNull<shim::NfHookOps>,
    _observer: Arc<T>,
}

impl<T: Observer> Operations<T> {
    fn new(observer: Arc<T>) -> Result<Self> {
        let Place { family, hook } = observer.place();
        // SAFETY: The answer is null or operations of our own, from `kmalloc()`.
        let ops = unsafe {
            shim::pernet_shim_nf_hook_ops(
                hook_callback::<T>,
                Arc::as_ptr(&observer).cast_mut().cast(),
                family,
                hook.into(),
                // NF_IP_PRI_FIRST, which NF_IP6_PRI_FIRST equals.
                i32::MIN,
            )
        };
        // INVARIANT: Just made.
        Ok(Self {
            ops: NonNull::new(ops).ok_or(ENOMEM)?,
            _observer: observer,
        })
    }
}

impl<T> Drop for Operations<T> {
    fn drop(&mut self) {
        // SAFETY: Ours by the invariant. `Hooks` sees to it that nobody looks at it any more.
        unsafe { bindings::kfree(self.ops.as_ptr().cast()) };
    }
}

/// Observers for the hooks of one namespace, which see packets while they are switched on.
///
/// # Invariants
///
/// While `on`, which changes under the lock of `last`, all of `operations` are registered in
/// `net`, else none is. `last` began after some were last unregistered.
#[pin_data(PinnedDrop)]
pub(crate) struct Hooks<'net, T: Observer> {
    net: &'net Net,
    operations: KVec<Operations<T>>,
    on: Atomic<bool>,
    #[pin]
    last: Mutex<Option<GracePeriod>>,
}

// SAFETY: The operations are only read once they are made; observers may be shared between
// threads.
unsafe impl<T: Observer> Send for Hooks<'_, T> {}

// SAFETY: As above.
unsafe impl<T: Observer> Sync for Hooks<'_, T> {}

impl<'net, T: Observer> Hooks<'net, T> {
    /// Makes hooks that are off. Process context, may sleep. Fails with `ENOMEM`.
    pub(crate) fn new<'a>(
        net: &'net Net,
        observers: &'a [Arc<T>],
    ) -> impl PinInit<Self, Error> + use<'a, 'net, T> {
        // INVARIANT: None is registered.
        try_pin_init!(Self {
            net,
            operations: {
                let mut operations = KVec::with_capacity(observers.len(), GFP_KERNEL)?;
                for observer in observers {
                    operations.push(Operations::new(observer.clone())?, GFP_KERNEL)?;
                }
                operations
            },
            on: Atomic::<bool>::new(false),
            last <- new_mutex!(None),
        })
    }

    /// Whether packets are seen. Any context.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Switches the observers on or off, all of them or, on an error of netfilter, none.
    ///
    /// Process context, may sleep, but does not wait for a grace period: packets that are at a hook
    /// now may still be seen after it was switched off.
    pub(crate) fn switch(&self, on: bool) -> Result {
        let mut last = self.last.lock();
        if on == self.is_on() {
            return Ok(());
        }
        let (registered, result) = match on {
            true => self.register(),
            false => (self.operations.len(), Ok(())),
        };
        if !on || result.is_err() {
            for operations in &self.operations[..registered] {
                // SAFETY: Registered by the invariant, or just now.
                unsafe { shim::nf_unregister_net_hook(self.net.as_raw(), operations.ops.as_ptr()) };
            }
            // INVARIANT: Whoever reads a hook entry of ours began before.
            *last = Some(GracePeriod::begin());
        }
        // INVARIANT: All are registered, or none is any more.
        self.on.store(on && result.is_ok(), Relaxed);
        result
    }

    /// Registers the observers up to the first that fails; says how many did not.
    fn register(&self) -> (usize, Result) {
        for (registered, operations) in self.operations.iter().enumerate() {
            // SAFETY: `net` is valid for longer than the hook is registered, the operations are
            // complete, and by the invariant they are not registered.
            let error =
                unsafe { shim::nf_register_net_hook(self.net.as_raw(), operations.ops.as_ptr()) };
            if let Err(error) = to_result(error) {
                return (registered, Err(error));
            }
        }
        (self.operations.len(), Ok(()))
    }
}

#[pinned_drop]
impl<T: Observer> PinnedDrop for Hooks<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // Switching off does not fail.
        let _ = self.switch(false);
        // In `exit` this returns at once: the kernel waited for RCU since `pre_exit`.
        if let Some(last) = self.last.lock().take() {
            last.wait();
        }
    }
}

/// # Safety
///
/// Called by netfilter with what [`Operations::new`] gave it, in an RCU read-side section that
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
