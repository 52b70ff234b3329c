// SPDX-License-Identifier: GPL-2.0

//! What a network namespace has of its own: its state, and what makes it seen.

use crate::{
    devices::Devices,
    drops::Drops,
    epoch::Epoch,
    events::Events,
    net::{
        compat::CovariantForLt,
        drop::Probe,
        fixed::Fixed,
        namespace::Net,
        pernet,
        proc,
        scope::Scope,
        sysctl, //
    },
    settings::{
        Defaults,
        Settings, //
    },
    traffic::Traffic,
};
use core::ops::DerefMut;
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SetOnce,
        SpinLock, //
    },
    time::{
        BootTime,
        Instant, //
    },
};

/// The counters of one namespace, to be read and reset with its epoch held. Who the namespace is, it
/// says itself: see [`Net::cookie`].
#[pin_data]
pub(crate) struct State {
    #[pin]
    epoch: SpinLock<Epoch>,
    since: Instant<BootTime>,
    preexisting: bool,
    devices: Devices,
    // These two are made when they are first counted: what a namespace never counted takes no memory,
    // and the drops take a kilobyte for every CPU.
    traffic: SetOnce<Arc<Traffic>>,
    drops: SetOnce<Arc<Drops>>,
    /// When the namespace was taken out of sight.
    dying: SetOnce<Instant<BootTime>>,
}

impl State {
    fn new(net: &Net) -> impl PinInit<Self> + '_ {
        pin_init!(Self {
            epoch <- new_spinlock!(Epoch::first()),
            since: Instant::now(),
            preexisting: net.is_listed(),
            devices: Devices::new(),
            traffic: SetOnce::new(),
            drops: SetOnce::new(),
            dying: SetOnce::new(),
        })
    }

    /// Holds the epoch, and notes what was counted in it until now: that is what is read and reset
    /// as long as it is held, while packets go on to be counted.
    ///
    /// Process context, and must not sleep until it is let go. Nothing on a packet's way takes it.
    pub(crate) fn epoch(&self) -> impl DerefMut<Target = Epoch> + '_ {
        let epoch = self.epoch.lock();
        self.devices.mark();
        if let Some(traffic) = self.traffic() {
            traffic.mark();
        }
        if let Some(drops) = self.drops() {
            drops.mark();
        }
        epoch
    }

    /// Begins the next epoch. It has what was counted after what was noted when the old one was
    /// taken hold of; devices that are present stay. Any context.
    pub(crate) fn reset(&self, epoch: &mut Epoch) {
        epoch.advance();
        self.devices.reset();
        if let Some(traffic) = self.traffic() {
            traffic.reset();
        }
        if let Some(drops) = self.drops() {
            drops.reset();
        }
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

    /// Packets that passed its hooks, if they were ever counted.
    pub(crate) fn traffic(&self) -> Option<&Arc<Traffic>> {
        self.traffic.as_ref()
    }

    /// Packets that it dropped, if they were ever counted.
    pub(crate) fn drops(&self) -> Option<&Arc<Drops>> {
        self.drops.as_ref()
    }

    /// As [`State::traffic`], made if they were never counted. Process context, may sleep. Fails
    /// with `ENOMEM`, and with `EBUSY` where two make them at once, which callers prevent.
    pub(crate) fn make_traffic(&self) -> Result<&Arc<Traffic>> {
        made(&self.traffic, Traffic::new)
    }

    /// As [`State::drops`], made as [`State::make_traffic`] does.
    pub(crate) fn make_drops(&self) -> Result<&Arc<Drops>> {
        made(&self.drops, Drops::new)
    }
}

/// What `once` holds, made if it was not yet.
fn made<T>(once: &SetOnce<Arc<T>>, make: impl FnOnce() -> Result<T>) -> Result<&Arc<T>> {
    if once.as_ref().is_none() {
        once.populate(Arc::new(make()?, GFP_KERNEL)?);
    }
    once.as_ref().ok_or(EBUSY)
}

/// A namespace that counts: the state, and the registrations that feed and show it.
///
/// The registrations hold what they need themselves, so the order of the fields is free.
pub(crate) struct Namespace<'net> {
    state: Arc<State>,
    settings: Arc<Settings<'net>>,
    file: Arc<proc::File<'net, State>>,
    switches: Arc<sysctl::Table<'net, Settings<'net>>>,
}

impl<'net> Namespace<'net> {
    /// The counters.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// What is counted.
    pub(crate) fn settings(&self) -> &Settings<'net> {
        &self.settings
    }
}

static ID: pernet::Id = pernet::Id::new();

/// The subsystem that has a [`Namespace`] in every network namespace.
pub(crate) struct PerNamespace {
    defaults: Defaults,
    probe: Arc<Probe<Drops>>,
    events: Arc<Events>,
}

impl PerNamespace {
    /// Namespaces that count what `defaults` say, drops by way of `probe`, and tell `events` of
    /// their lives.
    pub(crate) fn new(defaults: Defaults, probe: Arc<Probe<Drops>>, events: Arc<Events>) -> Self {
        Self {
            defaults,
            probe,
            events,
        }
    }

    /// Who is told of what happens.
    pub(crate) fn events(&self) -> &Arc<Events> {
        &self.events
    }
}

impl pernet::Operations for PerNamespace {
    type State = CovariantForLt!(Namespace<'_>);

    const ID: Fixed<pernet::Id> = Fixed::new(&ID);

    fn init<'net>(&self, scope: &mut Scope<'net>) -> Result<Namespace<'net>> {
        let net = scope.net();
        let state = Arc::pin_init(State::new(net), GFP_KERNEL)?;
        let settings = Settings::new(net, state.clone(), self.probe.clone(), self.events.clone());
        let settings = Arc::pin_init(settings, GFP_KERNEL)?;
        settings.start(&self.defaults)?;
        let namespace = Namespace {
            file: proc::File::new(scope, c"pernet", state.clone())?,
            switches: sysctl::Table::new(scope, c"net/pernet", settings.clone())?,
            settings,
            state,
        };
        self.events.born(net);
        Ok(namespace)
    }

    fn pre_exit<'a>(namespace: &'a Namespace<'a>) {
        namespace.state.dying.populate(Instant::now());
        namespace.file.remove();
        // First nobody changes the settings any more, then nothing is counted.
        namespace.switches.remove();
        namespace.settings.stop();
    }

    fn exit<'a>(&self, net: &'a Net, namespace: &'a Namespace<'a>) {
        let dying = namespace.state.dying.copy();
        let teardown = dying.map_or(0, |since| since.elapsed().as_nanos());
        self.events.died(net, u64::try_from(teardown).unwrap_or(0));
    }
}
