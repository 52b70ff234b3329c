// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes: how they are made, what is recorded of them, what runs in them, and
//! the links and bridges between them.
//!
//! A node is a network namespace with a name under /run/netns, as iproute2
//! makes them, so that `ip netns` sees it too. [`life`] makes and deletes
//! nodes; [`registry`] records which ones are ours before they are made, and
//! nothing is deleted that is not in it.

pub mod bridge;
pub mod cleanup;
mod departure;
mod end;
pub mod exec;
pub mod files;
mod gone;
pub mod init;
pub mod interrupt;
pub mod label;
pub mod life;
pub mod links;
pub mod lookup;
mod mounts;
mod process;
pub mod reference;
pub mod registry;
mod user_namespace;
pub mod vnoded;
pub mod wire;

pub use end::End;
pub use process::Process;
