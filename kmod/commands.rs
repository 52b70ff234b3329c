// SPDX-License-Identifier: GPL-2.0

//! The netlink family `pernet`: what user space may ask. The contract is
//! `docs/netlink/pernet.yaml`.

mod dump;
mod filter;
mod get;
mod reply;
mod reset;
mod select;
mod set;

use crate::{
    events::Events,
    net::{
        fixed::Fixed,
        genetlink::{
            self,
            Operation,
            Storage, //
        },
        multicast::Group,
        netlink::{
            Attribute,
            Type, //
        },
        pernet, //
    },
    state::PerNamespace,
    uapi,
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

static STORAGE: Storage = Storage::new();

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
    const STORAGE: Fixed<Storage> = Fixed::new(&STORAGE);
    const NAME: &'static CStr = uapi::FAMILY_NAME;
    const VERSION: u8 = uapi::FAMILY_VERSION;
    // In the order of their numbers, `do` before `dump`, as the kernel wants it.
    const OPERATIONS: &'static [Operation<Self>] = &[
        Operation::new_do::<{ select::SELECTORS }, get::Get>(),
        Operation::new_dump::<{ dump::ATTRIBUTES }, dump::Dump>(),
        Operation::new_do::<{ set::ATTRIBUTES }, set::Set>(),
        Operation::new_do::<{ select::SELECTORS }, reset::Reset>(),
    ];
    const GROUPS: &'static [Group] = &[Group::new(uapi::group::EVENTS)];
}

/// The type of an attribute that is off or on.
const SWITCH: Type = Type::U8 {
    max: uapi::switch::ON,
};

fn is_on(value: Attribute<'_>) -> Result<bool> {
    Ok(value.u8()? == uapi::switch::ON)
}
