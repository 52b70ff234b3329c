// SPDX-License-Identifier: GPL-2.0

//! Generic netlink families with operations.
//!
//! The kernel crate's own `net::netlink` has families that only multicast, and into the initial
//! namespace; this one answers requests, in whatever namespace they come from.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

mod dump;
mod request;

use super::{
    compat::bindings,
    fixed::Fixed,
    multicast::{
        Channel,
        Group, //
    },
    netlink::Policy, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
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
            Atomic,
            Full,
            Release, //
        },
        Arc,
        ArcBorrow, //
    },
    types::Opaque,
};

pub(crate) use dump::{
    Dump,
    Part, //
};
pub(crate) use request::Request;

/// A family, as the context that its operations work with.
pub(crate) trait Family: Send + Sync + Sized + 'static {
    /// Where the kernel finds it.
    const STORAGE: Fixed<Storage>;
    /// The name that user space finds it by, below 16 bytes.
    const NAME: &'static CStr;
    /// The version in its messages.
    const VERSION: u8;
    /// What it can do.
    const OPERATIONS: &'static [Operation<Self>];
    /// The groups that it multicasts to.
    const GROUPS: &'static [Group];
}

/// An operation that answers one request with one message.
pub(crate) trait Do<const ATTRS: usize> {
    /// The family it is of.
    type Family: Family;
    /// The command that asks for it.
    const COMMAND: u8;
    /// The attributes it takes.
    const POLICY: &'static Policy<ATTRS>;

    /// Process context, may sleep; several requests may be served at once.
    fn run(family: &Self::Family, request: &Request<'_>) -> Result;
}

/// An entry in a family's table of operations.
#[repr(transparent)]
pub(crate) struct Operation<F>(bindings::genl_split_ops, PhantomData<fn() -> F>);

impl<F: Family> Operation<F> {
    /// The entry of a [`Do`].
    pub(crate) const fn new_do<const ATTRS: usize, D: Do<ATTRS, Family = F>>() -> Self {
        const { assert!(ATTRS > 0) };

        let mut ops: bindings::genl_split_ops = pin_init::zeroed();
        ops.__bindgen_anon_1.__bindgen_anon_1 =
            bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_1 {
                pre_doit: None,
                doit: Some(do_callback::<ATTRS, D>),
                post_doit: None,
            };
        ops.policy = D::POLICY.as_ptr();
        ops.maxattr = (ATTRS - 1) as u32;
        ops.cmd = D::COMMAND;
        ops.flags = bindings::GENL_CMD_CAP_DO as u8;
        Self(ops, PhantomData)
    }

    /// The entry of a [`Dump`].
    pub(crate) const fn new_dump<const ATTRS: usize, D: Dump<ATTRS, Family = F>>() -> Self {
        const { assert!(ATTRS > 0) };

        let mut ops: bindings::genl_split_ops = pin_init::zeroed();
        ops.__bindgen_anon_1.__bindgen_anon_2 = dump::callbacks::<ATTRS, D>();
        ops.policy = D::POLICY.as_ptr();
        ops.maxattr = (ATTRS - 1) as u32;
        ops.cmd = D::COMMAND;
        ops.flags = bindings::GENL_CMD_CAP_DUMP as u8;
        Self(ops, PhantomData)
    }
}

/// Memory for a family that is there as long as the module is. A dump that is under way looks at the
/// family between its parts, also after it was unregistered; it keeps the module, and so this.
pub(crate) struct Storage {
    family: Opaque<bindings::genl_family>,
    /// The context: written by who has claimed the storage, before it registers the family, and
    /// read by operations until it is unregistered.
    context: UnsafeCell<*const c_void>,
    claimed: Atomic<bool>,
}

// SAFETY: The kernel synchronises its use of the family. The context is written before anybody may
// read it, see there, and may be shared; the flag is atomic.
unsafe impl Sync for Storage {}

impl Storage {
    /// One that no registration has claimed yet.
    pub(crate) const fn new() -> Self {
        Self {
            family: Opaque::uninit(),
            context: UnsafeCell::new(ptr::null()),
            claimed: Atomic::<bool>::new(false),
        }
    }

    /// The storage of the family that `info` names.
    ///
    /// # Safety
    ///
    /// `info` is that of a request to a family registered by a [`Registration`].
    unsafe fn of(info: *const bindings::genl_info) -> &'static Self {
        // SAFETY: By the caller's promise `info` is valid.
        let family = unsafe { (*info).family }.cast::<Opaque<bindings::genl_family>>();
        // SAFETY: By the caller's promise the family is in a storage, and these are statics.
        unsafe { &*kernel::container_of!(family, Self, family) }
    }
}

