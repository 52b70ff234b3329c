// SPDX-License-Identifier: GPL-2.0

//! What a namespace counts: `/proc/sys/net/pernet/`, and what netlink shows and sets.

use crate::{
    drops::Drops,
    events::Events,
    net::{
        drop,
        namespace::Net,
        netfilter,
        sysctl, //
    },
    state::State,
    traffic::Traffic,
    uapi, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// What a namespace counts when it is made, from the module's parameters.
pub(crate) struct Defaults {
    pub(crate) traffic: bool,
    pub(crate) drops: bool,
}

/// The contract's word for on or off.
pub(crate) fn switch(on: bool) -> u8 {
    match on {
        true => uapi::switch::ON,
        false => uapi::switch::OFF,
    }
}

/// What one namespace counts. The registrations that feed its counters exist only while it does.
#[pin_data]
pub(crate) struct Settings<'net> {
    net: &'net Net,
    state: Arc<State>,
    events: Arc<Events>,
    #[pin]
    traffic: netfilter::Hooks<'net, Traffic>,
    #[pin]
    drops: drop::Watch<'net, Drops>,
}

impl<'net> Settings<'net> {
    /// Nothing is counted in `net` yet; `state` is what will be.
    pub(crate) fn new(
        net: &'net Net,
        state: Arc<State>,
        probe: Arc<drop::Probe<Drops>>,
        events: Arc<Events>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            net,
            events,
            traffic <- netfilter::Hooks::new(net),
            drops <- drop::Watch::new(net, probe),
            state,
        })
    }

    /// Begins with the defaults. Process context, may sleep.
    pub(crate) fn start(&self, defaults: &Defaults) -> Result {
        self.switch_traffic(defaults.traffic)?;
        self.switch_drops(defaults.drops)
    }

    /// Counts nothing any more. Process context, may sleep.
    pub(crate) fn stop(&self) {
        self.traffic.stop();
        self.drops.stop();
    }

    /// Whether packets are counted at the hooks. Any context.
    pub(crate) fn counts_traffic(&self) -> bool {
        self.traffic.is_on()
    }

    /// Counts packets at the hooks, or does not. What was counted stays.
    ///
    /// Process context, may sleep. Fails with netfilter's error and with `ENOMEM`, and then does not
    /// count.
    pub(crate) fn count_traffic(&self, on: bool) -> Result {
        let before = self.counts_traffic();
        self.switch_traffic(on)?;
        self.tell_if(before != on);
        Ok(())
    }

    /// Whether dropped packets are counted. Any context.
    pub(crate) fn counts_drops(&self) -> bool {
        self.drops.is_on()
    }

    /// Counts dropped packets, or does not. What was counted stays.
    ///
    /// Process context, may sleep, takes RTNL. Fails with `EOPNOTSUPP` in a kernel without
    /// tracepoints and with `ENOMEM`, and then does not count.
    pub(crate) fn count_drops(&self, on: bool) -> Result {
        let before = self.counts_drops();
        self.switch_drops(on)?;
        self.tell_if(before != on);
        Ok(())
    }

    fn tell_if(&self, changed: bool) {
        if changed {
            self.events.settings(self.net, self);
        }
    }

    fn switch_traffic(&self, on: bool) -> Result {
        if on {
            self.traffic.start(|| self.state.make_traffic())
        } else {
            self.traffic.stop();
            Ok(())
        }
    }

    fn switch_drops(&self, on: bool) -> Result {
        if on {
            self.drops.start(|| self.state.make_drops())
        } else {
            self.drops.stop();
            Ok(())
        }
    }
}

/// Numbers of the switches.
const TRAFFIC: usize = 0;
const DROPS: usize = 1;

impl sysctl::Switches for Settings<'_> {
    const NAMES: &'static [&'static CStr] = &[c"traffic", c"drops"];

    fn is_on(&self, switch: usize) -> bool {
        match switch {
            TRAFFIC => self.counts_traffic(),
            DROPS => self.counts_drops(),
            _ => false,
        }
    }

    fn switch(&self, switch: usize, on: bool) -> Result {
        match switch {
            TRAFFIC => self.count_traffic(on),
            DROPS => self.count_drops(on),
            _ => Err(EINVAL),
        }
    }
}
