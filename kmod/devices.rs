// SPDX-License-Identifier: GPL-2.0

//! Devices of a namespace, counted by the notifications about them.

use crate::{
    drops::Drops,
    events::Events,
    net::{
        drop::Probe,
        netdevice::{
            Device,
            Event,
            Observer, //
        },
        pernet, //
    },
    state::PerNamespace,
    uapi, //
};
use kernel::sync::{
    atomic::{
        Atomic,
        Relaxed, //
    },
    Arc, //
};

/// What has happened to the devices of one namespace.
///
/// Written under RTNL only, so the numbers agree with each other but for a reader who comes in
/// between.
pub(crate) struct Devices {
    /// Never reset: those that are there stay there.
    present: Atomic<u64>,
    registered: Atomic<u64>,
    unregistered: Atomic<u64>,
    up: Atomic<u64>,
    down: Atomic<u64>,
    moved_in: Atomic<u64>,
    moved_out: Atomic<u64>,
    renamed: Atomic<u64>,
}

/// What [`Devices`] has counted so far; the fields are those of the attribute set `devices`.
pub(crate) struct Counted {
    pub(crate) present: u64,
    pub(crate) registered: u64,
    pub(crate) unregistered: u64,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) moved_in: u64,
    pub(crate) moved_out: u64,
    pub(crate) renamed: u64,
}

impl Devices {
    /// Nothing has happened yet.
    pub(crate) fn new() -> Self {
        Self {
            present: Atomic::<u64>::new(0),
            registered: Atomic::<u64>::new(0),
            unregistered: Atomic::<u64>::new(0),
            up: Atomic::<u64>::new(0),
            down: Atomic::<u64>::new(0),
            moved_in: Atomic::<u64>::new(0),
            moved_out: Atomic::<u64>::new(0),
            renamed: Atomic::<u64>::new(0),
        }
    }

    /// What has happened since the last reset. Any context.
    pub(crate) fn counted(&self) -> Counted {
        Counted {
            present: self.present.load(Relaxed),
            registered: self.registered.load(Relaxed),
            unregistered: self.unregistered.load(Relaxed),
            up: self.up.load(Relaxed),
            down: self.down.load(Relaxed),
            moved_in: self.moved_in.load(Relaxed),
            moved_out: self.moved_out.load(Relaxed),
            renamed: self.renamed.load(Relaxed),
        }
    }

    /// Nothing has happened from now on. Any context.
    pub(crate) fn reset(&self) {
        for count in [
            &self.registered,
            &self.unregistered,
            &self.up,
            &self.down,
            &self.moved_in,
            &self.moved_out,
            &self.renamed,
        ] {
            count.store(0, Relaxed);
        }
    }
}

/// Counts what happens to any device, in the namespace that the device is in.
pub(crate) struct Counter {
    namespaces: Arc<pernet::Registration<PerNamespace>>,
    /// Has to know which devices are in the namespaces that it watches.
    probe: Arc<Probe<Drops>>,
    events: Arc<Events>,
    /// The device that has left a namespace and not arrived in the next, or 0. RTNL, which is held
    /// from the one to the other, lets there be one at most.
    moving: Atomic<usize>,
}

impl Counter {
    /// Counts in `namespaces`, and tells `probe` and `events` of devices.
    pub(crate) fn new(
        namespaces: Arc<pernet::Registration<PerNamespace>>,
        probe: Arc<Probe<Drops>>,
        events: Arc<Events>,
    ) -> Self {
        Self {
            namespaces,
            probe,
            events,
            moving: Atomic::<usize>::new(0),
        }
    }

    /// Whether `device`, which appears in a namespace, is the one that has left another.
    fn arrives(&self, device: &Device) -> bool {
        let arrives = self.moving.load(Relaxed) == device.address();
        if arrives {
            self.moving.store(0, Relaxed);
        }
        arrives
    }

    /// Whether `device`, which disappears from a namespace, is to appear in another.
    fn leaves(&self, device: &Device) -> bool {
        let leaves = device.is_registered();
        if leaves {
            self.moving.store(device.address(), Relaxed);
        }
        leaves
    }
}

/// What is told of an event: nothing, if only the device's name changes.
fn kind(event: Event, moves: bool) -> Option<u8> {
    use uapi::event_kind::*;

    Some(match event {
        Event::Register if moves => DEVICE_MOVED_IN,
        Event::Register => DEVICE_REGISTERED,
        Event::Unregister if moves => DEVICE_MOVED_OUT,
        Event::Unregister => DEVICE_UNREGISTERED,
        Event::Up => DEVICE_UP,
        Event::Down => DEVICE_DOWN,
        Event::ChangeName => return None,
    })
}

impl Observer for Counter {
    fn event(&self, event: Event, device: &Device) {
        match event {
            Event::Register => self.probe.came(device),
            Event::Unregister => self.probe.leaves(device),
            _ => {}
        }
        // Before the look at the namespace, which may be one that does not count any more.
        let moves = match event {
            Event::Register => self.arrives(device),
            Event::Unregister => self.leaves(device),
            _ => false,
        };
        if let Some(kind) = kind(event, moves) {
            self.events.device(device.net(), kind, device);
        }
        let Some(namespace) = self.namespaces.get(device.net()) else {
            return;
        };
        let devices = namespace.state().devices();
        let count = match event {
            Event::Register if moves => &devices.moved_in,
            Event::Register => &devices.registered,
            Event::Unregister if moves => &devices.moved_out,
            Event::Unregister => &devices.unregistered,
            Event::Up => &devices.up,
            Event::Down => &devices.down,
            Event::ChangeName => &devices.renamed,
        };
        count.add(1, Relaxed);
        match event {
            Event::Register => devices.present.add(1, Relaxed),
            Event::Unregister => {
                devices.present.fetch_sub(1, Relaxed);
            }
            _ => {}
        }
    }
}
