// SPDX-License-Identifier: GPL-2.0

//! Switches in `/proc/sys/net`, one set for each namespace.
//!
//! C header: [`include/linux/sysctl.h`](srctree/include/linux/sysctl.h)

use super::{
    compat::bindings,
    namespace::Net,
    scope::{
        Remove,
        Scope, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
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
            Full, //
        },
        Arc, //
    },
};

/// Switches, numbered from 0, that a [`Table`] shows as files.
pub(crate) trait Switches: Send + Sync {
    /// The files' names.
    const NAMES: &'static [&'static CStr];

    /// Whether a switch is on. Process context.
    fn is_on(&self, switch: usize) -> bool;

    /// Switches. Process context, may sleep; several at once.
    fn switch(&self, switch: usize, on: bool) -> Result;
}

/// Files that show 0 or 1 to everybody in the namespace, and are written by those who have
/// `CAP_NET_ADMIN` in the user namespace that owns it.
///
/// # Invariants
///
/// `header` is registered unless `removed`, with the entries of `_entries`. Each entry's `data` is
/// the address of `_switches`, its `extra1` the number of its switch and its `extra2` a namespace
/// that outlives it.
pub(crate) struct Table<'net, T: Switches> {
    header: NonNull<bindings::ctl_table_header>,
    removed: Atomic<bool>,
    /// In memory of this namespace: the kernel refuses writable entries that point into a module.
    _entries: KVec<bindings::ctl_table>,
    _switches: Arc<T>,
    _net: PhantomData<&'net Net>,
}

// SAFETY: The entries are the kernel's to read, and the switches may be shared between threads.
unsafe impl<T: Switches> Send for Table<'_, T> {}

// SAFETY: As above.
unsafe impl<T: Switches> Sync for Table<'_, T> {}

impl<'net, T: Switches> Table<'net, T> {
    /// Makes the files in the folder `path`, which is below `/proc/sys`.
    ///
    /// Process context, may sleep. Fails with `ENOMEM`, also for a name that is taken.
    pub(crate) fn new(
        scope: &mut Scope<'net>,
        path: &'static CStr,
        switches: Arc<T>,
    ) -> Result<Arc<Self>>
    where
        T: 'net,
    {
        scope.register(|net| Self::create(net, path, switches))
    }

    fn create(net: &'net Net, path: &'static CStr, switches: Arc<T>) -> Result<Self> {
        let mut entries = KVec::with_capacity(T::NAMES.len(), GFP_KERNEL)?;
        for (switch, name) in T::NAMES.iter().enumerate() {
            let entry = bindings::ctl_table {
                procname: name.as_char_ptr(),
                data: Arc::as_ptr(&switches).cast_mut().cast(),
                maxlen: 1,
                mode: 0o644,
                proc_handler: Some(handler::<T>),
                extra1: core::ptr::without_provenance_mut(switch),
                extra2: net.as_raw().cast(),
                ..Default::default()
            };
            entries.push(entry, GFP_KERNEL)?;
        }
        // SAFETY: The entries are complete and stay where they are until the table is removed,
        // also when the vector moves. The namespace lives for longer.
        let header = unsafe {
            bindings::register_net_sysctl_sz(
                net.as_raw(),
                path.as_char_ptr(),
                entries.as_mut_ptr(),
                entries.len(),
            )
        };
        // INVARIANT: Just registered.
        Ok(Self {
            header: NonNull::new(header).ok_or(ENOMEM)?,
            removed: Atomic::<bool>::new(false),
            _entries: entries,
            _switches: switches,
            _net: PhantomData,
        })
    }

    /// Removes the files, waiting for who reads or writes one just now. Process context, may
    /// sleep; not to be called with a lock that switching takes. Idempotent.
    pub(crate) fn remove(&self) {
        if !self.removed.xchg(true, Full) {
            // SAFETY: Registered by the invariant.
            unsafe { bindings::unregister_net_sysctl_table(self.header.as_ptr()) };
        }
    }
}

impl<T: Switches> Remove for Table<'_, T> {
    fn remove(&self) {
        self.remove();
    }
}

impl<T: Switches> Drop for Table<'_, T> {
    fn drop(&mut self) {
        self.remove();
    }
}

/// # Safety
///
/// Called by the kernel as the `proc_handler` of an entry made by [`Table::new`], with a buffer of
/// the kernel's.
unsafe extern "C" fn handler<T: Switches>(
    entry: *const bindings::ctl_table,
    write: c_int,
    buffer: *mut c_void,
    len: *mut usize,
    pos: *mut bindings::loff_t,
) -> c_int {
    from_result(|| {
        // SAFETY: The kernel hands over the registered entry.
        let entry = unsafe { &*entry };
        // SAFETY: Removing the table waits for this call, and holds the switches until then.
        let switches = unsafe { &*entry.data.cast::<T>() };
        // SAFETY: By the invariant the namespace outlives the entry.
        let net = unsafe { Net::from_raw(entry.extra2.cast::<bindings::net>()) };
        let switch = entry.extra1.addr();
        // The mode lets the owner's root write, whatever capabilities it gave up.
        if write != 0 && !net.is_administrable() {
            return Err(EPERM);
        }
        let mut value = u8::from(switches.is_on(switch));
        let (mut low, mut high): (c_uint, c_uint) = (0, 1);
        let parse = bindings::ctl_table {
            data: (&raw mut value).cast(),
            extra1: (&raw mut low).cast(),
            extra2: (&raw mut high).cast(),
            ..*entry
        };
        // SAFETY: The entry is a number of one byte with its bounds, all of which outlive the
        // call; the other arguments are the kernel's own.
        to_result(unsafe { bindings::proc_dou8vec_minmax(&parse, write, buffer, len, pos) })?;
        if write != 0 {
            switches.switch(switch, value != 0)?;
        }
        Ok(0)
    })
}
