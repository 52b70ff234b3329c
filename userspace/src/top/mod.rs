// SPDX-License-Identifier: MIT OR Apache-2.0

//! The live view of `pernet top`: what was read becomes a [`history`], keys change
//! the [`state`], and [`view`] and [`detail`] draw it. Nothing here reads anything,
//! and nothing knows a terminal.

mod detail;
mod history;
mod look;
mod rates;
mod state;
mod view;

pub use look::Look;
pub use rates::Sort;
pub use state::{Extent, INTERVALS, State, Wish};
pub use view::draw;
