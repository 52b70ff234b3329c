// SPDX-License-Identifier: MIT OR Apache-2.0

//! CORE's control channel, over which commands are run in a node: a socket of
//! kind `SOCK_SEQPACKET` at a path, one packet a [`Message`]. Many clients may
//! be connected, each with any number of commands at once.

mod client;
mod draft;
mod listener;
mod message;
mod place;

pub use client::Client;
pub use draft::Draft;
pub use listener::{Access, Listener};
pub use message::{LONGEST_PACKET, MOST_ARGUMENTS, Message};
pub use place::Place;
