// SPDX-License-Identifier: GPL-2.0

//! What each network namespace has of its own.
//!
//! The five guidelines for namespace-aware code, and the file that follows each:
//!
//! 1. *Statics move into a per-namespace structure*: [`state`]. The statics that are left are what
//!    registrations demand: the id that `pernet_operations` wants, there, and in [`commands`] the
//!    family, at which generic netlink may look for as long as the module is there.
//! 2. *A namespace is passed, not assumed*: all of it; [`net::namespace::Net`] is what is passed.
//! 3. *No `init_net`*: [`devices`] asks the device, [`commands`] the socket and the request.
//! 4. *Init and cleanup per namespace*: [`state`], by way of [`net::pernet`].
//! 5. *Per-namespace files*: [`mod@file`], and switches in [`settings`].

mod commands;
mod devices;
mod drops;
mod epoch;
mod events;
mod file;
mod net;
mod settings;
mod state;
mod traffic;
mod uapi;

use kernel::{
    prelude::*,
    sync::Arc, //
};

use net::{
    compat::{
        self,
        module, //
    },
    drop::Probe,
    genetlink,
    multicast::Channel,
    netdevice,
    pernet, //
};

module! {
    type: Pernet,
    name: "pernet",
    authors: ["The pernet authors"],
    description: "State and counters per network namespace",
    license: "GPL",
    alias: ["net-pf-16-proto-16-family-pernet"],
    params: {
        traffic: bool {
            default: true,
            description: "Count packets and bytes in each namespace, until it says otherwise",
        },
        drops: bool {
            default: false,
            description: "Count dropped packets in each namespace, until it says otherwise",
        },
    },
}

/// The module's registrations.
///
/// They drop in the order of the fields: first nobody asks any more, then nobody counts, and with
/// the last reference to it the state leaves the namespaces.
#[pin_data]
struct Pernet {
    family: genetlink::Registration<commands::Family>,
    #[pin]
    notifier: netdevice::Notifier<devices::Counter>,
    namespaces: Arc<pernet::Registration<state::PerNamespace>>,
}

impl kernel::InPlaceModule for Pernet {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // In the opposite order: the family, through which the module is seen, is the last.
        try_pin_init!(Self {
            namespaces: {
                let defaults = settings::Defaults {
                    traffic: compat::is_on(module_parameters::traffic.value()),
                    drops: compat::is_on(module_parameters::drops.value()),
                };
                let probe = Arc::pin_init(Probe::new(), GFP_KERNEL)?;
                // Nobody can listen before there is a family.
                let channel = Arc::new(Channel::new(), GFP_KERNEL)?;
                let events = Arc::new(events::Events::new(channel), GFP_KERNEL)?;
                let operations = state::PerNamespace::new(defaults, probe, events);
                Arc::pin_init(pernet::Registration::new(operations), GFP_KERNEL)?
            },
            notifier <- netdevice::Notifier::new(devices::Counter::new(
                namespaces.clone(),
                namespaces.operations().events().clone(),
            )),
            family: genetlink::Registration::new(
                module,
                commands::Family::new(
                    namespaces.clone(),
                    namespaces.operations().events().clone(),
                ),
                namespaces.operations().events().channel().clone(),
            )?,
        })
    }
}
