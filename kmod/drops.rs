// SPDX-License-Identifier: GPL-2.0

//! Packets dropped in a namespace, by the kernel's reason for it.

use crate::net::{
    drop::{
        Observer,
        Reason, //
    },
    percpu::Counters, //
};
use kernel::prelude::*;

/// Subsystems with one counter each, from number 1 on. The last of them also counts for those that
/// this kernel does not have yet.
const SUBSYSTEMS: usize = 4;

const CELLS: usize = Reason::CORE + SUBSYSTEMS;

/// Packets that one namespace dropped: each reason of the core by itself, those of any other
/// subsystem together.
pub(crate) struct Drops(Counters<CELLS>);

/// What was dropped for one reason, or by one subsystem.
pub(crate) struct Dropped {
    pub(crate) cause: Cause,
    pub(crate) packets: u64,
}

/// Why.
pub(crate) enum Cause {
    /// A reason of the core.
    Core(Reason),
    /// Any reason of another subsystem, by its number.
    Subsystem(u16),
}

impl Drops {
    /// Nothing was dropped yet. Process context, may sleep.
    pub(crate) fn new() -> Result<Self> {
        Counters::new().map(Self)
    }

    /// Notes what was dropped so far. Any context.
    pub(crate) fn mark(&self) {
        self.0.mark();
    }

    /// Counts from what was noted. Any context.
    pub(crate) fn reset(&self) {
        self.0.reset();
    }

    /// What was noted since the last reset, of each cause that occurred. Any context.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = Dropped> + '_ {
        (0..CELLS).filter_map(|cell| {
            let packets = self.0.sum(cell);
            (packets > 0).then(|| Dropped {
                cause: cause(cell),
                packets,
            })
        })
    }
}

impl Observer for Drops {
    fn dropped(&self, reason: Reason) {
        self.0.add(cell(reason), 1);
    }
}

fn cell(reason: Reason) -> usize {
    match usize::from(reason.subsystem()) {
        0 => usize::from(reason.number()).min(Reason::CORE - 1),
        subsystem => Reason::CORE + subsystem.min(SUBSYSTEMS) - 1,
    }
}

fn cause(cell: usize) -> Cause {
    match cell.checked_sub(Reason::CORE) {
        None => Cause::Core(Reason::core(cell as u16)),
        Some(subsystem) => Cause::Subsystem(subsystem as u16 + 1),
    }
}
