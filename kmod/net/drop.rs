// SPDX-License-Identifier: GPL-2.0

//! Packets that the kernel drops, by the namespace they were dropped in: the tracepoint
//! `kfree_skb`.
//!
//! The tracepoint hands over a packet that is about to be freed, and who frees it may have used its
//! fields for other things: `skb->dev` shares its place with a link of the trees that TCP and the
//! reassembly of fragments keep packets in, and with a number of UDP's. So that field is never
//! followed. It is taken for a number, and looked up among the addresses of the devices that are in
//! the namespaces which are watched. That is also why the kernel's own user of the tracepoint,
//! `net/core/drop_monitor.c`, does not look at the device of a packet.
//!
//! What belongs to no namespace that could be told: packets with neither a device nor a socket, and
//! those whose device is not one, as above, without a receiving socket that the kernel names.
//!
//! C header: [`include/trace/events/skb.h`](srctree/include/trace/events/skb.h),
//! [`include/net/dropreason.h`](srctree/include/net/dropreason.h)

use super::{
    grace::GracePeriod,
    namespace::Net,
    netdevice::{
        Device,
        Rtnl, //
    },
    shim,
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
        Arc,
        Mutex, //
    },
    types::Opaque,
};

/// Why a packet was dropped, `enum skb_drop_reason`: a subsystem and a number of its own.
#[derive(Clone, Copy)]
pub(crate) struct Reason(u32);

impl Reason {
    /// How many reasons the core has, in this kernel.
    pub(crate) const CORE: usize = bindings::skb_drop_reason_SKB_DROP_REASON_MAX as usize;

    /// The reason `number` of the core.
    pub(crate) fn core(number: u16) -> Self {
        Self(number.into())
    }

    /// The subsystem: `enum skb_drop_reason_subsys`, 0 for the core.
    pub(crate) fn subsystem(self) -> u16 {
        (self.0 >> bindings::SKB_DROP_REASON_SUBSYS_SHIFT) as u16
    }

    /// The number within its subsystem.
    pub(crate) fn number(self) -> u16 {
        self.0 as u16
    }

    /// The kernel's name for it, `NO_SOCKET` for instance. Any context.
    pub(crate) fn name<'rcu>(self, _guard: &'rcu rcu::Guard) -> Option<&'rcu CStr> {
        // SAFETY: Any subsystem may be asked for; the answer is null or valid under the guard.
        let list = unsafe { shim::pernet_shim_drop_reasons(self.subsystem().into()).as_ref() }?;
        let number = usize::from(self.number());
        if number >= list.n_reasons {
            return None;
        }
        // SAFETY: `number` is below the list's length.
        let name = NonNull::new(unsafe { *list.reasons.add(number) }.cast_mut())?;
        // SAFETY: Entries are null or strings that live as long as the list.
        Some(unsafe { CStr::from_char_ptr(name.as_ptr()) })
    }
}

/// Told of the packets that are dropped in one namespace.
pub(crate) trait Observer: Send + Sync + 'static {
    /// Called for each packet.
    ///
    /// Any context but NMI, hard interrupts included, in an RCU read-side section.
    fn dropped(&self, reason: Reason);
}

/// The one probe of all namespaces. It is on the tracepoint while somebody is watched.
///
/// # Invariants
///
/// Entries of `whose` are at the addresses of namespaces that are watched and of devices in them.
/// Each points at an observer that a [`Watch`] holds for a grace period longer than the entry is
/// there. Entries, and `watched`, which is their namespaces' number, change under RTNL only; the
/// probe is on the tracepoint while that is not 0.
#[pin_data(PinnedDrop)]
pub(crate) struct Probe<T: Observer> {
    #[pin]
    whose: Opaque<bindings::xarray>,
    watched: Atomic<usize>,
    _observer: PhantomData<fn(&T)>,
}

// SAFETY: The array synchronises itself, and observers may be shared between threads.
unsafe impl<T: Observer> Send for Probe<T> {}

// SAFETY: As above.
unsafe impl<T: Observer> Sync for Probe<T> {}

impl<T: Observer> Probe<T> {
    /// Makes a probe that watches nothing yet.
    pub(crate) fn new() -> impl PinInit<Self> {
        // INVARIANT: There are no entries.
        pin_init!(Self {
            whose <- Opaque::ffi_init(|whose: *mut bindings::xarray| {
                // SAFETY: The array is ours to write.
                unsafe { bindings::xa_init_flags(whose, 0) }
            }),
            watched: Atomic::<usize>::new(0),
            _observer: PhantomData,
        })
    }

