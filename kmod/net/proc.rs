// SPDX-License-Identifier: GPL-2.0

//! Files in `/proc/net`, one for each namespace.
//!
//! C header: [`include/linux/proc_fs.h`](srctree/include/linux/proc_fs.h)

use super::{
    compat::bindings,
    namespace::Net,
    scope::{
        Remove,
        Scope, //
    },
    shim, //
};
use kernel::{
    error::from_result,
    prelude::*,
    seq_file::SeqFile,
    sync::{
        atomic::{
            Atomic,
            Full, //
        },
        Arc, //
    },
};

/// What a file shows.
pub(crate) trait Show: Send + Sync + 'static {
    /// Writes the whole content.
    ///
    /// Process context, may sleep. `net` is the namespace that the file is of.
    fn show(&self, net: &Net, file: &SeqFile) -> Result;
}

/// A file that everybody in the namespace may read.
///
/// # Invariants
///
/// The file is in `net`'s `/proc/net`, unless `removed`, and nobody else removes it.
pub(crate) struct File<'net, T: Show> {
    net: &'net Net,
    name: &'static CStr,
    removed: Atomic<bool>,
    /// What the kernel's `pde_data()` points at.
    _content: Arc<T>,
}

impl<'net, T: Show> File<'net, T> {
    /// Makes the file. Process context, may sleep. Fails with `ENOMEM`, also for a name that is
    /// taken.
    pub(crate) fn new(
        scope: &mut Scope<'net>,
        name: &'static CStr,
        content: Arc<T>,
    ) -> Result<Arc<Self>> {
        scope.register(|net| Self::create(net, name, content))
    }

    fn create(net: &'net Net, name: &'static CStr, content: Arc<T>) -> Result<Self> {
        // SAFETY: `net` is valid and its folder outlives the file: this subsystem came after that
        // of procfs, so it goes before. `content` is held until the file is removed.
        let entry = unsafe {
            shim::proc_create_net_single(
                name.as_char_ptr(),
                0o444,
                (*net.as_raw()).proc_net,
                show_callback::<T>,
                Arc::as_ptr(&content).cast_mut().cast(),
            )
        };
        if entry.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: Just made.
        Ok(Self {
            net,
            name,
            removed: Atomic::<bool>::new(false),
            _content: content,
        })
    }

    /// Removes the file, waiting for who reads it just now. Process context. Idempotent.
    pub(crate) fn remove(&self) {
        if !self.removed.xchg(true, Full) {
            // SAFETY: By the invariant the file is there.
            unsafe {
                shim::remove_proc_entry(self.name.as_char_ptr(), (*self.net.as_raw()).proc_net)
            };
        }
    }
}

impl<T: Show> Remove for File<'_, T> {
    fn remove(&self) {
        self.remove();
    }
}

impl<T: Show> Drop for File<'_, T> {
    fn drop(&mut self) {
        self.remove();
    }
}

/// # Safety
///
/// Called by the kernel as the `show` of a file made by [`File::new`].
unsafe extern "C" fn show_callback<T: Show>(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
    from_result(|| {
        // SAFETY: Removing the file waits for its readers, and the content is held until then.
        let content = unsafe { &*shim::pernet_shim_seq_pde_data(seq).cast::<T>() };
        // SAFETY: An open file holds a reference to its namespace.
        let net = unsafe { Net::from_raw(shim::pernet_shim_seq_net(seq)) };
        // SAFETY: The kernel calls `show` for one reader at a time.
        content.show(net, unsafe { SeqFile::from_raw(seq) })?;
        Ok(0)
    })
}
