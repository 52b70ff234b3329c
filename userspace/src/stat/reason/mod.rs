// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why packets are dropped, in a sentence for who has to do something about it:
//! the reasons of the kernel's [`core`], by which the module counts, and the
//! kernel's own [`counter`]s of drops.

mod core;
pub mod counter;

use crate::netlink::pernet::Dropped;

/// What it means that packets were dropped so; nothing, where that is not known.
pub fn meaning(dropped: &Dropped) -> Option<&'static str> {
    match (&*dropped.subsystem, &dropped.name) {
        ("core", Some(name)) => core::meaning(name),
        ("core", None) => None,
        ("mac80211-unusable", _) => Some("A wireless device could not use the frame."),
        ("openvswitch", _) => {
            Some("Open vSwitch threw packets away, by its flows or for lack of one.")
        }
        ("qdisc", _) => {
            Some("A queueing discipline threw packets away, when its queue was full for instance.")
        }
        (subsystem, Some(name)) => counter::meaning(subsystem, name),
        (_, None) => None,
    }
}
