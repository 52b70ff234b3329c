// SPDX-License-Identifier: MIT OR Apache-2.0

//! Labs: many nodes, bridges and links that are described in one file.
//!
//! A [`model::Lab`] is what a file says once shapes are expanded, addresses
//! taken from their pools, names chosen and everything checked. [`plan`] finds
//! the way from one to another, [`check`] looks what could be in the way, and
//! [`apply`] goes it; [`mod@up`] sees to it that all of it is done or nothing.

mod apply;
mod births;
mod check;
mod commands;
mod down;
pub mod file;
pub mod graph;
pub mod impairment;
pub mod import;
mod inside;
mod live;
pub mod model;
mod naming;
pub mod plan;
mod ports;
mod present;
mod progress;
mod ready;
pub mod record;
pub mod steps;
mod up;
mod wires;
mod workers;

pub use down::{all, cleanup, down, find};
pub use live::{check_is_no_part, impair, restart};
pub use present::states;
pub use up::{plan as plan_for, up};
