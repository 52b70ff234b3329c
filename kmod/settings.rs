// SPDX-License-Identifier: GPL-2.0

//! What a namespace counts: `/proc/sys/net/pernet/`, and what netlink shows and sets.

use crate::{
    net::{
        namespace::Net,
        netfilter,
        sysctl, //
    },
    state::State,
    traffic::Point,
};
use kernel::prelude::*;

/// What a namespace counts when it is made, from the module's parameters.
pub(crate) struct Defaults {
    pub(crate) traffic: bool,
}

/// What one namespace counts. The registrations that feed its counters exist only while it does.
#[pin_data]
pub(crate) struct Settings<'net> {
    #[pin]
    traffic: netfilter::Hooks<'net, Point>,
}

impl<'net> Settings<'net> {
    /// Nothing is counted in `net` yet; `state` is what will be.
    pub(crate) fn new<'a>(
        net: &'net Net,
        state: &'a State,
    ) -> impl PinInit<Self, Error> + use<'a, 'net> {
        try_pin_init!(Self {
            traffic <- netfilter::Hooks::new(net, state.traffic().points()),
        })
    }

    /// Begins with the defaults. Process context, may sleep.
    pub(crate) fn start(&self, defaults: &Defaults) -> Result {
        self.count_traffic(defaults.traffic)
    }

    /// Counts nothing any more. Process context, may sleep.
    pub(crate) fn stop(&self) {
        // Switching off does not fail.
        let _ = self.count_traffic(false);
    }

    /// Whether packets are counted at the hooks. Any context.
    pub(crate) fn counts_traffic(&self) -> bool {
        self.traffic.is_on()
    }

    /// Counts packets at the hooks, or does not. What was counted stays.
    ///
    /// Process context, may sleep. Fails with netfilter's error, and then does not count.
    pub(crate) fn count_traffic(&self, on: bool) -> Result {
        self.traffic.switch(on)
    }
}

impl sysctl::Switches for Settings<'_> {
    const NAMES: &'static [&'static CStr] = &[c"traffic"];

    fn is_on(&self, _switch: usize) -> bool {
        self.counts_traffic()
    }

    fn switch(&self, _switch: usize, on: bool) -> Result {
        self.count_traffic(on)
    }
}
