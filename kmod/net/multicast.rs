// SPDX-License-Identifier: GPL-2.0

//! Messages of a generic netlink family that nobody asked for, to those who may see them.
//!
//! The kernel's own multicast reaches the sockets of one namespace, and of others those that listen
//! to all the namespaces they have an id for and have `CAP_NET_BROADCAST` over. What is told here is
//! about a namespace, and is for two kinds of listeners: those who live in it, and those elsewhere
//! who opened their socket with `CAP_NET_ADMIN` in the user namespace that owns it. So a message is
//! multicast in every namespace, by a filter that looks at each listening socket.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::{
    compat::bindings,
    namespace::Net,
    netlink::Writer,
    shim, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        rcu,
    },
};

/// A multicast group of a family.
#[repr(transparent)]
pub(crate) struct Group(bindings::genl_multicast_group);

impl Group {
    /// The group that user space finds by `name`, which is below 16 bytes. Anybody may join it:
    /// each message looks for itself who may see it.
    pub(crate) const fn new(name: &'static CStr) -> Self {
        let mut group: bindings::genl_multicast_group = pin_init::zeroed();
        let name = name.to_bytes();
        let mut i = 0;
        while i < name.len() {
            // One place is left for the NUL, or this does not compile.
            assert!(i + 1 < group.name.len());
            group.name[i] = name[i] as c_char;
            i += 1;
        }
        Self(group)
    }
}

/// The way from those to whom things happen to the listeners of a family. It exists before the
/// family does and after; in these times nobody listens.
///
/// # Invariants
///
/// `family` is null, or a registered family that stays so for a grace period of RCU after this
/// became null.
pub(crate) struct Channel {
    family: Atomic<*mut bindings::genl_family>,
}

// SAFETY: The family is the kernel's, and this only points at it.
unsafe impl Send for Channel {}

// SAFETY: As above; the pointer is atomic.
unsafe impl Sync for Channel {}

impl Channel {
    /// One that nobody listens to.
    pub(crate) fn new() -> Self {
        // INVARIANT: Null.
        Self {
            family: Atomic::<*mut bindings::genl_family>::new(ptr::null_mut()),
        }
    }

    /// # Safety
    ///
    /// `family` is registered, and stays so until [`Channel::close`] has returned.
    pub(super) unsafe fn open(&self, family: *mut bindings::genl_family) {
        // INVARIANT: The caller gives it.
        self.family.store(family, Release);
    }

    /// Nobody listens any more. Process context, waits for a grace period.
    pub(super) fn close(&self) {
        self.family.store(ptr::null_mut(), Release);
        // SAFETY: May be called in process context.
        unsafe { bindings::synchronize_rcu() };
    }

