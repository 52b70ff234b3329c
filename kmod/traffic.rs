// SPDX-License-Identifier: GPL-2.0

//! Packets and bytes of a namespace, at the five netfilter hooks, for IPv4 and IPv6.

use crate::{
    net::{
        netfilter,
        percpu::Counters, //
    },
    uapi,
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

const FAMILIES: [u8; 2] = [uapi::family::IPV4, uapi::family::IPV6];

const HOOKS: [u8; 5] = [
    uapi::hook::PREROUTING,
    uapi::hook::LOCAL_IN,
    uapi::hook::FORWARD,
    uapi::hook::LOCAL_OUT,
    uapi::hook::POSTROUTING,
];

/// What has passed one hook of one family.
pub(crate) struct Point {
    place: netfilter::Place,
    passed: Counters<2>,
}

/// What a [`Point`] has counted so far.
pub(crate) struct Passed {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Point {
    /// Where it counts.
    pub(crate) fn place(&self) -> netfilter::Place {
        self.place
    }

    /// Notes what it has counted so far. Any context.
    pub(crate) fn mark(&self) {
        self.passed.mark();
    }

    /// Counts from what was noted. Any context.
    pub(crate) fn reset(&self) {
        self.passed.reset();
    }

    /// What was noted, since the last reset. Any context. A packet may have passed between the noting
    /// of the two numbers.
    pub(crate) fn passed(&self) -> Passed {
        let [packets, bytes] = self.passed.sums();
        Passed { packets, bytes }
    }
}

impl netfilter::Observer for Point {
    fn place(&self) -> netfilter::Place {
        self.place
    }

    fn packet(&self, packet: &netfilter::Packet) {
        self.passed.add([1, packet.len().into()]);
    }
}

/// All points of one namespace.
pub(crate) struct Traffic(KVec<Arc<Point>>);

impl Traffic {
    /// Makes counters that are zero and count nothing yet. Process context, may sleep.
    pub(crate) fn new() -> Result<Self> {
        let mut points = KVec::with_capacity(FAMILIES.len() * HOOKS.len(), GFP_KERNEL)?;
        for family in FAMILIES {
            for hook in HOOKS {
                let point = Point {
                    place: netfilter::Place { family, hook },
                    passed: Counters::new()?,
                };
                points.push(Arc::new(point, GFP_KERNEL)?, GFP_KERNEL)?;
            }
        }
        Ok(Self(points))
    }

    /// The points: IPv4 first, and within a family in the order of the hooks' numbers.
    pub(crate) fn points(&self) -> &[Arc<Point>] {
        &self.0
    }
}
