// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces with a name: /run/netns, shared with iproute2 and made the way
//! iproute2 makes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::{Inode, Name, Netns};

/// Where the names are.
pub const DIRECTORY: &str = "/run/netns";

/// What a name stands for.
pub enum Entry {
    Nothing,
    /// A file with no namespace bound to it.
    Empty,
    Bound(Netns),
}

/// The file of a name.
pub fn path(name: &Name) -> PathBuf {
    Path::new(DIRECTORY).join(name.as_str())
}

/// The name that a file is of, if it is of one.
pub fn name(path: &Path) -> Option<Name> {
    let name = path.strip_prefix(DIRECTORY).ok()?.to_str()?;
    name.parse().ok()
}

/// What `name` stands for now.
pub fn look(name: &Name) -> Result<Entry> {
    let path = path(name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Entry::Nothing),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot examine {}", path.display()));
        }
        // A file that iproute2 or we make for a name is empty; so is nsfs's,
        // but of another file system than the directory's.
        Ok(file) if file.is_file() && file.len() == 0 && on_device_of_directory(&file)? => {
            return Ok(Entry::Empty);
        }
        Ok(_) => {}
    }
    Netns::open(&path).map(Entry::Bound)
}

fn on_device_of_directory(file: &fs::Metadata) -> Result<bool> {
    let directory =
        fs::metadata(DIRECTORY).with_context(|| format!("cannot examine {DIRECTORY}"))?;
    Ok(file.dev() == directory.dev())
}

/// The namespace called `name`, whoever made it.
pub fn open(name: &Name) -> Result<Netns> {
    // What is there is opened at once, and looked at only where that fails.
    if let Ok(Some(netns)) = Netns::look(&path(name)) {
        return Ok(netns);
    }
    match look(name)? {
        Entry::Bound(netns) => Ok(netns),
        Entry::Nothing => bail!(
            "no node or named network namespace is called `{name}`; `pernet node ls` and `ip netns` list them"
        ),
        Entry::Empty => bail!(
            "{} is a file with no namespace bound to it",
            path(name).display()
        ),
    }
}

/// Every name that stands for a namespace.
pub fn all() -> Result<Vec<(Name, Inode)>> {
    let entries = match fs::read_dir(DIRECTORY) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {DIRECTORY}"))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {DIRECTORY}"))?;
        // Names that we cannot show, and files that are no namespaces or are
        // gone by now, are none of our business.
        let name: Option<Name> = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let inode = Netns::open(&entry.path()).and_then(|netns| netns.inode());
        if let (Some(name), Ok(inode)) = (name, inode) {
            names.push((name, inode));
        }
    }
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(names)
}

/// Makes the directory, and mounts on it reach every mount namespace that
/// shares it, as iproute2 does and under the same lock.
pub fn share_directory() -> Result<()> {
    let sharing = || format!("cannot share mounts on {DIRECTORY}");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(DIRECTORY)
        .with_context(|| format!("cannot make {DIRECTORY}"))?;
    let directory = File::open(DIRECTORY).with_context(sharing)?;
    let _lock = Flock::lock(directory, FlockArg::LockExclusive)
        .map_err(|(_, errno)| errno)
        .with_context(sharing)?;
    match make_shared() {
        // It is not a mount yet, so it becomes one, of itself.
        Err(Errno::EINVAL) => {
            let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
            mount(
                Some(DIRECTORY),
                DIRECTORY,
                None::<&str>,
                flags,
                None::<&str>,
            )
            .with_context(sharing)?;
            make_shared().with_context(sharing)
        }
        done => done.with_context(sharing),
    }
}

fn make_shared() -> nix::Result<()> {
    let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
    mount(None::<&str>, DIRECTORY, None::<&str>, flags, None::<&str>)
}

/// Gives `netns` a name that nothing has yet.
pub fn bind(name: &Name, netns: &Netns) -> Result<()> {
    let path = path(name);
    let binding = || format!("cannot bind a namespace to {}", path.display());
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o000)
        .open(&path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    let source = PathBuf::from(format!("/proc/self/fd/{}", netns.as_fd().as_raw_fd()));
    mount(
        Some(&source),
        &path,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )
    .with_context(binding)
    .inspect_err(|_| drop(fs::remove_file(&path)))
}

/// Takes the name away. A namespace that nothing else holds goes with it.
pub fn unbind(name: &Name) -> Result<()> {
    let path = path(name);
    // Several mounts may lie on one another; the last answer is that the file
    // is no mount, or no more.
    while umount2(&path, MntFlags::MNT_DETACH).is_ok() {}
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(describe(error, &path)),
        _ => Ok(()),
    }
}

fn describe(error: io::Error, path: &Path) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("cannot remove {}", path.display()))
}
