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
    compat::{
        bindings,
        CovariantForLt, //
    },
    fixed::Fixed,
    index::Index,
    namespace::Net,
    scope::Scope,
    shim, //
};
use core::{
    cell::UnsafeCell,
    ptr, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        rcu,
    },
    types::{
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
    const ID: Fixed<Id>;

    /// Makes the state for a namespace that is being made, or that exists when the subsystem
    /// registers. What is registered in the `scope` is removed before the state is dropped.
    ///
    /// Process context, may sleep. An error makes the creation of the namespace fail, for whoever
    /// asked for it, or the registration.
    fn init<'net>(&self, scope: &mut Scope<'net>) -> Result<<Self::State as ForLt>::Of<'net>>;

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

/// The number of a subsystem's slots, and the way from the kernel's callbacks to the subsystem.
///
/// A static, because the callbacks name nothing but the namespace.
pub(crate) struct Id {
    /// Written by the kernel under `pernet_ops_rwsem` before the first `init`, read by callbacks
    /// and through a [`Registration`], which both come later.
    number: UnsafeCell<c_uint>,
    /// The [`Subsystem`] that is registered: written by who has claimed the id, before it
    /// registers that, and read by the callbacks.
    subsystem: UnsafeCell<*const c_void>,
    claimed: Atomic<bool>,
}

// SAFETY: The cells are written before anybody may read them, see there; the flag is atomic. What
// `subsystem` points at may be shared.
unsafe impl Sync for Id {}

impl Id {
    /// An id that no registration has claimed yet.
    pub(crate) const fn new() -> Self {
        Self {
            number: UnsafeCell::new(0),
            subsystem: UnsafeCell::new(ptr::null()),
            claimed: Atomic::<bool>::new(false),
        }
    }
}

/// What the callbacks of a registration work with.
///
/// # Invariants
///
/// Each entry of `by_cookie` points at a namespace whose slot holds a state; it is taken away in
/// `pre_exit`.
#[pin_data]
struct Subsystem<O> {
    operations: O,
    #[pin]
    by_cookie: Index<Net>,
    generation: Atomic<u32>,
}

/// What `net_generic()` points at. All zeroes is a valid slot that is not live.
struct Slot<S> {
    live: Atomic<bool>,
    /// Written before the slot is live, and dropped a grace period after it was.
    held: Opaque<Held<S>>,
}

/// What a slot holds. The scope is dropped first, so that nothing calls for the state any more.
struct Held<S> {
    _scope: Scope<'static>,
    state: S,
}

type SlotOf<O> = Slot<<<O as Operations>::State as ForLt>::Of<'static>>;

/// The slot of a subsystem in `net`.
///
/// # Safety
///
/// `O` is registered, or registering and past the kernel's choice of the number.
unsafe fn slot<O: Operations>(net: &Net) -> Option<&SlotOf<O>> {
    // SAFETY: By the caller's promise the number was chosen and does not change.
    let number = unsafe { *O::ID.get().number.get() };
    // SAFETY: `net` is valid and `number` that of a registered subsystem. The slot is freed after
    // `exit`, and while `net` is borrowed that has not run or runs now.
    unsafe {
        shim::pernet_shim_net_generic(net.as_raw(), number)
            .cast::<SlotOf<O>>()
            .as_ref()
    }
}

