// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lab files from what others have: sessions of CORE, and shapes by the names
//! that mininet gives them.

pub mod core;
pub mod shape;

/// A lab file, and what could not be brought into it: a sentence for each thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub text: String,
    pub left_out: Vec<String>,
}
