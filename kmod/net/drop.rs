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
    compat::bindings,
    index::Index,
    namespace::Net,
    netdevice::{
        self,
        Device,
        Event,
        Notifier,
        Rtnl, //
    },
    shim,
    switch::{
        Registration,
        Switch, //
    },
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
        Arc, //
    },
};

/// `EOPNOTSUPP`, which says here that the kernel has no tracepoints.
pub(crate) fn unsupported() -> Error {
    Error::from_errno(-(bindings::EOPNOTSUPP as c_int))
}

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
/// Who makes and drops it is bound as with its [`Notifier`].
///
/// # Invariants
///
/// `_devices` is registered for longer than anybody is watched.
#[pin_data(PinnedDrop)]
pub(crate) struct Probe<T: Observer> {
    watched: Arc<Watched<T>>,
    #[pin]
    _devices: Notifier<Arc<Watched<T>>>,
}

impl<T: Observer> Probe<T> {
    /// Makes a probe that watches nothing yet. Process context, may sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        // INVARIANT: Nobody is watched yet; each `Watch` holds the probe.
        try_pin_init!(Self {
            watched: Arc::pin_init(
                pin_init!(Watched {
                    // INVARIANT: There are no entries.
                    observers <- Index::new(),
                    namespaces: Atomic::<usize>::new(0),
                }),
                GFP_KERNEL
            )?,
            _devices <- Notifier::new(watched.clone()),
        })
    }
}

#[pinned_drop]
impl<T: Observer> PinnedDrop for Probe<T> {
    fn drop(self: Pin<&mut Self>) {
        // Every `Watch`, which holds this, has been dropped: the probe is off the tracepoint. It
        // may still run somewhere.
        // SAFETY: May be called in process context.
        unsafe { shim::pernet_shim_tracepoint_synchronize_unregister() };
    }
}

/// Who is told of a packet: the observers, by the addresses of the namespaces that they watch and
/// of the devices that are in these.
///
/// # Invariants
///
/// An entry is at the address of a namespace that is watched, or of a device that is in one. It
/// points at an observer that a [`Switch`] holds for a grace period longer than the entry is there.
/// Entries, and `namespaces`, which is how many are watched, change under RTNL only; this is on the
/// tracepoint while that is not 0.
#[pin_data]
struct Watched<T> {
    #[pin]
    observers: Index<T>,
    namespaces: Atomic<usize>,
}

impl<T: Observer> Watched<T> {
    /// Watches `net`, or on an error does not.
    fn watch(&self, net: &Net, observer: NonNull<T>, rtnl: &Rtnl) -> Result {
        if self.namespaces.load(Relaxed) == 0 {
            // SAFETY: The probe has the tracepoint's signature. `self` is in an `Arc`, which
            // `Probe` gives up after it has waited for whoever still runs this.
            to_result(unsafe {
                shim::pernet_shim_register_kfree_skb(
                    probe_callback::<T>,
                    ptr::from_ref(self).cast_mut().cast(),
                )
            })
            // This is how a kernel says that it has no tracepoints.
            .map_err(|error| {
                match error.to_errno() == -(bindings::ENOSYS as c_int) {
                    true => unsupported(),
                    false => error,
                }
            })?;
        }
        // INVARIANT: `net` is watched from here on, and on the tracepoint.
        self.namespaces.add(1, Relaxed);
        let published = self.observers.set(net.address(), observer).and_then(|()| {
            rtnl.devices(net)
                .try_for_each(|device| self.observers.set(device.address(), observer))
        });
        published.inspect_err(|_| self.unwatch(net, rtnl))
    }

