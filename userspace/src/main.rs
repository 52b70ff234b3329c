// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet`: network namespaces as nodes, wired together, and what the kernel
//! module counts in each.

#![deny(unsafe_code)]

mod channel;
mod cli;
mod kernel;
mod lab;
mod netlink;
mod netns;
mod node;
mod random;
mod stat;
mod terminal;
mod text;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
