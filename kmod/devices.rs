// SPDX-License-Identifier: GPL-2.0

//! Devices of a namespace, counted by the notifications about them.

use crate::{
    events::Events,
    net::{
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

/// How often something has happened. Read and reset as [`Counters`](crate::net::percpu::Counters)
/// are, in two steps.
struct Count {
    now: Atomic<u64>,
    marked: Atomic<u64>,
}

impl Count {
    fn new() -> Self {
        Self {
            now: Atomic::<u64>::new(0),
            marked: Atomic::<u64>::new(0),
        }
    }

    fn mark(&self) {
        self.marked.store(self.now.load(Relaxed), Relaxed);
    }

    fn marked(&self) -> u64 {
        self.marked.load(Relaxed)
    }

    /// Takes off what was marked; what has happened since stays.
    fn reset(&self) {
        self.now.fetch_sub(self.marked(), Relaxed);
    }
}

/// What has happened to the devices of one namespace.
///
/// Written under RTNL only, so the numbers agree with each other but for a reader who comes in
/// between.
pub(crate) struct Devices {
    /// Never reset: those that are there stay there.
    present: Count,
    registered: Count,
    unregistered: Count,
    up: Count,
    down: Count,
    moved_in: Count,
    moved_out: Count,
    renamed: Count,
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
            present: Count::new(),
            registered: Count::new(),
            unregistered: Count::new(),
            up: Count::new(),
            down: Count::new(),
            moved_in: Count::new(),
            moved_out: Count::new(),
            renamed: Count::new(),
        }
    }

    /// What a reset lets begin at zero.
    fn events(&self) -> [&Count; 7] {
        [
            &self.registered,
            &self.unregistered,
            &self.up,
            &self.down,
            &self.moved_in,
            &self.moved_out,
            &self.renamed,
        ]
    }

    /// Notes what has happened so far. Any context.
    pub(crate) fn mark(&self) {
        self.present.mark();
        for count in self.events() {
            count.mark();
        }
    }

    /// What was noted, since the last reset. Any context.
    pub(crate) fn counted(&self) -> Counted {
        Counted {
            present: self.present.marked(),
            registered: self.registered.marked(),
            unregistered: self.unregistered.marked(),
            up: self.up.marked(),
            down: self.down.marked(),
            moved_in: self.moved_in.marked(),
            moved_out: self.moved_out.marked(),
            renamed: self.renamed.marked(),
        }
    }

    /// Counts from what was noted. Any context.
    pub(crate) fn reset(&self) {
        for count in self.events() {
            count.reset();
        }
    }
}

/// Counts what happens to any device, in the namespace that the device is in.
pub(crate) struct Counter {
    namespaces: Arc<pernet::Registration<PerNamespace>>,
    events: Arc<Events>,
    /// The device that has left a namespace and not arrived in the next, or 0. RTNL, which is held
    /// from the one to the other, lets there be one at most.
    moving: Atomic<usize>,
}

impl Counter {
    /// Counts in `namespaces`, and tells `events` of devices.
    pub(crate) fn new(
        namespaces: Arc<pernet::Registration<PerNamespace>>,
        events: Arc<Events>,
    ) -> Self {
        Self {
            namespaces,
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
        count.now.add(1, Relaxed);
        match event {
            Event::Register => devices.present.now.add(1, Relaxed),
            Event::Unregister => {
                devices.present.now.fetch_sub(1, Relaxed);
            }
            _ => {}
        }
    }
}
