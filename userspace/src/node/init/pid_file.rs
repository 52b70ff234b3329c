// SPDX-License-Identifier: MIT OR Apache-2.0

//! A pid file: whole when it is there, and removed by the process that it names.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::renameat;
use nix::unistd::{Pid, UnlinkatFlags, unlinkat};

use crate::channel::{Draft, Place};

/// A file that will name a process, when that has a pid.
pub struct PidFile {
    path: PathBuf,
    file: File,
    /// Where it will be and what it is called until then; nothing, where there is
    /// a device or a pipe, which is written to as it is.
    draft: Option<(Place, String)>,
}

impl PidFile {
    pub fn draft(path: &Path, draft: &Draft) -> Result<Self> {
        let what = || format!("cannot make pid file {}", path.display());
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            let file = OpenOptions::new()
                .write(true)
                .open(path)
                .with_context(what)?;
            let path = path.to_owned();
            return Ok(PidFile {
                path,
                file,
                draft: None,
            });
        }
        let mut place = Place::of(path).with_context(what)?;
        let name = draft.pid_file();
        let file = (OpenOptions::new().write(true).create_new(true))
            .open(path.with_file_name(&name))
            .with_context(what)?;
        place.note(name.as_ref()).with_context(what)?;
        Ok(PidFile {
            path: path.to_owned(),
            file,
            draft: Some((place, name)),
        })
    }

    /// What the process is to remove when it ends.
    pub fn place(&self) -> Result<Option<Place>> {
        self.draft
            .as_ref()
            .map(|(place, _)| place.try_clone())
            .transpose()
    }

    /// Writes the pid, and gives the file its name.
    pub fn publish(mut self, pid: Pid) -> Result<()> {
        let what = || format!("cannot write pid file {}", self.path.display());
        writeln!(self.file, "{pid}").with_context(what)?;
        if let Some((place, name)) = self.draft.take() {
            let renamed = renameat(place.directory(), &*name, place.directory(), place.name());
            renamed
                .with_context(what)
                .inspect_err(|_| discard(&place, &name))?;
        }
        Ok(())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if let Some((place, name)) = &self.draft {
            discard(place, name);
        }
    }
}

fn discard(place: &Place, name: &str) {
    let _ = unlinkat(place.directory(), name, UnlinkatFlags::NoRemoveDir);
}
