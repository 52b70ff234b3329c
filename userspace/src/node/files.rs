// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files of a node: its control channel and its log, beside the registry.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::registry::Registry;
use crate::netns::Name;

/// Where a node's files are, whether they are there or not.
#[derive(Debug)]
pub struct Files {
    /// The socket that `vcmd -c` takes.
    pub control: PathBuf,
    /// What commands without an output of their own write.
    pub log: PathBuf,
}

const CONTROL: &str = "control";
const LOG: &str = "log";

impl Files {
    pub fn of(registry: &Registry, name: &Name) -> Self {
        Self::below(registry.directory(), name)
    }

    /// In the directory of a registry.
    pub fn below(directory: &Path, name: &Name) -> Self {
        let file = |kind: &str| directory.join(kind).join(name.as_str());
        Files {
            control: file(CONTROL),
            log: file(LOG),
        }
    }

    /// Makes the directories and an empty log.
    pub fn create(&self) -> Result<File> {
        for path in [&self.control, &self.log] {
            if let Some(directory) = path.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(directory)
                    .with_context(|| format!("cannot make {}", directory.display()))?;
            }
        }
        // What is there is another run's, and perhaps still written to.
        remove(&self.log)?;
        (OpenOptions::new().append(true).create_new(true).mode(0o600))
            .open(&self.log)
            .with_context(|| format!("cannot make {}", self.log.display()))
    }

    pub fn remove(&self) -> Result<()> {
        remove(&self.control)?;
        remove(&self.log)
    }
}

/// Files of these kinds that belong to none of the nodes named.
pub fn strays(registry: &Registry, nodes: &[Name]) -> Result<Vec<PathBuf>> {
    let mut strays = Vec::new();
    for kind in [CONTROL, LOG] {
        let directory = registry.directory().join(kind);
        let listing = || format!("cannot list {}", directory.display());
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.with_context(listing)?,
        };
        for entry in entries {
            let entry = entry.with_context(listing)?;
            let is_a_nodes = |name: &Name| entry.file_name() == *name.as_str();
            if !nodes.iter().any(is_a_nodes) {
                strays.push(entry.path());
            }
        }
    }
    Ok(strays)
}

pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
