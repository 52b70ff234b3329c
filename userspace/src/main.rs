// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet`: network namespaces as nodes, wired together, and what the kernel
//! module counts in each.

#![deny(unsafe_code)]
// See kernel/start.rs.
#![cfg_attr(all(not(test), target_env = "gnu"), no_main)]

mod channel;
mod cli;
mod columns;
mod doctor;
mod forbidden;
mod http;
mod inventory;
mod kernel;
mod lab;
mod monitor;
mod netlink;
mod netns;
mod node;
mod parallel;
mod random;
mod signals;
mod stat;
mod terminal;
mod text;
mod top;

/// All that the process does; returns its exit status.
fn run() -> u8 {
    cli::run()
}

#[cfg(any(test, not(target_env = "gnu")))]
fn main() -> std::process::ExitCode {
    run().into()
}