/// A registered family. Dropping it unregisters it, waiting for requests that are being served.
///
/// A dump that is under way goes on, and keeps the context, until its reader has seen the end. It
/// also keeps the module from being unloaded, but cannot keep it from failing to load: register
/// families last.
///
/// # Invariants
///
/// `F::STORAGE` is claimed by this and points at `context`, its family is registered with the
/// kernel, and `channel` is open to it.
pub(crate) struct Registration<F: Family> {
    channel: Arc<Channel>,
    _context: Arc<F>,
}

impl<F: Family> Registration<F> {
    /// Registers a family, visible in every namespace, and lets `channel` reach its listeners.
    ///
    /// Process context. Fails with `EBUSY` if it was registered before, even if that has ended,
    /// with `ENOMEM`, with `EINVAL` where what it says of itself is not in order, and with
    /// `EEXIST` for a name that is taken.
    pub(crate) fn new(
        module: &'static ThisModule,
        context: F,
        channel: Arc<Channel>,
    ) -> Result<Self> {
        let described = Self::describe(module)?;
        let context = Arc::new(context, GFP_KERNEL)?;
        F::STORAGE
            .get()
            .claimed
            .cmpxchg(false, true, Full)
            .map_err(|_| EBUSY)?;
        let family = F::STORAGE.get().family.get();
        // SAFETY: The storage is claimed by us alone, and nothing in it is registered yet.
        unsafe {
            family.write(described);
            *F::STORAGE.get().context.get() = Arc::as_ptr(&context).cast();
        }
        // SAFETY: The family is complete, and stays where it is.
        to_result(unsafe { bindings::genl_register_family(family) })
            .inspect_err(|_| F::STORAGE.get().claimed.store(false, Release))?;
        // SAFETY: Registered, and `drop()` closes the channel before that ends.
        unsafe { channel.open(family) };
        // INVARIANT: Claimed, registered and open. The claim is never given up: a dump may look at
        // the family at any time later.
        Ok(Self {
            channel,
            _context: context,
        })
    }

    fn describe(module: &'static ThisModule) -> Result<bindings::genl_family> {
        let mut family = bindings::genl_family {
            version: F::VERSION.into(),
            module: module.as_ptr(),
            split_ops: F::OPERATIONS.as_ptr().cast(),
            n_split_ops: u8::try_from(F::OPERATIONS.len())?,
            mcgrps: F::GROUPS.as_ptr().cast(),
            n_mcgrps: u8::try_from(F::GROUPS.len())?,
            // Everything is strict: reserved fields are zero, and without a policy nothing goes.
            resv_start_op: 0,
            ..Default::default()
        };
        family.set_netnsok(1);
        family.set_parallel_ops(1);
        let name = F::NAME.to_bytes_with_nul();
        family
            .name
            .get_mut(..name.len())
            .ok_or(EINVAL)?
            .copy_from_slice(name);
        Ok(family)
    }
}

impl<F: Family> Drop for Registration<F> {
    fn drop(&mut self) {
        self.channel.close();
        // SAFETY: Registered by the invariant. It fails only for a family that is not.
        unsafe { bindings::genl_unregister_family(F::STORAGE.get().family.get()) };
    }
}

/// The context of a family.
///
/// # Safety
///
/// Called while the kernel serves or begins to serve a request to the registered `F`, whose `info`
/// this is.
unsafe fn context<'a, F: Family>(info: *const bindings::genl_info) -> ArcBorrow<'a, F> {
    // SAFETY: By the caller's promise it was written, and `drop()` of the registration, which holds
    // it, waits for the request.
    unsafe { ArcBorrow::from_raw((*Storage::of(info).context.get()).cast()) }
}

/// # Safety
///
/// Called by the kernel as `genl_split_ops::doit` of a family registered for `D::Family`.
unsafe extern "C" fn do_callback<const ATTRS: usize, D: Do<ATTRS>>(
    skb: *mut bindings::sk_buff,
    info: *mut bindings::genl_info,
) -> c_int {
    from_result(|| {
        // SAFETY: The kernel gives the request and its family, after checking it against the
        // policy of `D`.
        let (family, request) = unsafe {
            (
                context::<D::Family>(info),
                Request::from_raw(skb, info, ATTRS)?,
            )
        };
        D::run(&family, &request)?;
        Ok(0)
    })
}
