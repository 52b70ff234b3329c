// SPDX-License-Identifier: MIT OR Apache-2.0

//! Network namespaces: holding one, going into one, and those that have a name.
//!
//! A [`Netns`] is held by a descriptor; [`named`] knows the names under
//! /run/netns. Nothing here knows what a node is.

mod handle;
mod name;
pub mod named;

pub use handle::{Inode, Netns, own_cookie};
pub use name::Name;
