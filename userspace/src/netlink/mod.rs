// SPDX-License-Identifier: MIT OR Apache-2.0

//! Talking to the kernel's network stack.
//!
//! A [`Socket`] belongs to the namespace it was opened in and keeps it when the
//! thread goes elsewhere. Over it go typed rtnetlink messages ([`link`],
//! [`bridge`], [`address`], [`route`], [`netem`]), those of the family [`pernet`], and
//! a question to [`nftables`]. Nothing here knows what a node is.

pub mod address;
mod attribute;
mod batch;
pub mod bridge;
mod datagram;
mod device;
pub mod link;
pub mod naming;
pub mod netem;
pub mod nftables;
pub mod nsid;
pub mod pernet;
mod refusal;
pub mod route;
mod socket;
pub mod watch;

pub use address::Address;
pub use batch::Batch;
pub use device::{DeviceName, Mac};
pub use refusal::Refusal;
pub use socket::Socket;
