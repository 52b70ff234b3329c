// SPDX-License-Identifier: GPL-2.0

//! Generic netlink families with operations.
//!
//! The kernel crate's own `net::netlink` has families that only multicast, and into the initial
//! namespace; this one answers requests, in whatever namespace they come from.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

mod dump;

use super::{
    multicast::{
        Channel,
        Group, //
    },
    namespace::Net,
    netlink::{
        Attributes,
        Policy,
        Writer, //
    },
    shim,
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
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

/// A family, as the context that its operations work with.
pub(crate) trait Family: Send + Sync + Sized + 'static {
    /// Where the kernel finds it.
    const STORAGE: &'static Storage;
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

/// No message may be longer than this, headers included. User space has more room than that: dumps
/// are twice as long where the reader lets them.
pub(crate) const LONGEST: u32 = 16 * 1024;

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
            .claimed
            .cmpxchg(false, true, Full)
            .map_err(|_| EBUSY)?;
        let family = F::STORAGE.family.get();
        // SAFETY: The storage is claimed by us alone, and nothing in it is registered yet.
        unsafe {
            family.write(described);
            *F::STORAGE.context.get() = Arc::as_ptr(&context).cast();
        }
        // SAFETY: The family is complete, and stays where it is.
        to_result(unsafe { bindings::genl_register_family(family) })
            .inspect_err(|_| F::STORAGE.claimed.store(false, Release))?;
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
        unsafe { bindings::genl_unregister_family(F::STORAGE.family.get()) };
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

/// A request that is being served.
///
/// # Invariants
///
/// `skb` and `info` are those of a request that lasts for `'a`.
pub(crate) struct Request<'a> {
    skb: NonNull<bindings::sk_buff>,
    info: NonNull<bindings::genl_info>,
    attributes: Attributes<'a>,
}

impl<'a> Request<'a> {
    /// # Safety
    ///
    /// As the type's invariant says; the attributes were checked against a policy of `attrs`
    /// entries.
    unsafe fn from_raw(
        skb: *mut bindings::sk_buff,
        info: *const bindings::genl_info,
        attrs: usize,
    ) -> Result<Self> {
        let info = NonNull::new(info.cast_mut()).ok_or(EINVAL)?;
        // INVARIANT: The caller gives it.
        Ok(Self {
            skb: NonNull::new(skb).ok_or(EINVAL)?,
            info,
            // SAFETY: The kernel makes a table of as many entries as the policy, or none.
            attributes: unsafe { Attributes::from_raw(info.as_ref().attrs, attrs) },
        })
    }

    /// The namespace of the asking socket.
    pub(crate) fn net(&self) -> &'a Net {
        // SAFETY: `info` is valid, and the socket holds a reference to its namespace.
        unsafe { Net::from_raw(shim::pernet_shim_genl_info_net(self.info.as_ptr())) }
    }

    /// What the request carries.
    pub(crate) fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }

    /// Whether who opened the socket and the current process both have `CAP_NET_ADMIN` in the user
    /// namespace that owns `net`.
    pub(crate) fn is_admin_of(&self, net: &Net) -> bool {
        // SAFETY: The request and `net` are valid, and so is the owner of `net`.
        unsafe {
            bindings::netlink_ns_capable(
                self.skb.as_ptr(),
                (*net.as_raw()).user_ns,
                bindings::CAP_NET_ADMIN as c_int,
            )
        }
    }

    /// Notes for the sender what is wrong, and where if `attr` is given, and returns the error.
    /// C: `NL_SET_ERR_MSG_ATTR()`.
    pub(crate) fn refuse(&self, error: Error, attr: Option<u16>, why: &'static CStr) -> Error {
        let bad = attr.and_then(|attr| self.attributes.get(attr));
        // SAFETY: `info` is valid; its `extack` is null or ours to write while the request lasts.
        if let Some(extack) = unsafe { self.info.as_ref().extack.as_mut() } {
            extack._msg = why.as_char_ptr();
            if let Some(bad) = bad {
                extack.bad_attr = bad.as_raw();
            }
        }
        error
    }

    /// Answers with one message, which `fill` writes: more than once where it is a long one.
    /// Process context, may sleep. Fails with `EMSGSIZE` above [`LONGEST`] bytes.
    pub(crate) fn reply(&self, mut fill: impl FnMut(&mut Writer<'_>) -> Result) -> Result {
        match self.reply_within(bindings::GENLMSG_DEFAULT_SIZE, &mut fill) {
            Err(EMSGSIZE) => self.reply_within(LONGEST as usize, &mut fill),
            result => result,
        }
    }

    fn reply_within(&self, size: usize, fill: impl FnOnce(&mut Writer<'_>) -> Result) -> Result {
        // SAFETY: Any size may be asked for.
        let skb = unsafe { bindings::genlmsg_new(size, bindings::GFP_KERNEL) };
        let skb = NonNull::new(skb).ok_or(ENOMEM)?;
        // SAFETY: The message is new and ours, and `self` is the request that it answers.
        let written = unsafe { write_message(skb, self.info.as_ref(), 0, |_| (), fill) };
        if let Err(error) = written {
            // SAFETY: The message is still ours.
            unsafe { bindings::nlmsg_free(skb.as_ptr()) };
            return Err(error);
        }
        // SAFETY: The message is complete, and passes to the socket also on an error.
        to_result(unsafe { shim::pernet_shim_genlmsg_reply(skb.as_ptr(), self.info.as_ptr()) })
    }
}

/// Writes one message: header, `checked` on the header, attributes.
///
/// # Safety
///
/// `skb` is a netlink message that nobody else uses, and `info` a request.
unsafe fn write_message(
    skb: NonNull<bindings::sk_buff>,
    info: &bindings::genl_info,
    flags: c_int,
    checked: impl FnOnce(*mut c_void),
    fill: impl FnOnce(&mut Writer<'_>) -> Result,
) -> Result {
    // SAFETY: By the caller's promise all of these are valid; the family is that of the request.
    let header = unsafe {
        bindings::genlmsg_put(
            skb.as_ptr(),
            info.snd_portid,
            info.snd_seq,
            info.family,
            flags,
            (*info.genlhdr).cmd,
        )
    };
    if header.is_null() {
        return Err(EMSGSIZE);
    }
    checked(header);
    // SAFETY: By the caller's promise nobody else writes to the message.
    let written = fill(&mut unsafe { Writer::from_raw(skb) });
    // SAFETY: `header` is that of the message that was just begun.
    unsafe {
        match written {
            Ok(()) => bindings::genlmsg_end(skb.as_ptr(), header),
            Err(_) => bindings::genlmsg_cancel(skb.as_ptr(), header),
        }
    }
    written
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
