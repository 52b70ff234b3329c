// SPDX-License-Identifier: GPL-2.0

//! What calls back under RCU, and only while it is switched on.

use super::{
    grace::GracePeriod,
    namespace::Net, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    },
};

/// Something that the kernel calls back when it is registered in a namespace, in RCU read-side
/// sections that began while it was. It knows nothing that ends with the namespace.
pub(super) trait Registration: Send + Sync + Unpin + 'static {
    /// Registers it in `net`. Process context, may sleep. On an error it is not registered, but may
    /// have been for a moment.
    fn register(&self, net: &Net) -> Result;

    /// Unregisters it in `net`, without waiting for calls that are under way. Process context, may
    /// sleep.
    fn unregister(&self, net: &Net);
}

/// A registration in one namespace that can be switched on and off, and is made when it is first
/// needed.
///
/// # Invariants
///
/// While `on`, which changes under the lock of `held`, `held.registration` is registered in `net`,
/// else nowhere. A grace period has to pass from `held.last` on before it is dropped.
#[pin_data(PinnedDrop)]
pub(super) struct Switch<'net, R: Registration> {
    net: &'net Net,
    on: Atomic<bool>,
    #[pin]
    held: Mutex<Held<R>>,
}

struct Held<R> {
    registration: Option<R>,
    last: Option<GracePeriod>,
}

impl<'net, R: Registration> Switch<'net, R> {
    /// Makes one that is off.
    pub(super) fn new(net: &'net Net) -> impl PinInit<Self> {
        // INVARIANT: There is no registration.
        pin_init!(Self {
            net,
            on: Atomic::<bool>::new(false),
            held <- new_mutex!(Held { registration: None, last: None }),
        })
    }

    /// Whether it is on. Any context.
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    /// Switches it on, with what `make` makes if it never was. Calls of `make` come one after the
    /// other.
    ///
    /// Process context, may sleep. Fails with the error of `make` or of the registration.
    pub(super) fn turn_on(&self, make: impl FnOnce() -> Result<R>) -> Result {
        let mut held = self.held.lock();
        if self.is_on() {
            return Ok(());
        }
        let registration = match held.registration.take() {
            Some(registration) => registration,
            None => make()?,
        };
        let registered = held.registration.insert(registration).register(self.net);
        if registered.is_err() {
            held.last = Some(GracePeriod::begin());
        }
        // INVARIANT: Registered, or not.
        self.on.store(registered.is_ok(), Relaxed);
        registered
    }

    /// Switches it off. Calls that are under way go on.
    ///
    /// Process context, may sleep, but does not wait for a grace period.
    pub(super) fn turn_off(&self) {
        let mut held = self.held.lock();
        if !self.is_on() {
            return;
        }
        if let Some(registration) = &held.registration {
            registration.unregister(self.net);
        }
        // INVARIANT: Not registered any more, and kept until the grace period has passed.
        held.last = Some(GracePeriod::begin());
        self.on.store(false, Relaxed);
    }
}

#[pinned_drop]
impl<R: Registration> PinnedDrop for Switch<'_, R> {
    fn drop(self: Pin<&mut Self>) {
        self.turn_off();
        // In `exit` this returns at once: the kernel waited for RCU since `pre_exit`.
        if let Some(last) = self.held.lock().last.take() {
            last.wait();
        }
    }
}
