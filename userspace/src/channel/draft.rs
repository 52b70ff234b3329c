// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names for files that are not ready to be seen under their own.

use std::fmt;

use anyhow::Result;

use crate::random;

/// What the names of one node's drafts have in common, and nobody else's have: by
/// it they are found when whoever made them died.
#[derive(Debug)]
pub struct Draft(u64);

impl Draft {
    pub fn draw() -> Result<Self> {
        random::bytes().map(u64::from_ne_bytes).map(Draft)
    }

    pub fn socket(&self) -> String {
        Self::socket_of(&self.to_string())
    }

    pub fn pid_file(&self) -> String {
        Self::pid_file_of(&self.to_string())
    }

    /// The socket's name, when `key` is what the draft is shown as.
    pub fn socket_of(key: &str) -> String {
        format!(".pernet-{key}")
    }

    pub fn pid_file_of(key: &str) -> String {
        format!(".pernet-{key}.pid")
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
