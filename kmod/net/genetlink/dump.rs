// SPDX-License-Identifier: GPL-2.0

//! Operations of a family that answer one request with many messages.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h)

use super::{
    super::{
        compat::bindings,
        netlink::{
            Policy,
            Writer, //
        },
        shim, //
    },
    context,
    request::{
        write_message,
        Request,
        LONGEST, //
    },
    Family, //
};
use core::ptr::NonNull;
use kernel::{
    error::from_result,
    prelude::*,
    sync::Arc, //
};

/// An operation that answers one request with many messages. A value of the type is one answer:
/// what is to be in it, and how far it has got.
pub(crate) trait Dump<const ATTRS: usize>: Sized + Send + 'static {
    /// The family it is of.
    type Family: Family;
    /// The command that asks for it.
    const COMMAND: u8;
    /// The attributes it takes.
    const POLICY: &'static Policy<ATTRS>;

    /// Begins to answer. Process context, may sleep; several requests may be served at once.
    fn start(family: &Self::Family, request: &Request<'_>) -> Result<Self>;

    /// Writes messages, from where the last part ended, until all are written or `part` has no
    /// room: then it fails with `EMSGSIZE` and is called again.
    ///
    /// Process context, may sleep; several requests may be served at once, but each part of one
    /// after the other.
    fn run(&mut self, family: &Self::Family, part: &mut Part<'_>) -> Result;
}

/// An answer that is being given, with what it needs until the reader has seen its end.
struct Answer<const ATTRS: usize, D: Dump<ATTRS>> {
    family: Arc<D::Family>,
    dump: D,
}

/// One part of the answer to a dump, as large as one read from the socket.
///
/// # Invariants
///
/// `skb` is the part and `cb` the state of a dump that lasts for `'a`.
pub(crate) struct Part<'a> {
    skb: NonNull<bindings::sk_buff>,
    cb: NonNull<bindings::netlink_callback>,
    request: Request<'a>,
}

impl<'a> Part<'a> {
    /// The request that is answered. Any context.
    pub(crate) fn request(&self) -> &Request<'a> {
        &self.request
    }

    /// Says of what state the messages from here on are, and the end of the dump if none follows.
    /// What is of another state than what came before is marked with `NLM_F_DUMP_INTR`. Any context.
    pub(crate) fn set_generation(&mut self, generation: u32) {
        // SAFETY: Valid and ours by the invariant. No reference to the whole is made: the cursor is
        // lent out.
        unsafe { (*self.cb.as_ptr()).seq = generation };
    }

    /// Adds one message, which `fill` writes, or nothing on an error. Fails with `EMSGSIZE` when
    /// the part is full. Any context.
    pub(crate) fn message(&mut self, fill: impl FnOnce(&mut Writer<'_>) -> Result) -> Result {
        let cb = self.cb.as_ptr();
        // SAFETY: All valid and ours by the invariant.
        unsafe {
            write_message(
                self.skb,
                self.request.info(),
                bindings::NLM_F_MULTI as c_int,
                |header| shim::pernet_shim_genl_dump_check_consistent(cb, header),
                fill,
            )
        }
    }
}

/// The callbacks of an operation.
pub(super) const fn callbacks<const ATTRS: usize, D: Dump<ATTRS>>(
) -> bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_2 {
    bindings::genl_split_ops__bindgen_ty_1__bindgen_ty_2 {
        start: Some(start_callback::<ATTRS, D>),
        dumpit: Some(dump_callback::<ATTRS, D>),
        done: Some(done_callback::<ATTRS, D>),
    }
}

/// Where the state of a dump has a pointer to the [`Answer`]. No reference to the whole state is
/// made.
///
/// # Safety
///
/// `cb` is valid.
unsafe fn answer<const ATTRS: usize, D: Dump<ATTRS>>(
    cb: *mut bindings::netlink_callback,
) -> *mut *mut Answer<ATTRS, D> {
    // There is room for six numbers, which are aligned as pointers are.
    // SAFETY: By the caller's promise.
    unsafe { &raw mut (*cb).__bindgen_anon_1.args }.cast()
}

/// The request that a dump answers.
///
/// # Safety
///
/// `cb` is the state of a dump that lasts for `'a`, of an operation with a policy of `attrs`
/// entries.
unsafe fn request<'a>(cb: *mut bindings::netlink_callback, attrs: usize) -> Result<Request<'a>> {
    // SAFETY: `cb` is valid and holds the request; generic netlink keeps the rest in its `data`, for
    // as long as the dump lasts.
    unsafe {
        let info = &raw const (*(*cb).data.cast::<bindings::genl_dumpit_info>()).info;
        Request::from_raw((*cb).skb, info, attrs)
    }
}

/// # Safety
///
/// Called by the kernel as `genl_split_ops::start` of a family registered for `D::Family`.
unsafe extern "C" fn start_callback<const ATTRS: usize, D: Dump<ATTRS>>(
    cb: *mut bindings::netlink_callback,
) -> c_int {
    from_result(|| {
        // SAFETY: The kernel gives the request, after checking it against the policy of `D`.
        let request = unsafe { request(cb, ATTRS)? };
        // SAFETY: It begins to serve this request to the family.
        let family = unsafe { context::<D::Family>(request.info()) };
        let dump = D::start(&family, &request)?;
        let family = family.into();
        let under_way = KBox::new(Answer { family, dump }, GFP_KERNEL)?;
        // SAFETY: `cb` is valid, and this is for us to write. The kernel reads the other field,
        // by which each part has room for one message at least, after we return.
        unsafe {
            answer::<ATTRS, D>(cb).write(KBox::into_raw(under_way));
            (*cb).min_dump_alloc = LONGEST;
        }
        Ok(0)
    })
}

/// # Safety
///
/// Called by the kernel as `genl_split_ops::dumpit` of a family registered for `D::Family`, one call
/// after the other between `start` and `done`.
unsafe extern "C" fn dump_callback<const ATTRS: usize, D: Dump<ATTRS>>(
    skb: *mut bindings::sk_buff,
    cb: *mut bindings::netlink_callback,
) -> c_int {
    from_result(|| {
        // INVARIANT: The kernel gives both to us until we return.
        let mut part = Part {
            skb: NonNull::new(skb).ok_or(EINVAL)?,
            cb: NonNull::new(cb).ok_or(EINVAL)?,
            // SAFETY: As in `start_callback()`.
            request: unsafe { request(cb, ATTRS)? },
        };
        // SAFETY: `start_callback()` put it there, and `done_callback()` comes later. `part` does
        // not reach into it.
        let Answer { family, dump } = unsafe { &mut **answer::<ATTRS, D>(cb) };
        dump.run(family, &mut part)?;
        Ok(0)
    })
}

/// # Safety
///
/// Called by the kernel as `genl_split_ops::done`, once for each `start` that succeeded and after
/// all its parts.
unsafe extern "C" fn done_callback<const ATTRS: usize, D: Dump<ATTRS>>(
    cb: *mut bindings::netlink_callback,
) -> c_int {
    // SAFETY: `start_callback()` made it by `KBox::into_raw()`, and nobody uses it any more.
    drop(unsafe { KBox::from_raw(*answer::<ATTRS, D>(cb)) });
    0
}
