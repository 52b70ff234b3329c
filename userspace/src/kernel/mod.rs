// SPDX-License-Identifier: MIT OR Apache-2.0

//! System calls that neither the standard library nor nix offers as safe
//! functions: the only `unsafe` in the tool. Each function here is safe to call
//! as it stands; what that takes is said at the block.

#![allow(unsafe_code)]

pub mod descriptor;
pub mod file;
pub mod namespace;
pub mod process;
mod stack;
// Other C libraries do not keep the arguments for whoever begins without Rust's own
// beginning, and tests begin elsewhere.
#[cfg(all(not(test), target_env = "gnu"))]
mod start;
pub mod terminal;
