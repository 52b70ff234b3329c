// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes, written to a message.
//!
//! C writes each by a call of `nla_put()`, which looks for the end of the message and for room anew.
//! Here the room is asked for once and lent out as a slice, which Rust knows the bounds of.
//!
//! C header: [`include/net/netlink.h`](srctree/include/net/netlink.h)

use super::super::{
    compat::bindings,
    shim, //
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull,
    slice, //
};
use kernel::prelude::*;

/// Writes attributes at the end of a message. Every method may be called in any context, and fails
/// with `EMSGSIZE` when the message has no room.
///
/// # Invariants
///
/// The first `used` bytes of `room` are whole attributes, or the beginning of a nest.
pub(crate) struct Writer<'a> {
    room: &'a mut [MaybeUninit<u8>],
    used: usize,
}

/// `struct nlattr`: two numbers of 16 bits, the length with the header and the type.
const HEADER: usize = 4;

/// Attributes begin at multiples of this: `NLA_ALIGNTO`.
const ALIGNMENT: usize = 4;

/// `NLA_F_NESTED`, which is in the type of a nest.
const NESTED: u16 = 1 << 15;

impl Writer<'_> {
    /// Adds to the message what `fill` writes, or nothing on an error.
    ///
    /// # Safety
    ///
    /// `skb` is a valid message in one piece, which nobody else uses.
    pub(in super::super) unsafe fn append(
        skb: NonNull<bindings::sk_buff>,
        fill: impl FnOnce(&mut Writer<'_>) -> Result,
    ) -> Result {
        // SAFETY: By the caller's promise. The bytes between the end of the data and that of the
        // buffer belong to the message, and nobody else looks at them.
        let room = unsafe {
            slice::from_raw_parts_mut(
                shim::pernet_shim_skb_tail_pointer(skb.as_ptr()).cast::<MaybeUninit<u8>>(),
                shim::pernet_shim_skb_tailroom(skb.as_ptr()) as usize,
            )
        };
        // INVARIANT: Nothing is written yet.
        let mut writer = Writer { room, used: 0 };
        fill(&mut writer)?;
        // SAFETY: There is room for what was used of it, all of which is written by the invariant.
        unsafe { bindings::skb_put(skb.as_ptr(), writer.used as c_uint) };
        Ok(())
    }

    /// Adds an attribute. Its padding is zero: what was there before is not for user space.
    #[inline]
    fn put(&mut self, attr: u16, payload: &[u8]) -> Result {
        let len = HEADER + payload.len();
        let end = self.used + len.next_multiple_of(ALIGNMENT);
        let room = self.room.get_mut(self.used..end).ok_or(EMSGSIZE)?;
        let (header, rest) = room.split_at_mut(HEADER);
        let (body, padding) = rest.split_at_mut(payload.len());
        write_header(header, len, attr)?;
        write(body, payload);
        padding.fill(MaybeUninit::new(0));
        // INVARIANT: Header, payload and padding are written.
        self.used = end;
        Ok(())
    }

    /// An attribute of one byte.
    pub(crate) fn put_u8(&mut self, attr: u16, value: u8) -> Result {
        self.put(attr, &[value])
    }

    /// A signed attribute of four bytes.
    pub(crate) fn put_s32(&mut self, attr: u16, value: i32) -> Result {
        self.put(attr, &value.to_ne_bytes())
    }

    /// An unsigned attribute of four bytes.
    pub(crate) fn put_u32(&mut self, attr: u16, value: u32) -> Result {
        self.put(attr, &value.to_ne_bytes())
    }

    /// Text, with its NUL. C: `nla_put_string()`.
    pub(crate) fn put_str(&mut self, attr: u16, value: &CStr) -> Result {
        self.put(attr, value.to_bytes_with_nul())
    }

    /// A number, in four bytes where it fits and in eight where not. C: `nla_put_uint()`.
    pub(crate) fn put_uint(&mut self, attr: u16, value: u64) -> Result {
        match u32::try_from(value) {
            Ok(short) => self.put(attr, &short.to_ne_bytes()),
            Err(_) => self.put(attr, &value.to_ne_bytes()),
        }
    }

    /// An attribute that says something by being there.
    pub(crate) fn put_flag(&mut self, attr: u16) -> Result {
        self.put(attr, &[])
    }

    /// An attribute that holds those which `fill` writes. An error leaves nothing of it.
    pub(crate) fn nest(
        &mut self,
        attr: u16,
        fill: impl FnOnce(&mut Writer<'_>) -> Result,
    ) -> Result {
        let start = self.used;
        self.put(attr | NESTED, &[])?;
        let filled = fill(self).and_then(|()| {
            let len = self.used - start;
            let header = self.room.get_mut(start..start + HEADER).ok_or(EMSGSIZE)?;
            write_header(header, len, attr | NESTED)
        });
        // INVARIANT: What was before the nest is whole.
        filled.inspect_err(|_| self.used = start)
    }
}

/// Fails where `len` is more than an attribute may have.
#[inline]
fn write_header(header: &mut [MaybeUninit<u8>], len: usize, attr: u16) -> Result {
    let len = u16::try_from(len).map_err(|_| EMSGSIZE)?;
    let ([l0, l1], [a0, a1]) = (len.to_ne_bytes(), attr.to_ne_bytes());
    write(header, &[l0, l1, a0, a1]);
    Ok(())
}

#[inline]
fn write(to: &mut [MaybeUninit<u8>], from: &[u8]) {
    for (slot, &byte) in to.iter_mut().zip(from) {
        slot.write(byte);
    }
}
