// SPDX-License-Identifier: GPL-2.0

//! Network devices and the notifications about them.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use super::{
    compat::bindings,
    namespace::Net,
    shim, //
};
use core::ptr;
use kernel::{
    error::to_result,
    prelude::*,
    sync::rcu,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// The lock of the routing netlink, held until this is dropped. While it is, no device comes, goes
/// or moves.
pub(crate) struct Rtnl(NotThreadSafe);

impl Rtnl {
    /// Takes the lock. Process context, may sleep.
    pub(crate) fn lock() -> Self {
        // SAFETY: Whoever calls this may sleep.
        unsafe { shim::rtnl_lock() };
        Self(NotThreadSafe)
    }

    /// The devices of `net`.
    pub(crate) fn devices<'a>(&'a self, net: &'a Net) -> impl Iterator<Item = &'a Device> + 'a {
        let mut last = ptr::null_mut();
        core::iter::from_fn(move || {
            // SAFETY: `last` is null or was just seen in the list, which does not change meanwhile.
            last = unsafe { shim::pernet_shim_next_net_device(net.as_raw(), last) };
            // SAFETY: The answer is null, or a device that stays while the lock is held; `Device`
            // is transparent.
            unsafe { last.cast::<Device>().as_ref() }
        })
        .fuse()
    }
}

impl Drop for Rtnl {
    fn drop(&mut self) {
        // SAFETY: Held since this was made, by this thread.
        unsafe { shim::rtnl_unlock() };
    }
}

/// A network device, `struct net_device`, under RTNL: there is a reference to one only while that
/// is held, by a [`Rtnl`] or by a notification about the device.
#[repr(transparent)]
pub(crate) struct Device(Opaque<bindings::net_device>);

impl Device {
    /// The namespace it is in.
    pub(crate) fn net(&self) -> &Net {
        // SAFETY: A device leaves its namespace before that one's subsystems `exit`, and it does
        // not move during a notification.
        unsafe { Net::from_raw(shim::pernet_shim_dev_net(self.0.get())) }
    }

    /// Whether the device goes on to exist.
    ///
    /// In [`Event::Unregister`] this tells a device that moves to another namespace, which is the
    /// event of [`Event::Register`] there, from one that ceases to be: C:
    /// `__dev_change_net_namespace()`.
    pub(crate) fn is_registered(&self) -> bool {
        // SAFETY: Valid, and the state changes under RTNL only, which notifications hold.
        unsafe { shim::pernet_shim_dev_is_registered(self.0.get()) }
    }

    /// Its number in its namespace.
    pub(crate) fn index(&self) -> u32 {
        // SAFETY: Valid, and constant under RTNL.
        unsafe { shim::pernet_shim_dev_ifindex(self.0.get()) }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &CStr {
        // SAFETY: Valid, a string, and constant under RTNL.
        unsafe { CStr::from_char_ptr(shim::pernet_shim_dev_name(self.0.get())) }
    }

    /// Tells devices apart while they exist.
    pub(crate) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

/// Whether a device of this name, or with this as another name, is in `net`. Any context. C:
/// `dev_get_by_name_rcu()`.
pub(crate) fn is_present(net: &Net, name: &CStr, _guard: &rcu::Guard) -> bool {
    // SAFETY: `net` is valid, its table of names is there from before any subsystem's `init` to
    // after its `exit`, and the guard is held.
    !unsafe { shim::dev_get_by_name_rcu(net.as_raw(), name.as_char_ptr()) }.is_null()
}

/// What happens to a device, `enum netdev_cmd`; the commands that somebody here observes.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// `NETDEV_UP`
    Up,
    /// `NETDEV_DOWN`
    Down,
    /// `NETDEV_REGISTER`: it is in its namespace now.
    Register,
    /// `NETDEV_UNREGISTER`: it leaves its namespace.
    Unregister,
    /// `NETDEV_CHANGENAME`
    ChangeName,
}

impl Event {
    fn from_raw(command: c_ulong) -> Option<Self> {
        // SAFETY: Constants of the shim.
        let known = unsafe {
            [
                (shim::pernet_shim_netdev_up, Self::Up),
                (shim::pernet_shim_netdev_down, Self::Down),
                (shim::pernet_shim_netdev_register, Self::Register),
                (shim::pernet_shim_netdev_unregister, Self::Unregister),
                (shim::pernet_shim_netdev_changename, Self::ChangeName),
            ]
        };
        known
            .into_iter()
            .find_map(|(raw, event)| (raw == command).then_some(event))
    }
}

/// Observes the devices of all namespaces.
pub(crate) trait Observer: Send + Sync + 'static {
    /// Called for each event.
    ///
    /// Process context under RTNL, so one event at a time. A new observer is told `Register` of
    /// each device there is, and `Up` of those that are up; one that is taken off is told the
    /// reverse.
    fn event(&self, event: Event, device: &Device);
}

/// A registered observer. Dropping it unregisters it.
///
/// Both take RTNL and the lock under which subsystems come and namespaces are made and die: not to
/// be done in a subsystem's callbacks.
///
/// # Invariants
///
/// `block` is registered with the kernel.
#[pin_data(PinnedDrop)]
pub(crate) struct Notifier<T: Observer> {
    #[pin]
    block: Opaque<bindings::notifier_block>,
    observer: T,
}

// SAFETY: The block belongs to the kernel's notifier chain; observers may be shared.
unsafe impl<T: Observer> Send for Notifier<T> {}

// SAFETY: As above.
unsafe impl<T: Observer> Sync for Notifier<T> {}

impl<T: Observer> Notifier<T> {
    /// Registers an observer. Process context, may sleep. Fails with `ENOMEM`.
    pub(crate) fn new(observer: T) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            observer,
            block <- Opaque::try_ffi_init(|block: *mut bindings::notifier_block| {
                // SAFETY: `block` is ours to write and stays where it is until `drop()`.
                unsafe {
                    block.write(bindings::notifier_block {
                        notifier_call: Some(notifier_callback::<T>),
                        // Before all others: one of them may refuse a device, and who comes after
                        // that is told of its end, but not of its beginning.
                        priority: c_int::MAX,
                        ..Default::default()
                    })
                };
                // INVARIANT: Registered if this succeeds.
                // SAFETY: The block is complete, and the observer beside it is in place.
                to_result(unsafe { shim::register_netdevice_notifier(block) })
            }),
        })
    }
}

#[pinned_drop]
impl<T: Observer> PinnedDrop for Notifier<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered by the invariant. No callback runs when this returns. It fails only
        // for a block that is not registered.
        unsafe { shim::unregister_netdevice_notifier(self.block.get()) };
    }
}

/// # Safety
///
/// Called by the kernel as `notifier_block::notifier_call` of a [`Notifier`] on the chain of
/// network devices.
unsafe extern "C" fn notifier_callback<T: Observer>(
    block: *mut bindings::notifier_block,
    command: c_ulong,
    info: *mut c_void,
) -> c_int {
    if let Some(event) = Event::from_raw(command) {
        let block = block.cast::<Opaque<bindings::notifier_block>>();
        // SAFETY: The block is that of a `Notifier`, which lives as long as it is registered.
        let notifier = unsafe { &*kernel::container_of!(block, Notifier<T>, block) };
        // SAFETY: On this chain `info` is a `struct netdev_notifier_info` with a valid device;
        // `Device` is transparent.
        let device = unsafe { &*shim::pernet_shim_notifier_info_to_dev(info).cast::<Device>() };
        notifier.observer.event(event, device);
    }
    bindings::NOTIFY_DONE as c_int
}
