// SPDX-License-Identifier: GPL-2.0

//! The netlink family `pernet`: what user space may ask. The contract is
//! `docs/netlink/pernet.yaml`.

mod get;
mod reply;
mod reset;
mod select;
mod set;

use crate::{
    events::Events,
    net::{
        genetlink::{
            self,
            Operation, //
        },
        multicast::Group,
        pernet, //
    },
    state::PerNamespace,
    uapi,
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The family's context: where the state is found.
pub(crate) struct Family {
    namespaces: Arc<pernet::Registration<PerNamespace>>,
    events: Arc<Events>,
}

impl Family {
    /// Answers about `namespaces`, and tells `events` of what it was told to do.
    pub(crate) fn new(
        namespaces: Arc<pernet::Registration<PerNamespace>>,
        events: Arc<Events>,
    ) -> Self {
        Self { namespaces, events }
    }
}

impl genetlink::Family for Family {
    const NAME: &'static CStr = uapi::FAMILY_NAME;
    const VERSION: u8 = uapi::FAMILY_VERSION;
    // In the order of their numbers, `do` before `dump`, as the kernel wants it.
    const OPERATIONS: &'static [Operation<Self>] = &[
        Operation::new_do::<{ select::SELECTORS }, get::Get>(),
        Operation::new_dump::<get::Get>(),
        Operation::new_do::<{ set::ATTRIBUTES }, set::Set>(),
        Operation::new_do::<{ select::SELECTORS }, reset::Reset>(),
    ];
    const GROUPS: &'static [Group] = &[Group::new(uapi::group::EVENTS)];
}
