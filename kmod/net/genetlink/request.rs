// SPDX-License-Identifier: GPL-2.0

//! Requests to a family, and the messages that answer them.
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

use super::super::{
    compat::bindings,
    namespace::Net,
    netlink::{
        Attributes,
        Writer, //
    },
    shim, //
};
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// No message may be longer than this, headers included. User space has more room than that: dumps
/// are twice as long where the reader lets them.
pub(super) const LONGEST: u32 = 16 * 1024;

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
    pub(super) unsafe fn from_raw(
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

    /// The namespace of the asking socket. Any context.
    pub(crate) fn net(&self) -> &'a Net {
        // SAFETY: `info` is valid, and the socket holds a reference to its namespace.
        unsafe { Net::from_raw(shim::pernet_shim_genl_info_net(self.info.as_ptr())) }
    }

    /// What the request carries. Any context.
    pub(crate) fn attributes(&self) -> Attributes<'a> {
        self.attributes
    }

    /// Whether who opened the socket and the current process both have `CAP_NET_ADMIN` in the user
    /// namespace that owns `net`. Process context, does not sleep.
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

    /// Notes for the sender what is wrong, and where if `attr` is given, and returns the error. Any
    /// context. C: `NL_SET_ERR_MSG_ATTR()`.
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
        // SAFETY: A constant of C.
        let usual = unsafe { shim::pernet_shim_genlmsg_default_size };
        match self.reply_within(usual, &mut fill) {
            Err(EMSGSIZE) => self.reply_within(LONGEST as usize, &mut fill),
            result => result,
        }
    }

    /// As [`Request::reply`], but `fill` runs once, with room for [`LONGEST`] bytes: the place for
    /// what has to be answered once it is done.
    pub(crate) fn reply_once(&self, fill: impl FnOnce(&mut Writer<'_>) -> Result) -> Result {
        self.reply_within(LONGEST as usize, fill)
    }

    /// What generic netlink knows of the request.
    pub(super) fn info(&self) -> &bindings::genl_info {
        // SAFETY: Valid by the invariant.
        unsafe { self.info.as_ref() }
    }

    fn reply_within(&self, size: usize, fill: impl FnOnce(&mut Writer<'_>) -> Result) -> Result {
        // SAFETY: Any size may be asked for.
        let skb = unsafe { shim::pernet_shim_genlmsg_new(size, bindings::GFP_KERNEL) };
        let skb = NonNull::new(skb).ok_or(ENOMEM)?;
        // SAFETY: The message is new and ours, and `self` is the request that it answers.
        let written = unsafe { write_message(skb, self.info(), 0, |_| (), fill) };
        if let Err(error) = written {
            // SAFETY: The message is still ours.
            unsafe { shim::pernet_shim_nlmsg_free(skb.as_ptr()) };
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
pub(super) unsafe fn write_message(
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
    // SAFETY: By the caller's promise nobody else uses the message.
    let written = unsafe { Writer::append(skb, fill) };
    // SAFETY: `header` is that of the message that was just begun.
    unsafe {
        match written {
            Ok(()) => shim::pernet_shim_genlmsg_end(skb.as_ptr(), header),
            Err(_) => shim::pernet_shim_genlmsg_cancel(skb.as_ptr(), header),
        }
    }
    written
}
