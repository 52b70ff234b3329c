// SPDX-License-Identifier: MIT OR Apache-2.0

//! What docs/guide needs beside mdBook: excerpts of the sources, found by what they
//! are called, and a check of where the links of the built book lead.

pub mod expand;
pub mod item;
pub mod links;
pub mod preprocessor;

use std::path::{Path, PathBuf};

/// The repository this was built in.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