    /// A device has come to its namespace. In [`Event::Register`](super::netdevice::Event), so
    /// under RTNL. Where memory is short, what it drops belongs to nobody.
    pub(crate) fn came(&self, device: &Device) {
        if let Some(observer) = self.entry(device.net().address()) {
            // INVARIANT: The device is in a namespace that is watched by this observer.
            let _ = self.set(device.address(), observer);
        }
    }

    /// A device leaves its namespace. In [`Event::Unregister`](super::netdevice::Event), so under
    /// RTNL.
    pub(crate) fn leaves(&self, device: &Device) {
        self.clear(device.address());
    }

    fn entry(&self, address: usize) -> Option<NonNull<T>> {
        // SAFETY: The array is valid; any index may be asked for.
        let entry = unsafe { bindings::xa_load(self.whose.get(), address as c_ulong) };
        NonNull::new(entry.cast())
    }

    fn set(&self, address: usize, observer: NonNull<T>) -> Result {
        let flags = bindings::GFP_KERNEL;
        // SAFETY: The array is valid, and observers are aligned as its entries must be.
        let error = unsafe {
            let entry = observer.as_ptr().cast();
            bindings::xa_err(bindings::xa_store(
                self.whose.get(),
                address as c_ulong,
                entry,
                flags,
            ))
        };
        to_result(error)
    }

    fn clear(&self, address: usize) {
        // SAFETY: The array is valid; any index may be erased.
        unsafe { bindings::xa_erase(self.whose.get(), address as c_ulong) };
    }

    /// Watches `net`, or on an error does not.
    fn watch(&self, net: &Net, observer: NonNull<T>, rtnl: &Rtnl) -> Result {
        // The array's entries have two bits of their own.
        const { assert!(align_of::<T>() >= 4) };

        if self.watched.load(Relaxed) == 0 {
            // SAFETY: The probe has the tracepoint's signature. `self` is pinned, and waits in
            // `drop()` for whoever still runs it.
            to_result(unsafe {
                shim::pernet_shim_register_kfree_skb(
                    probe_callback::<T>,
                    core::ptr::from_ref(self).cast_mut().cast(),
                )
            })
            // This is how a kernel says that it has no tracepoints.
            .map_err(|error| if error == ENOSYS { EOPNOTSUPP } else { error })?;
        }
        self.watched.add(1, Relaxed);
        let published = self.set(net.address(), observer).and_then(|()| {
            rtnl.devices(net)
                .try_for_each(|device| self.set(device.address(), observer))
        });
        published.inspect_err(|_| self.unwatch(net, rtnl))
    }

    fn unwatch(&self, net: &Net, rtnl: &Rtnl) {
        for device in rtnl.devices(net) {
            self.clear(device.address());
        }
        self.clear(net.address());
        let others = self.watched.load(Relaxed) - 1;
        self.watched.store(others, Relaxed);
        if others == 0 {
            // SAFETY: By the invariant it is registered. It fails only where it is not.
            unsafe {
                shim::pernet_shim_unregister_kfree_skb(
                    probe_callback::<T>,
                    core::ptr::from_ref(self).cast_mut().cast(),
                )
            };
        }
    }

    /// Who is told of the packet.
    ///
    /// # Safety
    ///
    /// The arguments are those of the tracepoint.
    unsafe fn whose<'rcu>(
        &self,
        skb: *const bindings::sk_buff,
        receiver: *const bindings::sock,
        _guard: &'rcu rcu::Guard,
    ) -> Option<&'rcu T> {
        // SAFETY: By the caller's promise the packet is valid. A socket in it is one: that field is
        // used for nothing else, and whoever clears a socket away clears the field.
        let (device, sender) = unsafe { (shim::pernet_shim_skb_dev(skb), (*skb).sk) };
        // A receiving socket is sure. A device goes before a sending socket: a packet may arrive in
        // another namespace with its sender's still there.
        let address = match (receiver.is_null(), device, sender.is_null()) {
            // SAFETY: By the caller's promise the socket is valid.
            (false, ..) => unsafe { shim::pernet_shim_sock_net(receiver) },
            (true, 0, true) => return None,
            // SAFETY: See above.
            (true, 0, false) => unsafe { shim::pernet_shim_sock_net(sender) },
            (true, device, _) => device,
        };
        // SAFETY: By the invariant the observer lives on for a grace period after the entry is
        // cleared, and the guard keeps that from passing.
        Some(unsafe { self.entry(address)?.as_ref() })
    }
}

