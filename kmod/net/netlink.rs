// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes: what is allowed, what came, what is sent.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::shim;
use core::{
    marker::PhantomData,
    mem::{
        size_of,
        size_of_val, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    transmute::AsBytes, //
};

/// The type of an attribute that a request may carry.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    /// `NLA_U32`
    U32,
    /// `NLA_S32`
    S32,
    /// `NLA_UINT`: 4 or 8 bytes.
    Uint,
    /// `NLA_U8`, from 0 to `max`.
    U8 {
        /// The highest value allowed.
        max: u8,
    },
}

/// What attributes a request may carry; all others are refused by the kernel before the operation
/// runs.
///
/// # Invariants
///
/// Entry `n` describes attribute `n`; a type allowed for it makes the kernel check its length.
#[derive(Clone, Copy)]
pub(crate) struct Policy<const LEN: usize>([bindings::nla_policy; LEN]);

impl<const LEN: usize> Policy<LEN> {
    /// A policy that refuses everything.
    pub(crate) const fn new() -> Self {
        let mut refuse: bindings::nla_policy = pin_init::zeroed();
        refuse.type_ = bindings::NLA_REJECT as u8;
        // INVARIANT: Nothing is allowed.
        Self([refuse; LEN])
    }

    /// Allows the attribute `attr`.
    pub(crate) const fn allow(mut self, attr: u16, kind: Type) -> Self {
        let mut policy: bindings::nla_policy = pin_init::zeroed();
        let kind = match kind {
            Type::U32 => bindings::NLA_U32,
            Type::S32 => bindings::NLA_S32,
            Type::Uint => bindings::NLA_UINT,
            Type::U8 { max } => {
                policy.validation_type = bindings::nla_policy_validation_NLA_VALIDATE_MAX as u8;
                policy.__bindgen_anon_1.__bindgen_anon_1 =
                    bindings::nla_policy__bindgen_ty_1__bindgen_ty_1 {
                        min: 0,
                        max: max as i16,
                    };
                bindings::NLA_U8
            }
        };
        policy.type_ = kind as u8;
        // INVARIANT: The kernel knows the length of each of these types.
        self.0[attr as usize] = policy;
        self
    }

    pub(super) const fn as_ptr(&self) -> *const bindings::nla_policy {
        self.0.as_ptr()
    }
}

/// The attributes of a request, after the kernel has checked them against a policy.
///
/// # Invariants
///
/// `table` is null or has `len` entries, each null or an attribute that is valid for `'a` and has
/// the length of its type in the policy.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    table: *const *mut bindings::nlattr,
    len: usize,
    _request: PhantomData<&'a bindings::nlattr>,
}

impl<'a> Attributes<'a> {
    /// # Safety
    ///
    /// As the type's invariant says.
    pub(super) unsafe fn from_raw(table: *const *mut bindings::nlattr, len: usize) -> Self {
        // INVARIANT: The caller gives it.
        Self {
            table,
            len,
            _request: PhantomData,
        }
    }

    /// The attribute `attr`, if the request carries it.
    pub(crate) fn get(&self, attr: u16) -> Option<Attribute<'a>> {
        let attr = usize::from(attr);
        if self.table.is_null() || attr >= self.len {
            return None;
        }
        // SAFETY: `attr` is below the table's length.
        let raw = unsafe { *self.table.add(attr) };
        // INVARIANT: By ours, an entry that is not null is a checked attribute.
        NonNull::new(raw).map(|raw| Attribute {
            raw,
            _request: PhantomData,
        })
    }
}

/// One attribute of a request.
///
/// # Invariants
///
/// `raw` is valid for `'a` and was checked against a policy.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    raw: NonNull<bindings::nlattr>,
    _request: PhantomData<&'a bindings::nlattr>,
}