    /// Sends what `fill` writes about the namespace `about` to the first group of the family.
    /// `fill` gets the namespace whose listeners will read it.
    ///
    /// Any context but hard interrupts; does not sleep, and neither must `fill`. Costs next to
    /// nothing when nobody listens anywhere. A listener that misses a message for want of memory,
    /// its own or the kernel's, learns of it by `ENOBUFS` from its socket.
    pub(crate) fn send(
        &self,
        about: &Net,
        command: u8,
        fill: impl Fn(&mut Writer<'_>, &Net) -> Result,
    ) {
        let guard = rcu::read_lock();
        let Some(family) = NonNull::new(self.family.load(Acquire)) else {
            return;
        };
        // SAFETY: By the invariant the family is registered as long as the guard lives.
        let group = unsafe { (*family.as_ptr()).mcgrp_offset };
        // SAFETY: A namespace has its socket from before any subsystem's `init` to after its
        // `exit`. The listeners of all namespaces are counted together.
        let heard =
            unsafe { bindings::netlink_has_listeners((*about.as_raw()).genl_sock, group) != 0 };
        if !heard {
            return;
        }
        // Most namespaces have no id for this one, so that one message serves them all.
        let mut common = None;
        for net in Net::all(&guard) {
            let build = || Message::new(family, command, |writer| fill(writer, net));
            let message = match net.nsid_of(about) {
                Some(_) => build(),
                None => common
                    .get_or_insert_with(build)
                    .as_ref()
                    .map(Message::share)
                    .map_err(|&error| error),
            };
            match message {
                Ok(message) => message.multicast(net, about, group),
                // As if their sockets' buffers were full. Without a message there is nobody to ask
                // who may see it, so all are told that there may have been one.
                Err(_) => tell_of_loss(net, group),
            }
        }
    }
}

/// Lets every listener in `net` know that it may have missed a message.
fn tell_of_loss(net: &Net, group: u32) {
    // SAFETY: `net` was found under RCU, so that it has its socket.
    unsafe {
        bindings::netlink_set_err(
            (*net.as_raw()).genl_sock,
            0,
            group,
            -(bindings::ENOBUFS as c_int),
        )
    };
}

/// A message that is complete.
///
/// # Invariants
///
/// `skb` is a whole message, of which one reference is ours.
struct Message {
    skb: NonNull<bindings::sk_buff>,
}

/// Room in a message. It is about as much as is used, so that it is not copied to save memory.
const ROOM: usize = 192;

impl Message {
    fn new(
        family: NonNull<bindings::genl_family>,
        command: u8,
        fill: impl FnOnce(&mut Writer<'_>) -> Result,
    ) -> Result<Self> {
        // SAFETY: Any size may be asked for.
        let skb = unsafe { shim::pernet_shim_genlmsg_new(ROOM, bindings::GFP_ATOMIC) };
        let skb = NonNull::new(skb).ok_or(ENOMEM)?;
        // INVARIANT: Ours; dropped if it does not become whole.
        let message = Self { skb };
        // SAFETY: The message is new and ours, the family is registered.
        let header =
            unsafe { bindings::genlmsg_put(skb.as_ptr(), 0, 0, family.as_ptr(), 0, command) };
        if header.is_null() {
            return Err(EMSGSIZE);
        }
        // SAFETY: Nobody else has the message yet.
        unsafe { Writer::append(skb, fill)? };
        // SAFETY: `header` is that of this message.
        unsafe { shim::pernet_shim_genlmsg_end(skb.as_ptr(), header) };
        Ok(message)
    }

    /// Another reference to the same message.
    fn share(&self) -> Self {
        // SAFETY: Valid by the invariant.
        unsafe { shim::pernet_shim_skb_get(self.skb.as_ptr()) };
        // INVARIANT: The new reference is the other's.
        Self { skb: self.skb }
    }

    /// Delivers to the listeners in `net` that may see `about`.
    fn multicast(self, net: &Net, about: &Net, group: u32) {
        let mut audience = Audience {
            net: net.as_raw(),
            about: about.as_raw(),
        };
        let skb = core::mem::ManuallyDrop::new(self).skb;
        // SAFETY: `net` was found under RCU, so that it has its socket. The message passes to the
        // kernel; the audience is used during the call only.
        unsafe {
            shim::pernet_shim_nlmsg_multicast_filtered(
                (*net.as_raw()).genl_sock,
                skb.as_ptr(),
                group,
                not_for,
                (&raw mut audience).cast(),
            )
        };
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: The reference is ours by the invariant. This is not a drop of a packet.
        unsafe { shim::pernet_shim_consume_skb(self.skb.as_ptr()) };
    }
}

/// Who is to get a message: listeners in `net` that may see `about`.
struct Audience {
    net: *mut bindings::net,
    about: *mut bindings::net,
}

/// Whether a listener is to be passed over.
///
/// # Safety
///
/// Called by netlink as the filter of a multicast whose data is an [`Audience`] of valid
/// namespaces, with a socket that is on the list of listeners and cannot leave it meanwhile.
unsafe extern "C" fn not_for(
    listener: *mut bindings::sock,
    _skb: *mut bindings::sk_buff,
    audience: *mut c_void,
) -> c_int {
    // SAFETY: By the caller's promise.
    let Audience { net, about } = unsafe { ptr::read(audience.cast::<Audience>()) };
    // SAFETY: The listener is valid.
    let home = unsafe { shim::pernet_shim_sock_net(listener) };
    // Who listens to several namespaces gets it in its own only.
    if home != net.addr() {
        return 1;
    }
    if home == about.addr() {
        return 0;
    }
    // Not who the current process is, to whom something happened, but who opened the socket.
    // SAFETY: A listening socket has its file, or none if the kernel opened it; a namespace holds a
    // reference to its owner.
    let may_see = unsafe {
        let file = shim::pernet_shim_sock_file(listener);
        !file.is_null()
            && bindings::file_ns_capable(file, (*about).user_ns, bindings::CAP_NET_ADMIN as c_int)
    };
    c_int::from(!may_see)
}
