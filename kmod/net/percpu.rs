// SPDX-License-Identifier: GPL-2.0

//! Counters that every CPU keeps for itself.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)

use super::{
    compat::bindings,
    shim, //
};
use core::ptr::NonNull;
use kernel::{
    cpu,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

// See the documentation of `Counters`. The cookies of namespaces are numbers of an index, too.
#[cfg(not(CONFIG_64BIT))]
compile_error!("pernet needs a 64-bit kernel");

/// `N` counters of 64 bits, one set for each CPU: adding takes no lock and shares no cache line.
///
/// A 64-bit kernel is required, where a load or store of a counter is one access and a sum never
/// sees half an update; with 32 bits they would need `u64_stats_sync`.
///
/// Reading goes in two steps: [`Counters::mark`] notes what the sums are, and what is read is that,
/// as often as wanted. A reset makes what was marked last the new zero, so that nothing is lost that
/// was added between a look and the reset after it; it does not touch what the CPUs add to. Who
/// marks, reads or resets must keep others out who do.
///
/// # Invariants
///
/// `cells` is a per-CPU allocation of `N` numbers, owned by this.
pub(crate) struct Counters<const N: usize> {
    cells: NonNull<u64>,
    /// What was ever added, when it was last marked.
    marked: [Atomic<u64>; N],
    /// What was marked at the last reset.
    base: [Atomic<u64>; N],
}

// SAFETY: All access is by per-CPU operations or volatile loads; any thread may free.
unsafe impl<const N: usize> Send for Counters<N> {}

// SAFETY: As above.
unsafe impl<const N: usize> Sync for Counters<N> {}

impl<const N: usize> Counters<N> {
    /// Makes counters that are zero. Process context, may sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        // The longest that the per-CPU allocator can give: PCPU_MIN_UNIT_SIZE.
        const { assert!(N > 0 && N * size_of::<u64>() <= 32 * 1024) };

        // SAFETY: Any number may be asked for; the answer is null or zeroed numbers.
        let cells = unsafe { shim::pernet_shim_alloc_percpu(N) };
        // INVARIANT: Just allocated.
        NonNull::new(cells)
            .map(|cells| Self {
                cells,
                marked: [const { Atomic::<u64>::new(0) }; N],
                base: [const { Atomic::<u64>::new(0) }; N],
            })
            .ok_or(ENOMEM)
    }

    /// Adds to counter `i`, on this CPU; does nothing if there is none.
    ///
    /// Any context. The addition is complete in itself, also when an interrupt comes or the task moves
    /// to another CPU. C: `this_cpu_add()`.
    #[inline]
    pub(crate) fn add(&self, i: usize, amount: u64) {
        if i < N {
            // SAFETY: `i` is below `N`, which the allocation has room for.
            unsafe { shim::pernet_shim_this_cpu_add(self.cells.as_ptr().wrapping_add(i), amount) };
        }
    }

    /// Notes what the sums over all CPUs are, of those that ever were. Any context.
    pub(crate) fn mark(&self) {
        for marked in &self.marked {
            marked.store(0, Relaxed);
        }
        let possible = (0..cpu::nr_cpu_ids())
            // SAFETY: Any CPU number may be asked about.
            .filter(|&cpu| unsafe { shim::pernet_shim_cpu_possible(cpu) });
        for cpu in possible {
            // SAFETY: The CPU is possible, so that it has a copy.
            let cells = unsafe { shim::pernet_shim_per_cpu_ptr(self.cells.as_ptr(), cpu) };
            for (i, marked) in self.marked.iter().enumerate() {
                // SAFETY: `i` is below `N`. C: `READ_ONCE()` of what the CPU may just add to.
                let cell = unsafe { cells.add(i).read_volatile() };
                marked.store(marked.load(Relaxed).wrapping_add(cell), Relaxed);
            }
        }
    }

    /// What was marked of counter `i`, counted from the last reset; 0 if there is none. Any context.
    pub(crate) fn sum(&self, i: usize) -> u64 {
        match (self.marked.get(i), self.base.get(i)) {
            (Some(marked), Some(base)) => marked.load(Relaxed).wrapping_sub(base.load(Relaxed)),
            _ => 0,
        }
    }

    /// Counts from what was marked. Any context.
    pub(crate) fn reset(&self) {
        for (base, marked) in self.base.iter().zip(&self.marked) {
            base.store(marked.load(Relaxed), Relaxed);
        }
    }
}

impl<const N: usize> Drop for Counters<N> {
    fn drop(&mut self) {
        // SAFETY: By the invariant the allocation is ours.
        unsafe { bindings::free_percpu(self.cells.as_ptr().cast()) };
    }
}
