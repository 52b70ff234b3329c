// SPDX-License-Identifier: GPL-2.0

//! Netfilter hooks, registered in one namespace.
//!
//! C header: [`include/linux/netfilter.h`](srctree/include/linux/netfilter.h)

use super::{
    compat::bindings,
    namespace::Net,
    shim,
    switch::{
        Registration,
        Switch, //
    },
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*,
    sync::Arc,
    types::Opaque, //
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
    const PLACES: &'static [Place];

    /// Called for every packet at one of [`Observer::PLACES`], before all other functions there.
    ///
    /// Process or softirq context, in an RCU read-side section: must not sleep.
    fn packet(&self, place: Place, packet: &Packet);
}

/// An observer with the `struct nf_hook_ops` that it is registered by.
///
/// # Invariants
///
/// `ops` is an array of as many as the observer has places, from `kcalloc()`, owned by this; each has
/// the address of `_observer`.
struct Operations<T: Observer> {
    ops: NonNull<shim::NfHookOps>,
    _observer: Arc<T>,
}

// SAFETY: The operations are only read once they are made; observers may be shared between
// threads.
unsafe impl<T: Observer> Send for Operations<T> {}

// SAFETY: As above.
unsafe impl<T: Observer> Sync for Operations<T> {}

impl<T: Observer> Operations<T> {
    fn new(observer: Arc<T>) -> Result<Self> {
        // SAFETY: Any number may be asked for.
        let ops = unsafe { shim::pernet_shim_nf_hook_ops_alloc(T::PLACES.len()) };
        let ops = NonNull::new(ops).ok_or(ENOMEM)?;
        let private = Arc::as_ptr(&observer).cast_mut().cast::<c_void>();
        // NF_IP_PRI_FIRST, which NF_IP6_PRI_FIRST equals.
        let first = i32::MIN;
        for (i, &Place { family, hook }) in T::PLACES.iter().enumerate() {
            let callback = hook_callback::<T>;
            // SAFETY: The array was made for that many, and is ours.
            unsafe {
                shim::pernet_shim_nf_hook_ops_set(
                    ops.as_ptr(),
                    i,
                    callback,
                    private,
                    family,
                    hook.into(),
                    first,
                )
            };
        }
        // INVARIANT: Just made.
        Ok(Self {
            ops,
            _observer: observer,
        })
    }
}

impl<T: Observer> Registration for Operations<T> {
    fn register(&self, net: &Net) -> Result {
        // SAFETY: `net` is valid for longer than the hooks are registered, the operations are
        // complete, and `Switch` registers them once at a time. On an error none is registered.
        to_result(unsafe {
            shim::nf_register_net_hooks(net.as_raw(), self.ops.as_ptr(), T::PLACES.len() as c_uint)
        })
    }

    fn unregister(&self, net: &Net) {
        // SAFETY: `Switch` does this to what is registered.
        unsafe {
            shim::nf_unregister_net_hooks(
                net.as_raw(),
                self.ops.as_ptr(),
                T::PLACES.len() as c_uint,
            )
        };
    }
}

impl<T: Observer> Drop for Operations<T> {
    fn drop(&mut self) {
        // SAFETY: Ours by the invariant. `Switch` sees to it that nobody looks at it any more.
        unsafe { bindings::kfree(self.ops.as_ptr().cast()) };
    }
}

/// An observer for the hooks of one namespace, which sees packets while it is switched on.
#[pin_data]
pub(crate) struct Hooks<'net, T: Observer> {
    #[pin]
    switch: Switch<'net, Operations<T>>,
}

impl<'net, T: Observer> Hooks<'net, T> {
    /// Makes one that is off.
    pub(crate) fn new(net: &'net Net) -> impl PinInit<Self> {
        pin_init!(Self { switch <- Switch::new(net) })
    }

    /// Whether packets are seen. Any context.
    pub(crate) fn is_on(&self) -> bool {
        self.switch.is_on()
    }

    /// Shows packets to the observer: the one that `observer` finds or makes when it is first
    /// called for.
    ///
    /// Process context, may sleep. Fails with netfilter's error, with `ENOMEM` or the error of
    /// `observer`, and then shows none.
    pub(crate) fn start<'a>(&self, observer: impl FnOnce() -> Result<&'a Arc<T>>) -> Result {
        self.switch.turn_on(|| Operations::new(observer()?.clone()))
    }

    /// Shows packets no longer. Those that are at a hook now may still be seen.
    ///
    /// Process context, may sleep, but does not wait for a grace period.
    pub(crate) fn stop(&self) {
        self.switch.turn_off();
    }
}

/// # Safety
///
/// Called by netfilter with what [`Operations::new`] gave it, in an RCU read-side section that
/// began while the hook was registered.
unsafe extern "C" fn hook_callback<T: Observer>(
    private: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const shim::NfHookState,
) -> c_uint {
    // SAFETY: `Switch` holds the observer until every such section has ended.
    let observer = unsafe { &*private.cast::<T>() };
    // SAFETY: Netfilter hands over a valid packet; `Packet` is transparent.
    let packet = unsafe { &*skb.cast::<Packet>() };
    // SAFETY: Netfilter hands over a valid state.
    let (family, hook) = unsafe { ((*state).pf, (*state).hook) };
    observer.packet(Place { family, hook }, packet);
    bindings::NF_ACCEPT
}
