// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes: what is allowed, what came, what is sent.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

mod writer;

pub(crate) use writer::Writer;

use super::compat::bindings;
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
    slice,
};
use kernel::{
    error::to_result,
    prelude::*, //
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
    /// `NLA_NUL_STRING`: text with its NUL.
    Text {
        /// The most bytes allowed before the NUL.
        max: u16,
    },
    /// `NLA_NESTED`, see [`Policy::nest`].
    Nest(Nested),
}

/// The policy for what is in a nest.
#[derive(Clone, Copy)]
pub(crate) struct Nested(&'static [bindings::nla_policy]);

/// What attributes a request may carry; all others are refused by the kernel before the operation
/// runs.
///
/// # Invariants
///
/// Entry `n` describes attribute `n`.
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
            Type::Text { max } => {
                policy.len = max;
                bindings::NLA_NUL_STRING
            }
            Type::Nest(Nested(inner)) => {
                policy.len = (inner.len() - 1) as u16;
                policy.__bindgen_anon_1.nested_policy = inner.as_ptr();
                bindings::NLA_NESTED
            }
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
        // INVARIANT: This is entry `attr`.
        self.0[attr as usize] = policy;
        self
    }

    /// The type of a nest of what this policy allows. The kernel checks the nest with what it is in.
    pub(crate) const fn nest(&'static self) -> Type {
        const { assert!(LEN > 0) };
        Type::Nest(Nested(&self.0))
    }

    pub(super) const fn as_ptr(&self) -> *const bindings::nla_policy {
        self.0.as_ptr()
    }
}

/// The attributes of a request, after the kernel has checked them against a policy.
///
/// # Invariants
///
/// Each entry is null or an attribute that is valid for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a>(&'a [*mut bindings::nlattr]);

impl<'a> Attributes<'a> {
    /// # Safety
    ///
    /// `table` is null, or has `len` entries for `'a` for which the type's invariant holds.
    pub(super) unsafe fn from_raw(table: *const *mut bindings::nlattr, len: usize) -> Self {
        // INVARIANT: The caller gives it.
        Self(match table.is_null() {
            true => &[],
            // SAFETY: By the caller's promise.
            false => unsafe { slice::from_raw_parts(table, len) },
        })
    }

    /// The attribute `attr`, if the request carries it. Any context.
    pub(crate) fn get(&self, attr: u16) -> Option<Attribute<'a>> {
        // SAFETY: By the invariant.
        unsafe { Attribute::in_table(self.0, attr) }
    }
}

/// The attributes in a nest.
///
/// # Invariants
///
/// Each entry is null or an attribute that is valid for `'a`.
pub(crate) struct Nest<'a, const LEN: usize> {
    table: [*mut bindings::nlattr; LEN],
    _request: PhantomData<&'a bindings::nlattr>,
}

impl<'a, const LEN: usize> Nest<'a, LEN> {
    /// The attribute `attr`, if the nest has it. Any context.
    pub(crate) fn get(&self, attr: u16) -> Option<Attribute<'a>> {
        // SAFETY: By the invariant.
        unsafe { Attribute::in_table(&self.table, attr) }
    }
}

/// One attribute of a request. Every method may be called in any context.
///
/// # Invariants
///
/// `raw` is valid for `'a`, with as many bytes as it says it has.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    raw: NonNull<bindings::nlattr>,
    _request: PhantomData<&'a bindings::nlattr>,
}

impl<'a> Attribute<'a> {
    /// # Safety
    ///
    /// The entries of `table` are null or attributes that are valid for `'a`.
    unsafe fn in_table(table: &[*mut bindings::nlattr], attr: u16) -> Option<Self> {
        // INVARIANT: The caller promises it for entries that are not null.
        NonNull::new(*table.get(usize::from(attr))?).map(|raw| Self {
            raw,
            _request: PhantomData,
        })
    }

    fn payload(&self) -> &'a [u8] {
        const HEADER: usize = size_of::<bindings::nlattr>();

        // SAFETY: Valid by the invariant.
        let len = usize::from(unsafe { self.raw.as_ref().nla_len });
        // SAFETY: The payload follows the header, which the length includes.
        unsafe {
            slice::from_raw_parts(
                self.raw.as_ptr().cast::<u8>().add(HEADER),
                len.saturating_sub(HEADER),
            )
        }
    }

    /// The value of a [`Type::U8`]; `EINVAL` for another length.
    pub(crate) fn u8(&self) -> Result<u8> {
        self.exactly().map(u8::from_ne_bytes)
    }

    /// The value of a [`Type::U32`]; `EINVAL` for another length.
    pub(crate) fn u32(&self) -> Result<u32> {
        self.exactly().map(u32::from_ne_bytes)
    }

    /// The value of a [`Type::S32`]; `EINVAL` for another length.
    pub(crate) fn s32(&self) -> Result<i32> {
        self.exactly().map(i32::from_ne_bytes)
    }

    /// The value of a [`Type::Uint`]; `EINVAL` for another length. C: `nla_get_uint()`.
    pub(crate) fn uint(&self) -> Result<u64> {
        match self.exactly() {
            Ok(short) => Ok(u32::from_ne_bytes(short).into()),
            Err(_) => self.exactly().map(u64::from_ne_bytes),
        }
    }

    /// The value of a [`Type::Text`]; `EINVAL` where there is no NUL.
    pub(crate) fn text(&self) -> Result<&'a CStr> {
        CStr::from_bytes_until_nul(self.payload()).map_err(|_| EINVAL)
    }

    /// What is in a nest, up to attribute `LEN - 1`; `EINVAL` for something malformed. C:
    /// `nla_parse_nested()`, without the policy: the kernel has checked a [`Type::Nest`] with what
    /// it is in.
    pub(crate) fn nest<const LEN: usize>(&self) -> Result<Nest<'a, LEN>> {
        const { assert!(LEN > 0) };

        let payload = self.payload();
        let mut table = [ptr::null_mut(); LEN];
        // SAFETY: The table has an entry for each number up to the highest, and the payload is as
        // long as it says.
        to_result(unsafe {
            bindings::__nla_parse(
                table.as_mut_ptr(),
                (LEN - 1) as c_int,
                payload.as_ptr().cast(),
                payload.len() as c_int,
                ptr::null(),
                bindings::netlink_validation_NL_VALIDATE_TRAILING
                    | bindings::netlink_validation_NL_VALIDATE_MAXTYPE,
                ptr::null_mut(),
            )
        })?;
        // INVARIANT: The kernel found these in the payload, and each within its end.
        Ok(Nest {
            table,
            _request: PhantomData,
        })
    }

    fn exactly<const N: usize>(&self) -> Result<[u8; N]> {
        self.payload().try_into().map_err(|_| EINVAL)
    }

    pub(super) fn as_raw(&self) -> *const bindings::nlattr {
        self.raw.as_ptr()
    }
}
