// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions over what the kernel gives a network namespace.
//!
//! All `unsafe` of the module is in here; the subjects beside this folder have none. Each file
//! follows one C interface and keeps its names, so that it could move to `rust/kernel/net/`.
//!
//! How lifetimes stand for the life of a namespace: a [`Net`](namespace::Net) borrowed for `'net`
//! is one whose subsystems have not been through `exit` yet, for all of `'net`. What is registered
//! in a namespace holds such a borrow and so cannot outlive it; [`pernet`] keeps it and drops it in
//! time. What calls back with something that is borrowed is owned by a [`scope`], so that it ends
//! in time even where safe code leaks it; all else may be leaked, and then goes on for as long as
//! the module is there.

pub(crate) mod compat;
pub(crate) mod drop;
pub(crate) mod fixed;
pub(crate) mod genetlink;
mod grace;
pub(crate) mod ids;
mod index;
pub(crate) mod multicast;
pub(crate) mod namespace;
pub(crate) mod netdevice;
pub(crate) mod netfilter;
pub(crate) mod netlink;
pub(crate) mod percpu;
pub(crate) mod pernet;
pub(crate) mod proc;
pub(crate) mod scope;
mod shim;
mod switch;
pub(crate) mod sysctl;