/// A registered subsystem. Dropping it takes the state out of every namespace.
///
/// # Invariants
///
/// `ops` is registered with the kernel, and `O::ID` claimed by it and pointing at `subsystem`.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<O: Operations> {
    #[pin]
    ops: Opaque<bindings::pernet_operations>,
    subsystem: Pin<KBox<Subsystem<O>>>,
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
    /// Process context. Fails with `EBUSY` when it is registered already, with `ENOMEM`, or with
    /// the error of an `init`, after undoing the others.
    pub(crate) fn new(operations: O) -> impl PinInit<Self, Error> {
        // The kernel aligns slots as `kmalloc()` does.
        const { assert!(align_of::<SlotOf<O>>() <= align_of::<u64>()) };

        try_pin_init!(Self {
            subsystem: KBox::pin_init(
                pin_init!(Subsystem {
                    operations,
                    // INVARIANT: There are no entries.
                    by_cookie <- Index::new(),
                    generation: Atomic::<u32>::new(1),
                }),
                GFP_KERNEL
            )?,
            ops <- Self::register(ptr::from_ref(&**subsystem)),
        })
    }

    fn register(
        subsystem: *const Subsystem<O>,
    ) -> impl PinInit<Opaque<bindings::pernet_operations>, Error> {
        Opaque::try_ffi_init(move |ops: *mut bindings::pernet_operations| {
            O::ID
                .get()
                .claimed
                .cmpxchg(false, true, Full)
                .map_err(|_| EBUSY)?;
            // SAFETY: The id is claimed by us alone, and its callbacks are not registered yet.
            unsafe { *O::ID.get().subsystem.get() = subsystem.cast() };
            // SAFETY: `ops` is ours to write and stays where it is until `drop()`.
            unsafe {
                ops.write(bindings::pernet_operations {
                    init: Some(init_callback::<O>),
                    pre_exit: Some(pre_exit_callback::<O>),
                    exit: Some(exit_callback::<O>),
                    id: O::ID.get().number.get(),
                    size: size_of::<SlotOf<O>>(),
                    ..Default::default()
                })
            };
            // INVARIANT: Registered and claimed if this succeeds.
            // SAFETY: `ops` is complete, and its callbacks hold to the kernel's order of calls.
            to_result(unsafe { bindings::register_pernet_subsys(ops) })
                .inspect_err(|_| O::ID.get().claimed.store(false, Release))
        })
    }

    /// The state in `net`: none while it is being made, and none from `pre_exit` on.
    ///
    /// Any context.
    pub(crate) fn get<'a>(&'a self, net: &'a Net) -> Option<&'a <O::State as ForLt>::Of<'a>> {
        // SAFETY: `self` is registered.
        let slot = unsafe { slot::<O>(net) }?;
        if !slot.live.load(Acquire) {
            return None;
        }
        // SAFETY: A live slot holds a state. `exit` drops it neither while `net` is borrowed nor
        // while `self` is.
        let state = unsafe { &(*slot.held.get()).state };
        Some(O::State::cast_ref(state))
    }

    /// The namespace with this cookie. Any context.
    pub(crate) fn find<'a>(&'a self, cookie: u64, guard: &'a rcu::Guard) -> Option<&'a Net> {
        self.from(cookie, guard)
            .map(|(net, _)| net)
            .next()
            .filter(|net| net.cookie() == cookie)
    }

    /// The namespaces with cookies from this one on, in their order, each with its state. Those in
    /// the making are left out, as they are from the kernel's own list. Any context.
    ///
    /// Namespaces may come and go meanwhile. Those that do not are met once, however often the walk
    /// is broken off and begun again behind the last that it met.
    pub(crate) fn from<'a>(
        &'a self,
        cookie: u64,
        _guard: &'a rcu::Guard,
    ) -> impl Iterator<Item = (&'a Net, &'a <O::State as ForLt>::Of<'a>)> {
        let mut next = Some(cookie as usize);
        core::iter::from_fn(move || {
            let (at, net) = self.subsystem.by_cookie.at_or_above(next?)?;
            next = at.checked_add(1);
            // SAFETY: By the invariant of the index it was there a moment ago, so under the guard
            // the grace period before its `exit` does not pass.
            Some(unsafe { net.as_ref() })
        })
        .filter(|net| net.is_listed())
        .filter_map(|net| Some((net, self.get(net)?)))
    }

    /// What was registered.
    pub(crate) fn operations(&self) -> &O {
        &self.subsystem.operations
    }

    /// A number that is another one whenever namespaces came or went meanwhile. Any context.
    pub(crate) fn generation(&self) -> u32 {
        self.subsystem.generation.load(Acquire)
    }
}

