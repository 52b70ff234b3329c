// SPDX-License-Identifier: GPL-2.0

//! State per network namespace: `pernet_operations` and `net_generic()`.
//!
//! The kernel allocates a zeroed slot in every namespace and calls `init`, `pre_exit` and `exit`
//! for each; see `ops_init()` and `ops_undo_list()` in
//! [`net/core/net_namespace.c`](srctree/net/core/net_namespace.c).
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h),
//! [`include/net/netns/generic.h`](srctree/include/net/netns/generic.h)

use super::{
    namespace::Net,
    shim, //
};
use core::{
    cell::UnsafeCell,
    mem::{
        align_of,
        size_of,
        MaybeUninit, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release, //
    },
    types::{
        CovariantForLt,
        ForLt,
        Opaque, //
    },
};

/// A subsystem that has something of its own in every network namespace.
pub(crate) trait Operations: Send + Sync + Sized + 'static {
    /// What it has: a type with the lifetime of the namespace as parameter, so that it may hold
    /// registrations made in that namespace.
    type State: CovariantForLt;

    /// Where the kernel notes the number of this subsystem's slots.
    fn id() -> &'static Id;

    /// Makes the state for a namespace that is being made, or that exists when the subsystem
    /// registers.
    ///
    /// Process context, may sleep. An error makes the creation of the namespace fail, for whoever
    /// asked for it, or the registration.
    fn init<'net>(&self, net: &'net Net) -> Result<<Self::State as ForLt>::Of<'net>>;

    /// Takes the state out of everybody's sight: after this and a grace period of RCU it is
    /// dropped.
    ///
    /// Process context, may sleep. Namespaces die in batches, one grace period for all: waiting
    /// for one in here would make each of them wait.
    fn pre_exit<'a>(state: &'a <Self::State as ForLt>::Of<'a>);

    /// The last look at the state, which nobody else sees any more, before it is dropped.
    ///
    /// Process context, may sleep.
    fn exit<'a>(&self, net: &'a Net, state: &'a <Self::State as ForLt>::Of<'a>);
}

/// The number of a subsystem's slots, and how often namespaces came and went.
///
/// A static, because the kernel's callbacks name nothing but the namespace.
pub(crate) struct Id {
    /// Written by the kernel under `pernet_ops_rwsem` before the first `init`, read by callbacks
    /// and through a [`Registration`], which both come later.
    number: UnsafeCell<c_uint>,
    /// The [`Operations`] that are registered: written by who has claimed the id, before it
    /// registers them, and read by the callbacks.
    operations: UnsafeCell<*const c_void>,
    claimed: Atomic<bool>,
    generation: Atomic<u32>,
}

// SAFETY: The cells are written before anybody may read them, see there; the rest is atomic. What
// `operations` points at may be shared.
unsafe impl Sync for Id {}

impl Id {
    /// An id that no registration has claimed yet.
    pub(crate) const fn new() -> Self {
        Self {
            number: UnsafeCell::new(0),
            operations: UnsafeCell::new(ptr::null()),
            claimed: Atomic::<bool>::new(false),
            generation: Atomic::<u32>::new(1),
        }
    }
}

/// What `net_generic()` points at. All zeroes is a valid slot that is not live.
struct Slot<S> {
    live: Atomic<bool>,
    state: MaybeUninit<S>,
}

type SlotOf<O> = Slot<<<O as Operations>::State as ForLt>::Of<'static>>;

/// The slot of a subsystem in `net`.
///
/// # Safety
///
/// `O` is registered, or registering and past the kernel's choice of the number.
unsafe fn slot<O: Operations>(net: &Net) -> Option<NonNull<SlotOf<O>>> {
    // SAFETY: By the caller's promise the number was chosen and does not change.
    let number = unsafe { *O::id().number.get() };
    // SAFETY: `net` is valid and `number` that of a registered subsystem.
    NonNull::new(unsafe { shim::pernet_shim_net_generic(net.as_raw(), number) }.cast())
}

/// A registered subsystem. Dropping it takes the state out of every namespace.
///
/// # Invariants
///
/// `ops` is registered with the kernel, and `O::id()` claimed by it and pointing at `operations`.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<O: Operations> {
    #[pin]
    ops: Opaque<bindings::pernet_operations>,
    operations: KBox<O>,
}

// SAFETY: The operations are not touched between registration and drop, and what `get()` lends is
// shared between threads only if the state may be.
unsafe impl<O: Operations> Sync for Registration<O> where
    <O::State as ForLt>::Of<'static>: Send + Sync
{
}

// SAFETY: Any thread may unregister.
unsafe impl<O: Operations> Send for Registration<O> where
    <O::State as ForLt>::Of<'static>: Send + Sync
{
}

