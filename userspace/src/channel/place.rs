// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files that are removed at the end, wherever the process has gone by then.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// A directory entry, found by its directory however its path was given: it stays
/// the same one when the process goes elsewhere. Once its inode is noted, another
/// that takes its name is not it.
#[derive(Debug)]
pub struct Place {
    directory: File,
    name: PathBuf,
    inode: Option<(u64, u64)>,
}

impl Place {
    pub fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().with_context(|| {
            format!("{} is a directory, not the path of a file", path.display())
        })?;
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let directory =
            File::open(parent).with_context(|| format!("cannot open {}", parent.display()))?;
        Ok(Place {
            directory,
            name: name.into(),
            inode: None,
        })
    }

    pub fn directory(&self) -> &File {
        &self.directory
    }

    pub fn name(&self) -> &OsStr {
        self.name.as_os_str()
    }

    /// Takes what is called `name` in the directory now as what this place means,
    /// though it may be about to have the place's own name.
    pub fn note(&mut self, name: &OsStr) -> nix::Result<()> {
        self.inode = Some(inode(&self.directory, name)?);
        Ok(())
    }

    pub fn try_clone(&self) -> Result<Self> {
        Ok(Place {
            directory: (self.directory.try_clone()).context("cannot copy a descriptor")?,
            name: self.name.clone(),
            inode: self.inode,
        })
    }

    /// What was noted: device and number of the inode.
    pub fn inode(&self) -> Option<(u64, u64)> {
        self.inode
    }

    /// Removes the entry if it is still what was noted, or whatever it is where
    /// nothing was.
    pub fn remove(&self) -> nix::Result<()> {
        let name = self.name.as_os_str();
        let removed = match self.inode {
            Some(noted) => match inode(&self.directory, name) {
                Ok(found) if found != noted => Ok(()),
                Err(error) => Err(error),
                Ok(_) => unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir),
            },
            None => unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir),
        };
        match removed {
            Err(Errno::ENOENT) => Ok(()),
            removed => removed,
        }
    }
}

impl AsFd for Place {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

fn inode(directory: &File, name: &OsStr) -> nix::Result<(u64, u64)> {
    let found = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    Ok((found.st_dev, found.st_ino))
}