#[pinned_drop]
impl<O: Operations> PinnedDrop for Registration<O> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered by the invariant, and nothing of a state is borrowed any more: that
        // needs a borrow of `self`.
        unsafe { bindings::unregister_pernet_subsys(self.ops.get()) };
        O::ID.get().claimed.store(false, Release);
    }
}

/// What was registered.
///
/// # Safety
///
/// Called by a callback of `O`'s registration.
unsafe fn subsystem<'a, O: Operations>() -> &'a Subsystem<O> {
    // SAFETY: Set before the registration, which outlives its callbacks and owns it.
    unsafe { &*(*O::ID.get().subsystem.get()).cast() }
}

/// # Safety
///
/// Called by the kernel as `pernet_operations::init`.
unsafe extern "C" fn init_callback<O: Operations>(net: *mut bindings::net) -> c_int {
    from_result(|| {
        // SAFETY: `exit` is not called before this returned, and the state and the scope, which
        // keep this borrow, are dropped by `exit` at the latest.
        let net = unsafe { Net::from_raw::<'static>(net) };
        // SAFETY: This is a callback of `O`.
        let subsystem = unsafe { subsystem::<O>() };
        // SAFETY: Dropped here on an error, else by `exit`.
        let mut scope = unsafe { Scope::new(net) };
        let state = subsystem.operations.init(&mut scope)?;
        // SAFETY: The kernel chose the number and allocated the slot before this call.
        let slot = unsafe { slot::<O>(net) }.ok_or(ENOENT)?;
        let held = Held {
            _scope: scope,
            state,
        };
        // SAFETY: Nobody looks at what a slot holds before it is live, so it is ours to write.
        unsafe { slot.held.get().write(held) };
        // INVARIANT: The slot holds a state.
        if let Err(error) = subsystem.by_cookie.set(net.cookie() as usize, net.into()) {
            // SAFETY: Just written, and not live.
            let state = unsafe { &(*slot.held.get()).state };
            subsystem.operations.exit(net, O::State::cast_ref(state));
            // SAFETY: As above.
            unsafe { slot.held.get().drop_in_place() };
            return Err(error);
        }
        slot.live.store(true, Release);
        subsystem.generation.fetch_add(1, Release);
        Ok(0)
    })
}

/// # Safety
///
/// Called by the kernel as `pernet_operations::pre_exit`.
unsafe extern "C" fn pre_exit_callback<O: Operations>(net: *mut bindings::net) {
    // SAFETY: `exit` is called after this returned.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: This is a callback of `O`.
    let subsystem = unsafe { subsystem::<O>() };
    subsystem.generation.fetch_add(1, Release);
    subsystem.by_cookie.clear(net.cookie() as usize);
    // SAFETY: `exit`, which ends the registration of this namespace, comes later.
    let Some(slot) = (unsafe { slot::<O>(net) }) else {
        return;
    };
    if slot.live.load(Relaxed) {
        slot.live.store(false, Relaxed);
        // SAFETY: The slot was live, so it holds a state, and `exit` comes later.
        O::pre_exit(O::State::cast_ref(unsafe { &(*slot.held.get()).state }));
    }
}

/// # Safety
///
/// Called by the kernel as `pernet_operations::exit`.
unsafe extern "C" fn exit_callback<O: Operations>(net: *mut bindings::net) {
    // SAFETY: The slot is freed after this returned.
    let net = unsafe { Net::from_raw(net) };
    // SAFETY: This is a callback of `O`.
    let subsystem = unsafe { subsystem::<O>() };
    // SAFETY: As above.
    if let Some(slot) = unsafe { slot::<O>(net) } {
        let held = slot.held.get();
        // SAFETY: `exit` is called only where `init` succeeded, so there is a state.
        let state = unsafe { &(*held).state };
        subsystem.operations.exit(net, O::State::cast_ref(state));
        // SAFETY: As above. Since `pre_exit` nobody new finds it, and the kernel waited for RCU
        // readers, so it is unshared.
        unsafe { held.drop_in_place() };
    }
}
