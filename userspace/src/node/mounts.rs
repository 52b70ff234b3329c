// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mounts that make /proc, /sys and /etc a node's own, in a mount namespace that
//! was made for it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::netns::Name;

/// Where the files are that take the place of those in /etc, by name.
const OWN_ETC: &str = "/etc/netns";

/// Mounts made outside still come in, those made here stay here.
pub fn keep_apart() -> Result<()> {
    let flags = MsFlags::MS_SLAVE | MsFlags::MS_REC;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).context("cannot keep mounts apart")
}

/// A /proc that shows the processes of the pid namespace.
pub fn mount_proc() -> Result<()> {
    mount_kernels("/proc", "proc")
}

/// A /sys that shows the devices of the network namespace.
pub fn mount_sys() -> Result<()> {
    mount_kernels("/sys", "sysfs")
}

/// Mounts a file system of the kernel's, as little writable as the one that is
/// there, which containers depend on.
fn mount_kernels(target: &str, kind: &str) -> Result<()> {
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if statvfs(target)?.flags().contains(FsFlags::ST_RDONLY) {
        flags |= MsFlags::MS_RDONLY;
    }
    match mount(Some("pernet"), target, Some(kind), flags, None::<&str>) {
        // What is there is that very one already.
        Ok(()) | Err(Errno::EBUSY) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot mount {kind}")),
    }
}

/// The directory of the files that are the node's own.
pub fn own_etc(name: &Name) -> PathBuf {
    Path::new(OWN_ETC).join(name.as_str())
}

/// Puts the files of `own` in the place of those in /etc.
pub fn bind_own_files(own: &Path, note: impl Fn(Error)) -> Result<()> {
    for (source, target) in own_files(own)? {
        let flags = MsFlags::MS_BIND;
        let bound = mount(Some(&source), &target, None::<&str>, flags, None::<&str>);
        let what = || {
            format!(
                "{} does not take the place of {}",
                source.display(),
                target.display()
            )
        };
        bound.with_context(what).unwrap_or_else(&note);
    }
    Ok(())
}

/// The files in `own` and what each is to take the place of.
fn own_files(own: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let listing = || format!("cannot list {}", own.display());
    let entries = match fs::read_dir(own) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(listing)?,
    };
    entries
        .map(|entry| {
            let entry = entry.with_context(listing)?;
            Ok((entry.path(), Path::new("/etc").join(entry.file_name())))
        })
        .collect()
}
