// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet`: network namespaces as nodes, wired together, and what the kernel
//! module counts in each.

#![deny(unsafe_code)]

mod cli;
mod netlink;
mod node;
mod stat;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
