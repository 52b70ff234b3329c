// SPDX-License-Identifier: GPL-2.0

//! What a network namespace has of its own: its state, and what makes it seen.

use crate::{
    devices::Devices,
    net::{
        namespace::Net,
        netfilter,
        pernet,
        proc, //
    },
    traffic::{
        Point,
        Traffic, //
    },
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{
        BootTime,
        Instant, //
    },
    types::CovariantForLt,
};

/// The counters of one namespace. Who the namespace is, it says itself: see [`Net::cookie`].
pub(crate) struct State {
    since: Instant<BootTime>,
    preexisting: bool,
    devices: Devices,
    traffic: Traffic,
}

impl State {
    fn new(net: &Net) -> Result<Self> {
        Ok(Self {
            since: Instant::now(),
            preexisting: net.is_listed(),
            devices: Devices::new(),
            traffic: Traffic::new()?,
        })
    }

    /// Nanoseconds since the namespace was made, or since the module was loaded if that was later.
    pub(crate) fn age(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(0)
    }

    /// Whether the namespace is older than the module.
    pub(crate) fn is_preexisting(&self) -> bool {
        self.preexisting
    }

    /// Its devices.
    pub(crate) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Its packets.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}

/// A namespace that counts: the state, and the registrations that feed and show it.
///
/// The registrations hold parts of the state themselves, so the order of the fields is free.
pub(crate) struct Namespace<'net> {
    state: Arc<State>,
    hooks: netfilter::Hooks<'net, Point>,
    file: proc::File<'net, State>,
}

impl Namespace<'_> {
    /// The counters.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }
}

static ID: pernet::Id = pernet::Id::new();

/// The subsystem that has a [`Namespace`] in every network namespace.
pub(crate) struct PerNamespace;

impl pernet::Operations for PerNamespace {
    type State = CovariantForLt!(Namespace<'_>);

    fn id() -> &'static pernet::Id {
        &ID
    }

    fn init(net: &Net) -> Result<Namespace<'_>> {
        let state = Arc::new(State::new(net)?, GFP_KERNEL)?;
        Ok(Namespace {
            hooks: netfilter::Hooks::new(net, state.traffic.points())?,
            file: proc::File::new(net, c"pernet", state.clone())?,
            state,
        })
    }

    fn pre_exit<'a>(namespace: &'a Namespace<'a>) {
        namespace.file.remove();
        namespace.hooks.unregister();
    }
}
