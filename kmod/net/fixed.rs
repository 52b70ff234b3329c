// SPDX-License-Identifier: GPL-2.0

//! References to statics, as constants.

use core::ptr::NonNull;

/// A reference to a static, for associated constants: what the callbacks of a type find without being
/// told of it.
///
/// Older compilers, Rust 1.85 among them, refuse a constant that is a plain reference to something that
/// changes.
///
/// # Invariants
///
/// The pointer is made from a `&'static T`.
pub(crate) struct Fixed<T: 'static>(NonNull<T>);

impl<T: Sync> Fixed<T> {
    /// The reference `to` a static.
    pub(crate) const fn new(to: &'static T) -> Self {
        // SAFETY: A reference is not null.
        let pointer = unsafe { NonNull::new_unchecked(core::ptr::from_ref(to).cast_mut()) };
        // INVARIANT: Made from that reference.
        Self(pointer)
    }

    /// The static. Any context.
    pub(crate) const fn get(&self) -> &'static T {
        // SAFETY: By the invariant.
        unsafe { self.0.as_ref() }
    }
}
