// SPDX-License-Identifier: GPL-2.0

//! Pointers by number, which readers follow under RCU.
//!
//! The kernel crate's own [`XArray`](kernel::xarray::XArray) owns what its entries point at, and
//! takes a lock to read. Here reading takes none, and the entries own nothing.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use super::compat::bindings;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// Pointers by number, `struct xarray`.
///
/// # Invariants
///
/// Every entry was made by [`Index::set`] from a pointer to a `T`.
#[pin_data(PinnedDrop)]
pub(super) struct Index<T> {
    #[pin]
    entries: Opaque<bindings::xarray>,
    _pointers: PhantomData<NonNull<T>>,
}

// SAFETY: The array synchronises itself. What the pointers are used for is not its business.
unsafe impl<T> Send for Index<T> {}

// SAFETY: As above.
unsafe impl<T> Sync for Index<T> {}

impl<T> Index<T> {
    /// Makes an empty one.
    pub(super) fn new() -> impl PinInit<Self> {
        // INVARIANT: There are no entries.
        pin_init!(Self {
            entries <- Opaque::ffi_init(|entries: *mut bindings::xarray| {
                // SAFETY: The array is ours to write.
                unsafe { bindings::xa_init_flags(entries, 0) }
            }),
            _pointers: PhantomData,
        })
    }

    /// The pointer at `number`. Any context but NMI.
    pub(super) fn get(&self, number: usize) -> Option<NonNull<T>> {
        // SAFETY: The array is valid; any number may be asked for.
        let entry = unsafe { bindings::xa_load(self.entries.get(), number) };
        NonNull::new(entry.cast())
    }

    /// The first pointer at `number` or above it, and where it is. Any context but NMI.
    pub(super) fn at_or_above(&self, number: usize) -> Option<(usize, NonNull<T>)> {
        let mut at = number;
        // SAFETY: The array is valid, and `at` is ours to write.
        let entry = unsafe {
            bindings::xa_find(
                self.entries.get(),
                &raw mut at,
                usize::MAX,
                bindings::XA_PRESENT,
            )
        };
        NonNull::new(entry.cast()).map(|pointer| (at, pointer))
    }

    /// Puts a pointer at `number`, in the place of one that is there. Process context, may sleep.
    /// Fails with `ENOMEM`.
    pub(super) fn set(&self, number: usize, pointer: NonNull<T>) -> Result {
        // An entry has two bits of its own.
        const { assert!(align_of::<T>() >= 4) };

        // INVARIANT: The entry is made from a pointer to a `T`.
        // SAFETY: The array is valid, and the pointer aligned as an entry must be.
        let error = unsafe {
            bindings::xa_err(bindings::xa_store(
                self.entries.get(),
                number,
                pointer.as_ptr().cast(),
                bindings::GFP_KERNEL,
            ))
        };
        to_result(error)
    }

    /// Takes away what is at `number`, if anything. Readers may still find it until a grace period
    /// has passed. Process context.
    pub(super) fn clear(&self, number: usize) {
        // SAFETY: The array is valid; any number may be erased.
        unsafe { bindings::xa_erase(self.entries.get(), number) };
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Index<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Nobody uses the array any more.
        unsafe { bindings::xa_destroy(self.entries.get()) };
    }
}
