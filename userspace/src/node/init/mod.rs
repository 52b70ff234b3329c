// SPDX-License-Identifier: MIT OR Apache-2.0

//! PID 1 of a node: born into namespaces of its own ([`birth`]), which it makes
//! fit to live in ([`environment`]), it then runs what clients of its control
//! channel ask for, adopts and reaps orphans, and ends with all of them
//! ([`server`]).

pub mod birth;
mod command;
mod connection;
pub mod environment;
pub mod pid_file;
pub mod server;
