// SPDX-License-Identifier: MIT OR Apache-2.0

//! The server's end of the channel: a socket at a path that it holds alone, and
//! that only those can reach who may.

use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, ensure};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket,
};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, umask};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, geteuid, getpid, linkat, unlinkat};

use super::Place;
use crate::kernel::descriptor;

/// As many clients may wait for their turn as with CORE.
const BACKLOG: i32 = 5;

/// Who may command the node, besides root: whoever started it, and the members
/// of a group where one is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access {
    pub group: Option<Gid>,
}

/// A socket that takes connections.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    place: Place,
    access: Access,
    owner: Uid,
}

impl Listener {
    /// Takes connections at `path` from now on. One that a live server holds is
    /// left to it; what a dead one left behind is replaced.
    pub fn bind(path: &Path, access: Access) -> Result<Self> {
        let what = || format!("cannot open control channel {}", path.display());
        // The limit is that of other people's clients.
        UnixAddr::new(path).with_context(what)?;
        let mut place = Place::of(path).with_context(what)?;
        let socket = new_socket().with_context(what)?;
        // Under a name of its own first: at `path` it must take connections from
        // the moment it is seen there, or it would look like a dead one.
        let draft = format!(".pernet-{}", getpid());
        let listening = listen_at(&socket, place.directory(), &draft, access)
            .map_err(Error::from)
            .and_then(|()| claim(&place, draft.as_ref()));
        let _ = unlinkat(
            place.directory(),
            draft.as_str(),
            UnlinkatFlags::NoRemoveDir,
        );
        listening.with_context(what)?;
        let name = place.name().to_owned();
        place.note(&name).with_context(what)?;
        Ok(Listener {
            socket,
            place,
            access,
            owner: geteuid(),
        })
    }

    /// The next connection of somebody who may, if there is one. An `Err` inside
    /// says who was turned away.
    pub fn accept(&self) -> nix::Result<Result<OwnedFd, Error>> {
        let connection = descriptor::accept(self.socket.as_fd())?;
        let peer = getsockopt(&connection, PeerCredentials)?;
        let uid = Uid::from_raw(peer.uid());
        // Members of the group come as far as the socket's mode lets them, which
        // is the group's; nobody else does, unless the mode was changed.
        let may = uid.is_root() || uid == self.owner || self.access.group.is_some();
        Ok(match may {
            true => Ok(connection),
            false => Err(anyhow!(
                "user {uid} (process {}) may not command this node",
                peer.pid()
            )),
        })
    }

    /// Where the socket is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Both descriptors in it.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.socket.as_fd(), self.place.as_fd()]
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn new_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
}

/// The path of an entry in an open directory, short however deep that is.
fn through(directory: &File, name: &OsStr) -> PathBuf {
    Path::new("/proc/self/fd")
        .join(directory.as_raw_fd().to_string())
        .join(name)
}

fn listen_at(socket: &OwnedFd, directory: &File, name: &str, access: Access) -> nix::Result<()> {
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(error) => return Err(error),
    }
    let address = UnixAddr::new(&through(directory, name.as_ref()))?;
    // It is nobody else's from the first moment.
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = bind(socket.as_raw_fd(), &address);
    umask(before);
    bound?;
    if let Some(group) = access.group {
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        fchownat(directory, name, None, Some(group), flags)?;
        let mode = Mode::from_bits_truncate(0o660);
        fchmodat(directory, name, mode, FchmodatFlags::FollowSymlink)?;
    }
    listen(socket, Backlog::new(BACKLOG)?)
}

/// Gives the socket its name, which only a dead one's may have had.
fn claim(place: &Place, draft: &OsStr) -> Result<()> {
    let (directory, name) = (place.directory(), place.name());
    loop {
        match linkat(directory, draft, directory, name, AtFlags::empty()) {
            Err(Errno::EEXIST) => remove_dead(directory, name)?,
            linked => return Ok(linked?),
        }
    }
}

/// Removes a socket that nobody serves. It is moved aside before it is looked at
/// for the last time, so that one that was replaced meanwhile is not the one that
/// is removed.
fn remove_dead(directory: &File, name: &OsStr) -> Result<()> {
    check_dead(directory, name)?;
    let aside = format!(".pernet-{}-old", getpid());
    match renameat(directory, name, directory, aside.as_str()) {
        Err(Errno::ENOENT) => return Ok(()),
        moved => moved?,
    }
    if let Err(error) = check_dead(directory, aside.as_ref()) {
        let flags = RenameFlags::RENAME_NOREPLACE;
        renameat2(directory, aside.as_str(), directory, name, flags)?;
        return Err(error);
    }
    Ok(unlinkat(
        directory,
        aside.as_str(),
        UnlinkatFlags::NoRemoveDir,
    )?)
}

/// Fails unless `name` is a socket without a server, or nothing.
fn check_dead(directory: &File, name: &OsStr) -> Result<()> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let entry = match openat(directory, name, flags, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(()),
        entry => File::from(entry?),
    };
    ensure!(
        std::os::unix::fs::FileTypeExt::is_socket(&entry.metadata()?.file_type()),
        "there is something there that is not a socket"
    );
    let address = UnixAddr::new(&through(directory, name))?;
    match connect(new_socket()?.as_raw_fd(), &address) {
        Err(Errno::ECONNREFUSED) => Ok(()),
        Err(error) if std::io::Error::from(error).kind() == ErrorKind::NotFound => Ok(()),
        // It is busy, or another kind of server's.
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => Err(Error::msg(
            "a server holds it that is alive; stop that one first",
        )),
        Err(error) => Err(error).context("cannot tell whether somebody serves it"),
    }
}
