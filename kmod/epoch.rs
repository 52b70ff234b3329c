// SPDX-License-Identifier: GPL-2.0

//! The time over which counts add up, from one reset to the next.

use kernel::time::{
    BootTime,
    Instant, //
};

/// An epoch of one namespace. Who resets its counters and who reads them holds the lock that this
/// is under, so what is read belongs to one epoch.
pub(crate) struct Epoch {
    number: u64,
    since: Instant<BootTime>,
}

impl Epoch {
    /// The first one, which begins now.
    pub(crate) fn first() -> Self {
        Self {
            number: 0,
            since: Instant::now(),
        }
    }

    /// The next one begins now.
    pub(crate) fn advance(&mut self) {
        self.number += 1;
        self.since = Instant::now();
    }

    /// How many resets there were.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Nanoseconds since it began.
    pub(crate) fn age(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(0)
    }
}
