// SPDX-License-Identifier: MIT OR Apache-2.0

//! A network namespace held by a descriptor, and the only way into one.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, socket};
use nix::sys::statfs::{NSFS_MAGIC, fstatfs};

use crate::kernel::namespace;

/// The namespace of the thread that looks.
const OWN: &str = "/proc/thread-self/ns/net";

/// What a namespace is known by as long as it lives; used again afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inode {
    pub device: u64,
    pub number: u64,
}

/// A user namespace, and the user that made it, by its number where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub inode: u64,
    pub uid: u32,
}

/// A network namespace that stays as long as this value does.
#[derive(Debug)]
pub struct Netns {
    file: File,
}

impl Netns {
    /// The namespace the thread is in.
    pub fn current() -> Result<Self> {
        Self::open(Path::new(OWN))
    }

    /// The namespace that is bound to `path`.
    pub fn open(path: &Path) -> Result<Self> {
        Self::examine(File::open(path), path)
    }

    /// The namespace that is bound to `path`; nothing, where there is no such
    /// file, or the process that it was about has ended.
    pub fn look(path: &Path) -> Result<Option<Self>> {
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
            opened => Self::examine(opened, path).map(Some),
        }
    }

    /// The namespace that a socket is in.
    pub fn of_socket(socket: impl AsFd) -> Result<Self> {
        let file = namespace::of_socket(socket).context("cannot reach a socket's namespace")?;
        Ok(Netns { file })
    }

    /// The namespace with this cookie, whatever holds it; nothing, where there is
    /// none or the kernel knows no such way.
    pub fn with_cookie(cookie: u64) -> Option<Self> {
        let file = namespace::open(cookie).ok()?;
        Some(Netns { file })
    }

    fn examine(opened: io::Result<File>, path: &Path) -> Result<Self> {
        let file = opened.with_context(|| format!("cannot open {}", path.display()))?;
        let kind = fstatfs(&file).with_context(|| format!("cannot examine {}", path.display()))?;
        ensure!(
            kind.filesystem_type() == NSFS_MAGIC,
            "{} is a file with no namespace bound to it",
            path.display()
        );
        Ok(Netns { file })
    }

    pub fn try_clone(&self) -> Result<Self> {
        let file = self.file.try_clone().context("cannot copy a descriptor")?;
        Ok(Netns { file })
    }

    pub fn inode(&self) -> Result<Inode> {
        let metadata = self.file.metadata().context("cannot examine a namespace")?;
        Ok(Inode {
            device: metadata.dev(),
            number: metadata.ino(),
        })
    }

    /// The namespace's identity, which no other has until the next boot.
    pub fn cookie(&self) -> Result<u64> {
        match self.id() {
            Some(cookie) => Ok(cookie),
            None => self.inside(own_cookie),
        }
    }

    /// The same, where the kernel tells it from outside (since Linux 6.18).
    pub fn id(&self) -> Option<u64> {
        namespace::id(self).ok()
    }

    /// The user namespace that owns it; nothing where that is no business of the
    /// caller's.
    pub fn owner(&self) -> Option<Owner> {
        let owner = File::from(namespace::owner(self).ok()?);
        Some(Owner {
            inode: owner.metadata().ok()?.ino(),
            uid: namespace::owner_uid(&owner).ok()?,
        })
    }

    /// When its file came to be, in nanoseconds since 1970: it is there as long as
    /// something is bound to it or has it open.
    pub fn file_since(&self) -> Option<u64> {
        let file = self.file.metadata().ok()?;
        let seconds = u64::try_from(file.ctime()).ok()?;
        Some(seconds * 1_000_000_000 + u64::try_from(file.ctime_nsec()).ok()?)
    }

    /// Does `work` in this namespace, where it opens what it needs; what is
    /// opened belongs to the namespace and can be used from outside.
    pub fn inside<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let home = Self::returnable()?;
        self.enter()?;
        let visit = Visit::from(home);
        let done = work();
        drop(visit);
        done
    }

    /// Makes a namespace and does `work` in it.
    pub fn create<T>(work: impl FnOnce(&Netns) -> Result<T>) -> Result<T> {
        let home = Self::returnable()?;
        unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace")?;
        let visit = Visit::from(home);
        let done = Self::current().and_then(|new| work(&new));
        drop(visit);
        done
    }

    /// The namespace the thread is in, if it could come back to it: that takes
    /// rights over it which the thread may not have.
    fn returnable() -> Result<Self> {
        let home = Self::current()?;
        home.enter()
            .context("cannot leave the network namespace and come back")?;
        Ok(home)
    }

    /// Goes into the namespace and stays there.
    pub fn enter(&self) -> Result<()> {
        let entered = setns(&self.file, CloneFlags::CLONE_NEWNET);
        entered.context(match entered {
            Err(Errno::EINVAL) => "cannot enter a namespace that is not a network namespace",
            _ => "cannot enter the network namespace",
        })
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// The cookie of the namespace the thread is in.
pub fn own_cookie() -> Result<u64> {
    let probe = socket(
        AddressFamily::Unix,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .context("cannot open a socket")?;
    let cookie = getsockopt(&probe, NetnsCookie);
    cookie.context(match cookie {
        Err(Errno::ENOPROTOOPT) => "namespaces have cookies since Linux 5.14, and this is older",
        _ => "cannot read the namespace's cookie",
    })
}

/// Brings the thread back where it was, on every way out. It must not end up
/// in another thread, whose namespace it would change.
struct Visit {
    home: Netns,
    _stays_on_this_thread: PhantomData<*const ()>,
}

impl From<Netns> for Visit {
    fn from(home: Netns) -> Self {
        Visit {
            home,
            _stays_on_this_thread: PhantomData,
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Err(error) = self.home.enter() {
            // Whatever came next would be done to the wrong namespace.
            eprintln!("pernet: cannot return from a network namespace: {error:#}");
            std::process::abort();
        }
    }
}

mod option {
    #![allow(unsafe_code, reason = "nix's macro for socket options expands to it")]

    use nix::{getsockopt_impl, libc, sockopt_impl};

    sockopt_impl!(
        /// The cookie of the network namespace that a socket belongs to.
        NetnsCookie,
        GetOnly,
        libc::SOL_SOCKET,
        libc::SO_NETNS_COOKIE,
        u64
    );
}

use option::NetnsCookie;
