// SPDX-License-Identifier: MIT OR Apache-2.0

//! The server's end of the channel: a socket at a path that it holds alone, and
//! that only those can reach who may.

use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, ensure};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, openat};
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket,
};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, geteuid, linkat, unlinkat};

use super::{Draft, Place};
use crate::kernel::descriptor;

/// As many clients may wait for their turn as with CORE.
const BACKLOG: i32 = 5;

/// How long to wait for others that replace dead sockets in the same directory.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// left to it; what a dead one left behind is replaced. `bound` is called when
    /// the socket is there, and cannot be seen yet under its name.
    pub fn bind(
        path: &Path,
        access: Access,
        draft: &Draft,
        bound: impl FnOnce(&Place) -> Result<()>,
    ) -> Result<Self> {
        let what = || format!("cannot open control channel {}", path.display());
        // The limit is that of other people's clients.
        UnixAddr::new(path).with_context(what)?;
        let mut place = Place::of(path).with_context(what)?;
        let socket = new_socket().with_context(what)?;
        // Under a name of its own first: at `path` it must take connections from
        // the moment it is seen there, or it would look like a dead one.
        let draft = draft.socket();
        let listening = listen_at(&socket, place.directory(), &draft, access)
            .and_then(|()| place.note(draft.as_ref()))
            .map_err(Error::from)
            .and_then(|()| bound(&place))
            .and_then(|()| claim(&place, draft.as_ref()));
        let _ = unlinkat(
            place.directory(),
            draft.as_str(),
            UnlinkatFlags::NoRemoveDir,
        );
        listening.with_context(what)?;
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
        let (uid, gid) = (Uid::from_raw(peer.uid()), Gid::from_raw(peer.gid()));
        // The socket's mode says the same, but somebody may have changed that.
        let may = uid.is_root()
            || uid == self.owner
            || match self.access.group {
                Some(group) => descriptor::peer_has_group(connection.as_fd(), gid, group)?,
                None => false,
            };
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
    // It has its mode from the first moment, and takes no connections yet.
    let mask = if access.group.is_some() { 0o117 } else { 0o177 };
    let before = umask(Mode::from_bits_truncate(mask));
    let bound = bind(socket.as_raw_fd(), &address);
    umask(before);
    bound?;
    if access.group.is_some() {
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        fchownat(directory, name, None, access.group, flags)?;
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

/// Removes a socket that nobody serves. Who does that holds the directory's lock,
/// so that none of them removes what another has put there meanwhile.
fn remove_dead(directory: &File, name: &OsStr) -> Result<()> {
    let _lock = lock(directory)?;
    check_dead(directory, name)?;
    match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error).context("cannot remove what a dead server left there"),
    }
}

/// Locks the directory. Whoever can read it can do that, so this does not wait
/// for ever; the other holders of ours need next to no time.
fn lock(directory: &File) -> Result<Flock<File>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // An open file of its own: other descriptors of ours are inherited.
    let own = openat(directory, ".", flags, Mode::empty()).context("cannot open its directory")?;
    let mut own = File::from(own);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Flock::lock(own, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, Errno::EAGAIN)) if Instant::now() < deadline => own = file,
            Err((_, error)) => return Err(error).context("cannot lock its directory"),
        }
        sleep(Duration::from_millis(5));
    }
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
