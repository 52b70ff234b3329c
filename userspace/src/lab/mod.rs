// SPDX-License-Identifier: MIT OR Apache-2.0

//! Labs: many nodes, bridges and links that are described in one file.
//!
//! A [`model::Lab`] is what a file says once shapes are expanded, addresses
//! taken from their pools, names chosen and everything checked.

pub mod file;
pub mod graph;
pub mod import;
pub mod model;
mod naming;