impl Attribute<'_> {
    /// The payload's length in bytes.
    fn len(&self) -> usize {
        // SAFETY: Valid by the invariant.
        let len = usize::from(unsafe { self.raw.as_ref().nla_len });
        len.saturating_sub(size_of::<bindings::nlattr>())
    }

    /// The value of a [`Type::U8`]; `EINVAL` for another length.
    pub(crate) fn u8(&self) -> Result<u8> {
        if self.len() < 1 {
            return Err(EINVAL);
        }
        // SAFETY: Valid, and there is a byte.
        Ok(unsafe { shim::pernet_shim_nla_get_u8(self.raw.as_ptr()) })
    }

    /// The value of a [`Type::U32`]; `EINVAL` for another length.
    pub(crate) fn u32(&self) -> Result<u32> {
        if self.len() < 4 {
            return Err(EINVAL);
        }
        // SAFETY: Valid, and there are four bytes.
        Ok(unsafe { shim::pernet_shim_nla_get_u32(self.raw.as_ptr()) })
    }

    /// The value of a [`Type::S32`]; `EINVAL` for another length.
    pub(crate) fn s32(&self) -> Result<i32> {
        if self.len() < 4 {
            return Err(EINVAL);
        }
        // SAFETY: Valid, and there are four bytes.
        Ok(unsafe { shim::pernet_shim_nla_get_s32(self.raw.as_ptr()) })
    }

    /// The value of a [`Type::Uint`]; `EINVAL` for another length.
    pub(crate) fn uint(&self) -> Result<u64> {
        if !matches!(self.len(), 4 | 8) {
            return Err(EINVAL);
        }
        // SAFETY: Valid, and of a length that `nla_get_uint()` knows.
        Ok(unsafe { shim::pernet_shim_nla_get_uint(self.raw.as_ptr()) })
    }

    pub(super) fn as_raw(&self) -> *const bindings::nlattr {
        self.raw.as_ptr()
    }
}

/// Writes attributes at the end of a message. Every method fails with `EMSGSIZE` when the message
/// has no room.
///
/// # Invariants
///
/// `skb` is a valid netlink message that only this writes to during `'a`.
pub(crate) struct Writer<'a> {
    skb: NonNull<bindings::sk_buff>,
    _message: PhantomData<&'a mut bindings::sk_buff>,
}

impl Writer<'_> {
    /// # Safety
    ///
    /// As the type's invariant says.
    pub(super) unsafe fn from_raw(skb: NonNull<bindings::sk_buff>) -> Self {
        // INVARIANT: The caller gives it.
        Self {
            skb,
            _message: PhantomData,
        }
    }

    fn put<T: AsBytes>(&mut self, attr: u16, value: &T) -> Result {
        // SAFETY: The message is ours by the invariant; `value` is as long as it says and has no
        // padding.
        to_result(unsafe {
            bindings::nla_put(
                self.skb.as_ptr(),
                attr.into(),
                size_of_val(value) as c_int,
                ptr::from_ref(value).cast(),
            )
        })
    }

    /// An attribute of one byte.
    pub(crate) fn put_u8(&mut self, attr: u16, value: u8) -> Result {
        self.put(attr, &value)
    }

    /// A signed attribute of four bytes.
    pub(crate) fn put_s32(&mut self, attr: u16, value: i32) -> Result {
        self.put(attr, &value)
    }

    /// An unsigned attribute of four bytes.
    pub(crate) fn put_u32(&mut self, attr: u16, value: u32) -> Result {
        self.put(attr, &value)
    }

    /// Text, with its NUL. C: `nla_put_string()`.
    pub(crate) fn put_str(&mut self, attr: u16, value: &CStr) -> Result {
        let bytes = value.to_bytes_with_nul();
        // SAFETY: The message is ours by the invariant; `bytes` is as long as it says.
        to_result(unsafe {
            bindings::nla_put(
                self.skb.as_ptr(),
                attr.into(),
                bytes.len() as c_int,
                bytes.as_ptr().cast(),
            )
        })
    }

    /// A number, in four bytes where it fits and in eight where not. C: `nla_put_uint()`.
    pub(crate) fn put_uint(&mut self, attr: u16, value: u64) -> Result {
        match u32::try_from(value) {
            Ok(short) => self.put(attr, &short),
            Err(_) => self.put(attr, &value),
        }
    }

    /// An attribute that says something by being there.
    pub(crate) fn put_flag(&mut self, attr: u16) -> Result {
        // SAFETY: The message is ours by the invariant; no bytes are read.
        to_result(unsafe { bindings::nla_put(self.skb.as_ptr(), attr.into(), 0, ptr::null()) })
    }

    /// An attribute that holds those which `fill` writes. An error leaves nothing of it.
    pub(crate) fn nest(
        &mut self,
        attr: u16,
        fill: impl FnOnce(&mut Writer<'_>) -> Result,
    ) -> Result {
        let skb = self.skb.as_ptr();
        // SAFETY: The message is ours by the invariant.
        let start = unsafe { shim::pernet_shim_nla_nest_start(skb, attr.into()) };
        if start.is_null() {
            return Err(EMSGSIZE);
        }
        let filled = fill(self);
        // SAFETY: `start` is the nest that was just begun in this message.
        unsafe {
            match filled {
                Ok(()) => shim::pernet_shim_nla_nest_end(skb, start),
                Err(_) => shim::pernet_shim_nla_nest_cancel(skb, start),
            }
        }
        filled
    }
}
