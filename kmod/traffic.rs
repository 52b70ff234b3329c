// SPDX-License-Identifier: GPL-2.0

//! Packets and bytes of a namespace, at the five netfilter hooks, for IPv4 and IPv6.

use crate::{
    net::{
        netfilter::{
            Observer,
            Packet,
            Place, //
        },
        percpu::Counters,
    },
    uapi,
};
use kernel::prelude::*;

/// Where packets are counted: IPv4 first, and within a family in the order of the hooks' numbers,
/// which begin with 0.
pub(crate) const PLACES: [Place; 2 * HOOKS] = {
    let mut places = [Place { family: 0, hook: 0 }; 2 * HOOKS];
    let mut i = 0;
    while i < HOOKS {
        let hook = i as u8;
        places[i] = Place {
            family: uapi::family::IPV4,
            hook,
        };
        places[HOOKS + i] = Place {
            family: uapi::family::IPV6,
            hook,
        };
        i += 1;
    }
    places
};

const HOOKS: usize = uapi::hook::POSTROUTING as usize + 1;

/// Packets that passed the hooks of one namespace, and their bytes.
pub(crate) struct Traffic(Counters<{ 2 * PLACES.len() }>);

/// What has passed at one place.
#[derive(Default)]
pub(crate) struct Passed {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Traffic {
    /// Nothing has passed yet. Process context, may sleep. Fails with `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Counters::new().map(Self)
    }

    /// Notes what has passed so far. Any context.
    pub(crate) fn mark(&self) {
        self.0.mark();
    }

    /// Counts from what was noted. Any context.
    pub(crate) fn reset(&self) {
        self.0.reset();
    }

    /// What was noted since the last reset at the place of this number in [`PLACES`]. Any context. A
    /// packet may have passed between the noting of the two numbers.
    pub(crate) fn passed(&self, place: usize) -> Passed {
        let (packets, bytes) = cells(place);
        Passed {
            packets: self.0.sum(packets),
            bytes: self.0.sum(bytes),
        }
    }
}

impl Observer for Traffic {
    const PLACES: &'static [Place] = &PLACES;

    fn packet(&self, place: Place, packet: &Packet) {
        let (packets, bytes) = cells(number(place));
        self.0.add(packets, 1);
        self.0.add(bytes, packet.len().into());
    }
}

/// The number in [`PLACES`] of one of them.
fn number(place: Place) -> usize {
    match place.family {
        uapi::family::IPV4 => usize::from(place.hook),
        _ => HOOKS + usize::from(place.hook),
    }
}

/// The counters of packets and of bytes.
fn cells(place: usize) -> (usize, usize) {
    (2 * place, 2 * place + 1)
}