impl<O: Operations> Registration<O>
where
    <O::State as ForLt>::Of<'static>: Send + Sync,
{
    /// Registers the subsystem: `init` runs for every namespace there is.
    ///
    /// Process context. Fails with `EBUSY` when it is registered already, or with the error of an
    /// `init`, after undoing the others.
    pub(crate) fn new(operations: KBox<O>) -> impl PinInit<Self, Error> {
        // The kernel aligns slots as `kmalloc()` does.
        const { assert!(align_of::<SlotOf<O>>() <= align_of::<u64>()) };

        let context = (&raw const *operations).cast();
        try_pin_init!(Self {
            operations,
            ops <- Opaque::try_ffi_init(|ops: *mut bindings::pernet_operations| {
                O::id()
                    .claimed
                    .cmpxchg(false, true, Full)
                    .map_err(|_| EBUSY)?;
                // SAFETY: The id is claimed by us alone, and its callbacks are not registered yet.
                unsafe { *O::id().operations.get() = context };
                // SAFETY: `ops` is ours to write and stays where it is until `drop()`.
                unsafe {
                    ops.write(bindings::pernet_operations {
                        init: Some(init_callback::<O>),
                        pre_exit: Some(pre_exit_callback::<O>),
                        exit: Some(exit_callback::<O>),
                        id: O::id().number.get(),
                        size: size_of::<SlotOf<O>>(),
                        ..Default::default()
                    })
                };
                // INVARIANT: Registered and claimed if this succeeds.
                // SAFETY: `ops` is complete, and its callbacks hold to the kernel's order of calls.
                to_result(unsafe { bindings::register_pernet_subsys(ops) })
                    .inspect_err(|_| O::id().claimed.store(false, Release))
            }),
        })
    }

    /// The state in `net`: none while it is being made, and none from `pre_exit` on.
    ///
    /// Any context.
    pub(crate) fn get<'a>(&'a self, net: &'a Net) -> Option<&'a <O::State as ForLt>::Of<'a>> {
        // SAFETY: `self` is registered.
        let slot = unsafe { slot::<O>(net)?.as_ref() };
        if !slot.live.load(Acquire) {
            return None;
        }
        // SAFETY: A live slot holds a state. `exit` drops it neither while `net` is borrowed nor
        // while `self` is.
        let state = unsafe { slot.state.assume_init_ref() };
        Some(O::State::cast_ref(state))
    }

    /// What was registered.
    pub(crate) fn operations(&self) -> &O {
        &self.operations
    }

    /// A number that changes whenever a namespace comes or goes. Any context.
    pub(crate) fn generation(&self) -> u32 {
        O::id().generation.load(Acquire)
    }
}

#[pinned_drop]
impl<O: Operations> PinnedDrop for Registration<O> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered by the invariant, and nothing of a state is borrowed any more: that
        // needs a borrow of `self`.
        unsafe { bindings::unregister_pernet_subsys(self.ops.get()) };
        O::id().claimed.store(false, Release);
    }
}

/// # Safety
///
/// Called by the kernel as `pernet_operations::init`.
unsafe extern "C" fn init_callback<O: Operations>(net: *mut bindings::net) -> c_int {
    from_result(|| {
        // SAFETY: `exit` is not called before this returned, and the state, which may keep this
        // borrow, is dropped by `exit`.
        let net = unsafe { Net::from_raw::<'static>(net) };
        // SAFETY: Set before the registration, which outlives its callbacks and owns it.
        let operations = unsafe { &*(*O::id().operations.get()).cast::<O>() };
        let state = operations.init(net)?;
        // SAFETY: The kernel chose the number and allocated the slot before this call.
        let slot = unsafe { slot::<O>(net) }.ok_or(ENOENT)?.as_ptr();
        // SAFETY: Nobody else writes to the slot, and nobody reads the state before it is live.
        unsafe {
            (*slot).state.write(state);
            (*slot).live.store(true, Release);
        }
        O::id().generation.fetch_add(1, Release);
        Ok(0)
    })
}

/// # Safety
///
/// Called by the kernel as `pernet_operations::pre_exit`.
unsafe extern "C" fn pre_exit_callback<O: Operations>(net: *mut bindings::net) {
    // SAFETY: `exit` is called after this returned.
    let net = unsafe { Net::from_raw(net) };
    O::id().generation.fetch_add(1, Release);
    // SAFETY: `exit`, which ends the registration of this namespace, comes later.
    let Some(slot) = (unsafe { slot::<O>(net) }) else {
        return;
    };
    // SAFETY: The slot is freed after `exit`.
    let slot = unsafe { slot.as_ref() };
    if slot.live.load(Relaxed) {
        slot.live.store(false, Relaxed);
        // SAFETY: The slot was live, so there is a state, and `exit` comes later.
        O::pre_exit(O::State::cast_ref(unsafe { slot.state.assume_init_ref() }));
    }
}

/// # Safety
///
/// Called by the kernel as `pernet_operations::exit`.
unsafe extern "C" fn exit_callback<O: Operations>(net: *mut bindings::net) {
    // SAFETY: The slot is freed after this returned.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: As above.
    if let Some(slot) = unsafe { slot::<O>(net) } {
        // SAFETY: Set before the registration, which outlives its callbacks and owns it.
        let operations = unsafe { &*(*O::id().operations.get()).cast::<O>() };
        // SAFETY: `exit` is called only where `init` succeeded, so there is a state.
        let state = unsafe { (*slot.as_ptr()).state.assume_init_ref() };
        operations.exit(net, O::State::cast_ref(state));
        // SAFETY: As above. Since `pre_exit` nobody new finds it and the kernel waited for RCU readers, so it is unshared.
        unsafe { (*slot.as_ptr()).state.assume_init_drop() };
    }
}
