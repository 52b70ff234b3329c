// SPDX-License-Identifier: GPL-2.0

//! Which namespaces a dump is to show.

use super::{
    is_on,
    SWITCH, //
};
use crate::{
    net::{
        genetlink::Request,
        namespace::Net,
        netdevice,
        netlink::{
            Policy,
            Type, //
        },
    },
    state::{
        Namespace,
        State, //
    },
    uapi,
};
use kernel::{
    prelude::*,
    str::CString,
    sync::rcu, //
};

/// What a namespace must be like: all that is given here.
pub(super) struct Filter {
    userns_inode: Option<u64>,
    preexisting: Option<bool>,
    counts_traffic: Option<bool>,
    counts_drops: Option<bool>,
    min_drops: Option<u64>,
    device_name: Option<CString>,
}

const ATTRIBUTES: usize = uapi::filter::MAX as usize + 1;

/// The longest name of a device, an alternative one: `ALTIFNAMSIZ`, less the NUL.
const LONGEST_NAME: u16 = 127;

/// What may be in the nest.
pub(super) const POLICY: &Policy<ATTRIBUTES> = &Policy::new()
    .allow(uapi::filter::USERNS_INODE, Type::Uint)
    .allow(uapi::filter::PREEXISTING, SWITCH)
    .allow(uapi::filter::COUNT_TRAFFIC, SWITCH)
    .allow(uapi::filter::COUNT_DROPS, SWITCH)
    .allow(uapi::filter::MIN_DROPS, Type::Uint)
    .allow(uapi::filter::DEVICE_NAME, Type::Text { max: LONGEST_NAME });

impl Filter {
    /// The filter of a request; one that everything passes where there is none. Process context.
    /// Fails with `ENOMEM`.
    pub(super) fn of(request: &Request<'_>) -> Result<Self> {
        use uapi::filter::*;

        let given = (request.attributes().get(uapi::netns::FILTER))
            .map(|attribute| attribute.nest::<ATTRIBUTES>())
            .transpose()?;
        let get = |attr| given.as_ref().and_then(|given| given.get(attr));
        Ok(Self {
            userns_inode: get(USERNS_INODE).map(|value| value.uint()).transpose()?,
            preexisting: get(PREEXISTING).map(is_on).transpose()?,
            counts_traffic: get(COUNT_TRAFFIC).map(is_on).transpose()?,
            counts_drops: get(COUNT_DROPS).map(is_on).transpose()?,
            min_drops: get(MIN_DROPS).map(|value| value.uint()).transpose()?,
            device_name: get(DEVICE_NAME)
                .map(|value| Ok::<_, Error>(CString::try_from(value.text()?)?))
                .transpose()?,
        })
    }

    /// Whether the namespace is to be shown, as far as its counts do not matter. Any context.
    pub(super) fn passes(&self, net: &Net, namespace: &Namespace<'_>, guard: &rcu::Guard) -> bool {
        let (state, settings) = (namespace.state(), namespace.settings());

        (self.userns_inode).is_none_or(|inode| inode == net.user_ns_inode().into())
            && (self.preexisting).is_none_or(|on| on == state.is_preexisting())
            && (self.counts_traffic).is_none_or(|on| on == settings.counts_traffic())
            && (self.counts_drops).is_none_or(|on| on == settings.counts_drops())
            && (self.device_name.as_ref())
                .is_none_or(|name| netdevice::is_present(net, name, guard))
    }

    /// Whether it is to be shown by its counts, whose epoch is held.
    pub(super) fn passes_counts(&self, state: &State) -> bool {
        let dropped = || {
            let causes = state.drops().into_iter().flat_map(|drops| drops.dropped());
            causes.fold(0, |sum: u64, dropped| sum.saturating_add(dropped.packets))
        };
        (self.min_drops).is_none_or(|least| least <= dropped())
    }
}