    /// Ends what [`Watched::watch`] began.
    fn unwatch(&self, net: &Net, rtnl: &Rtnl) {
        // INVARIANT: The namespace and what is in it have no entries any more.
        for device in rtnl.devices(net) {
            self.observers.clear(device.address());
        }
        self.observers.clear(net.address());
        if self.namespaces.fetch_sub(1, Relaxed) == 1 {
            // SAFETY: By the invariant it is registered. It fails only where it is not.
            unsafe {
                shim::pernet_shim_unregister_kfree_skb(
                    probe_callback::<T>,
                    ptr::from_ref(self).cast_mut().cast(),
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
            // SAFETY: See above. Small sockets, of requests and those that wait for their time to
            // pass, have the namespace in the same place: `struct sock_common`.
            (true, 0, false) => unsafe { shim::pernet_shim_sock_net(sender) },
            (true, device, _) => device,
        };
        // SAFETY: By the invariant the observer lives on for a grace period after the entry is
        // cleared, and the guard keeps that from passing.
        Some(unsafe { self.observers.get(address)?.as_ref() })
    }
}

/// Keeps the entries of devices true while these come and go.
impl<T: Observer> netdevice::Observer for Arc<Watched<T>> {
    fn event(&self, event: Event, device: &Device) {
        match event {
            Event::Register => {
                if let Some(observer) = self.observers.get(device.net().address()) {
                    // INVARIANT: The device is in a namespace that is watched by this observer.
                    // Where memory is short, what the device drops belongs to nobody.
                    let _ = self.observers.set(device.address(), observer);
                }
            }
            // INVARIANT: The device leaves the namespace, and its entry goes.
            Event::Unregister => self.observers.clear(device.address()),
            _ => {}
        }
    }
}

/// An observer of the packets dropped in one namespace.
struct Watching<T: Observer> {
    probe: Arc<Probe<T>>,
    observer: Arc<T>,
}

impl<T: Observer> Registration for Watching<T> {
    fn register(&self, net: &Net) -> Result {
        let address = NonNull::from(&*self.observer);
        self.probe.watched.watch(net, address, &Rtnl::lock())
    }

    fn unregister(&self, net: &Net) {
        self.probe.watched.unwatch(net, &Rtnl::lock());
    }
}

/// An observer for the packets dropped in one namespace, told of them while switched on.
#[pin_data]
pub(crate) struct Watch<'net, T: Observer> {
    probe: Arc<Probe<T>>,
    #[pin]
    switch: Switch<'net, Watching<T>>,
}

impl<'net, T: Observer> Watch<'net, T> {
    /// Makes one that is off.
    pub(crate) fn new(net: &'net Net, probe: Arc<Probe<T>>) -> impl PinInit<Self> {
        pin_init!(Self { probe, switch <- Switch::new(net) })
    }

    /// Whether packets are told of. Any context.
    pub(crate) fn is_on(&self) -> bool {
        self.switch.is_on()
    }

    /// Tells the observer: the one that `observer` finds or makes when it is first called for.
    ///
    /// Process context, takes RTNL. Fails with `EOPNOTSUPP` in a kernel without tracepoints, and with
    /// `ENOMEM` or the error of `observer`, and then tells of none.
    pub(crate) fn start<'a>(&self, observer: impl FnOnce() -> Result<&'a Arc<T>>) -> Result {
        self.switch.turn_on(|| {
            Ok(Watching {
                probe: self.probe.clone(),
                observer: observer()?.clone(),
            })
        })
    }

    /// Tells nobody any more. Packets that are being dropped now may still be told of.
    ///
    /// Process context, takes RTNL where it is on; does not wait for a grace period.
    pub(crate) fn stop(&self) {
        self.switch.turn_off();
    }
}

/// # Safety
///
/// Called by the tracepoint `kfree_skb` with the [`Watched`] that was registered.
unsafe extern "C" fn probe_callback<T: Observer>(
    watched: *mut c_void,
    skb: *mut bindings::sk_buff,
    _location: *mut c_void,
    reason: c_uint,
    receiver: *const bindings::sock,
) {
    // SAFETY: `Probe`, which holds it, waits in its `drop()` for calls of this.
    let watched = unsafe { &*watched.cast::<Watched<T>>() };
    // The tracepoint itself is in a section of SRCU only.
    let guard = rcu::read_lock();
    // SAFETY: The arguments are the tracepoint's.
    if let Some(observer) = unsafe { watched.whose(skb, receiver, &guard) } {
        observer.dropped(Reason(reason));
    }
}
