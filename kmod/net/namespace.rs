// SPDX-License-Identifier: GPL-2.0

//! Network namespaces.
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

use super::{
    compat::bindings,
    shim, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    error::from_err_ptr,
    prelude::*,
    sync::rcu,
    types::Opaque, //
};

/// A network namespace, `struct net`.
///
/// # Invariants
///
/// For as long as a `&'net Net` lives, no subsystem's `exit` runs for the namespace because it
/// died. The kernel gives this to whoever holds a reference, to RCU readers who found the namespace
/// in the kernel's list, and to every callback that runs on behalf of the namespace: its own
/// `init` to `exit`, notifications of its devices, its packets, its files.
#[repr(transparent)]
pub(crate) struct Net(Opaque<bindings::net>);

impl Net {
    /// Makes a reference from a C pointer.
    ///
    /// # Safety
    ///
    /// `net` is valid, and the type's invariant holds for it throughout `'net`.
    pub(super) unsafe fn from_raw<'net>(net: *const bindings::net) -> &'net Self {
        // SAFETY: `Net` is transparent over `struct net`; the caller answers for the rest.
        // INVARIANT: The caller gives it.
        unsafe { &*net.cast() }
    }

    pub(super) fn as_raw(&self) -> *mut bindings::net {
        self.0.get()
    }

    /// The namespace that an open descriptor of the current process refers to.
    ///
    /// Process context. Fails with `EBADF` for no descriptor, `EINVAL` for one of something else.
    pub(crate) fn from_fd(fd: i32) -> Result<NetRef> {
        // SAFETY: Any number may be asked for; the answer is an error or an owned reference.
        let net = from_err_ptr(unsafe { bindings::get_net_ns_by_fd(fd) })?;
        // SAFETY: See above.
        unsafe { NetRef::from_owned(net) }.ok_or(EINVAL)
    }

    /// The namespace of a process, by its pid in the current process' pid namespace.
    ///
    /// Process context. Fails with `ESRCH` when there is no such process.
    pub(crate) fn from_pid(pid: i32) -> Result<NetRef> {
        // SAFETY: Any number may be asked for; the answer is an error or an owned reference.
        let net = from_err_ptr(unsafe { bindings::get_net_ns_by_pid(pid) })?;
        // SAFETY: See above.
        unsafe { NetRef::from_owned(net) }.ok_or(ESRCH)
    }

    /// The namespace that has the id `nsid` in this one. Any context.
    pub(crate) fn peer(&self, nsid: i32) -> Option<NetRef> {
        // SAFETY: `self` is valid; the answer is null or an owned reference.
        unsafe { NetRef::from_owned(bindings::get_net_ns_by_id(self.as_raw(), nsid)) }
    }

    /// The id that `peer` has in this namespace, where one was assigned. Any context.
    pub(crate) fn nsid_of(&self, peer: &Net) -> Option<i32> {
        // SAFETY: Both are valid.
        let nsid = unsafe { bindings::peernet2id(self.as_raw(), peer.as_raw()) };
        (nsid >= 0).then_some(nsid)
    }

    /// A reference, unless the namespace is already on its way out.
    ///
    /// What was found under RCU needs this before it is used outside. Any context. C:
    /// `maybe_get_net()`.
    pub(crate) fn maybe_get(&self) -> Option<NetRef> {
        // SAFETY: `self` is valid; the answer is null or an owned reference.
        unsafe { NetRef::from_owned(shim::pernet_shim_maybe_get_net(self.as_raw())) }
    }

    /// The identity: unique since boot and never reused. The value of `SO_NETNS_COOKIE`. Any context.
    pub(crate) fn cookie(&self) -> u64 {
        // SAFETY: Set before any subsystem's `init`, then constant.
        unsafe { (*self.as_raw()).net_cookie }
    }

    /// The inode number in nsfs. Any context.
    pub(crate) fn inode(&self) -> u32 {
        // SAFETY: Set before any subsystem's `init`, then constant.
        unsafe { shim::pernet_shim_net_inode(self.as_raw()) }
    }

