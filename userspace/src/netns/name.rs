// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a namespace may be called.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};

use crate::text::as_text;

/// A name that can be a file's under /run/netns and be read by people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

as_text!(Name);

impl Name {
    /// The longest file name of Linux, in bytes.
    const MAX: usize = 255;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        ensure!(!text.is_empty(), "name is empty");
        ensure!(
            text != "." && text != "..",
            "`{text}` is a directory, not a name"
        );
        ensure!(
            text.len() <= Self::MAX,
            "name is {} bytes long, more than the {} a file's name may have",
            text.len(),
            Self::MAX
        );
        if let Some(c) = text.chars().find(|&c| c == '/' || c.is_control()) {
            bail!("name {text:?} has {c:?} in it, which is not allowed there");
        }
        Ok(Name(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_files_that_can_be_read() {
        for right in ["n1", "a:b", "...", "Knoten 1", "ü", "-x", &"n".repeat(255)] {
            assert_eq!(right.parse::<Name>().unwrap().as_str(), right);
        }
        for wrong in [
            "",
            ".",
            "..",
            "a/b",
            "/",
            "a\nb",
            "a\0",
            "\x7f",
            "a\u{85}",
            &"n".repeat(256),
        ] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
        }
    }
}