#[pinned_drop]
impl<T: Observer> PinnedDrop for Probe<T> {
    fn drop(self: Pin<&mut Self>) {
        // Every `Watch`, which holds this, has been dropped: the probe is off the tracepoint. It
        // may still run somewhere.
        // SAFETY: May be called in process context.
        unsafe { shim::pernet_shim_tracepoint_synchronize_unregister() };
        // SAFETY: Nobody uses the array any more.
        unsafe { bindings::xa_destroy(self.whose.get()) };
    }
}

/// An observer for the packets dropped in one namespace, told of them while switched on.
///
/// # Invariants
///
/// While `on`, which changes under the lock of `held`, `net` is watched by `held.observer`. A
/// grace period has to pass from `held.last` on before that is dropped.
#[pin_data(PinnedDrop)]
pub(crate) struct Watch<'net, T: Observer> {
    net: &'net Net,
    probe: Arc<Probe<T>>,
    on: Atomic<bool>,
    #[pin]
    held: Mutex<Held<T>>,
}

struct Held<T> {
    observer: Option<Arc<T>>,
    last: Option<GracePeriod>,
}

impl<'net, T: Observer> Watch<'net, T> {
    /// Makes one that is off. Does not fail.
    pub(crate) fn new(net: &'net Net, probe: Arc<Probe<T>>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            net,
            probe,
            on: Atomic::<bool>::new(false),
            held <- new_mutex!(Held { observer: None, last: None }),
        })
    }

    /// Whether packets are told of. Any context.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Begins to tell the observer that `observer` finds or makes, if nobody is told yet.
    ///
    /// Only one call of `observer` runs at a time. Process context, takes RTNL. Fails with
    /// `EOPNOTSUPP` in a kernel without tracepoints, and with `ENOMEM` or the error of `observer`.
    /// May wait for a grace period where an observer was told before.
    pub(crate) fn start<'a>(&self, observer: impl FnOnce() -> Result<&'a Arc<T>>) -> Result {
        let mut held = self.held.lock();
        if self.is_on() {
            return Ok(());
        }
        if let Some(last) = held.last.take() {
            last.wait();
        }
        let observer = observer()?;
        held.observer = Some(observer.clone());
        let address = NonNull::from(&**observer);
        let started = self.probe.watch(self.net, address, &Rtnl::lock());
        if started.is_err() {
            // It may have been seen for a moment.
            held.last = Some(GracePeriod::begin());
        }
        // INVARIANT: Watched, or not.
        self.on.store(started.is_ok(), Relaxed);
        started
    }

    /// Tells nobody any more. Packets that are being dropped now may still be told of.
    ///
    /// Process context, takes RTNL where it is on; does not wait for a grace period.
    pub(crate) fn stop(&self) {
        let mut held = self.held.lock();
        if self.is_on() {
            self.probe.unwatch(self.net, &Rtnl::lock());
            // INVARIANT: Not watched any more, and held until the grace period has passed.
            held.last = Some(GracePeriod::begin());
            self.on.store(false, Relaxed);
        }
    }
}

#[pinned_drop]
impl<T: Observer> PinnedDrop for Watch<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        self.stop();
        // In `exit` this returns at once: the kernel waited for RCU since `pre_exit`.
        if let Some(last) = self.held.lock().last.take() {
            last.wait();
        }
    }
}

/// # Safety
///
/// Called by the tracepoint `kfree_skb` with the [`Probe`] that was registered.
unsafe extern "C" fn probe_callback<T: Observer>(
    probe: *mut c_void,
    skb: *mut bindings::sk_buff,
    _location: *mut c_void,
    reason: c_uint,
    receiver: *const bindings::sock,
) {
    // SAFETY: The probe waits in its `drop()` for calls of this.
    let probe = unsafe { &*probe.cast::<Probe<T>>() };
    // The tracepoint itself is in a section of SRCU only.
    let guard = rcu::read_lock();
    // SAFETY: The arguments are the tracepoint's.
    if let Some(observer) = unsafe { probe.whose(skb, receiver, &guard) } {
        observer.dropped(Reason(reason));
    }
}