    /// The inode number in nsfs of the user namespace that owns this one. Any context.
    pub(crate) fn user_ns_inode(&self) -> u32 {
        // SAFETY: A namespace holds a reference to its owner, the same one all its life.
        unsafe { shim::pernet_shim_net_user_ns_inode(self.as_raw()) }
    }

    /// Whether the current process has `CAP_NET_ADMIN` in the user namespace that owns this one.
    /// Process context.
    pub(crate) fn is_administrable(&self) -> bool {
        // SAFETY: A namespace holds a reference to its owner, the same one all its life.
        unsafe { bindings::ns_capable((*self.as_raw()).user_ns, bindings::CAP_NET_ADMIN as c_int) }
    }

    /// Tells namespaces apart while they exist. Any context.
    pub(super) fn address(&self) -> usize {
        self.as_raw().addr()
    }

    /// Whether the kernel lists the namespace already, which it does once every `init` went well.
    /// Any context.
    ///
    /// In `init` this tells a namespace that is older than the registration from one in the making.
    pub(crate) fn is_listed(&self) -> bool {
        // SAFETY: The namespace is zeroed when made and linked under `net_rwsem`; neither can
        // happen while `init` runs for it, nor is the answer more than a snapshot elsewhere.
        !unsafe { ptr::read_volatile(&raw const (*self.as_raw()).list.next) }.is_null()
    }

    /// All namespaces, in the order in which they were made, under RCU.
    ///
    /// New ones join at the end and any of them may leave at any time. Any context.
    pub(super) fn all(_guard: &rcu::Guard) -> All<'_> {
        // INVARIANT: This is the head.
        All {
            at: &raw const bindings::net_namespace_list,
            _guard: PhantomData,
        }
    }
}

impl PartialEq for Net {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

/// A counted reference to a namespace: it stays alive while this does.
///
/// [`Net`] itself is no [`AlwaysRefCounted`](kernel::sync::aref::AlwaysRefCounted): a namespace
/// borrowed under RCU or in a callback may have no references any more, see [`Net::maybe_get`].
///
/// # Invariants
///
/// Owns one reference to the namespace.
pub(crate) struct NetRef(NonNull<Net>);

impl NetRef {
    /// Takes over a reference that a kernel function returned; null means there is none.
    ///
    /// # Safety
    ///
    /// `net` is null, or the caller owns one reference to it and gives it up.
    unsafe fn from_owned(net: *mut bindings::net) -> Option<Self> {
        // INVARIANT: The caller's reference is ours now.
        NonNull::new(net.cast()).map(Self)
    }
}

impl Deref for NetRef {
    type Target = Net;

    fn deref(&self) -> &Net {
        // SAFETY: By the invariant the namespace is valid, and with a reference it does not die.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for NetRef {
    fn drop(&mut self) {
        // SAFETY: By the invariant the reference is ours to give back.
        unsafe { shim::pernet_shim_put_net(self.as_raw()) };
    }
}

// SAFETY: Any thread may use a namespace and drop a reference to it.
unsafe impl Send for Net {}

// SAFETY: Shared access reads what is constant or what C code synchronises.
unsafe impl Sync for Net {}

/// Iterator over all namespaces, from [`Net::all`].
///
/// # Invariants
///
/// `at` is the kernel's list head or the link of a namespace seen under the guard of `'rcu`.
pub(super) struct All<'rcu> {
    at: *const bindings::list_head,
    _guard: PhantomData<&'rcu rcu::Guard>,
}

impl<'rcu> Iterator for All<'rcu> {
    type Item = &'rcu Net;

    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: By the invariant the link is valid; writers publish with `list_add_tail_rcu()`
        // and `list_del_rcu()`, so one volatile load, as in `rcu_dereference()`, reads a link that
        // stays valid under the guard.
        let next = unsafe { ptr::read_volatile(&raw const (*self.at).next) };
        if ptr::eq(next, &raw const bindings::net_namespace_list) {
            return None;
        }
        // INVARIANT: `next` was just seen under the guard.
        self.at = next;
        // SAFETY: All links but the head are in a `struct net`. The kernel waits for RCU readers
        // between taking a namespace off the list and its subsystems' `exit`.
        Some(unsafe { Net::from_raw(kernel::container_of!(next, bindings::net, list)) })
    }
}
