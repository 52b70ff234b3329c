// SPDX-License-Identifier: MIT OR Apache-2.0

//! Network namespaces: holding one, going into one, and finding one by
//! whatever people know of it.
//!
//! A [`Netns`] is held by a descriptor. What people type is a [`Reference`],
//! and `Reference::resolve` is the one way from it to a namespace. These say what
//! namespaces there are: the names under /run/netns ([`named`]), the processes
//! ([`process`]) and what they hold ([`hold`]), the mounts ([`mounts`]) and, where
//! it does, the kernel; [`discover`] puts them together. Nothing here knows what a
//! node is.

pub mod discover;
mod handle;
pub mod hold;
pub mod mounts;
mod name;
pub mod named;
pub mod process;
mod reference;
pub mod resolve;
pub mod sysctl;
pub mod visit;

pub use handle::{Inode, Netns, own_cookie};
pub use name::Name;
pub use reference::Reference;
