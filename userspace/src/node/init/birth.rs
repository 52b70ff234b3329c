// SPDX-License-Identifier: MIT OR Apache-2.0

//! How PID 1 comes into being: while its parent records it, it prepares what is its
//! own, and so goes with it; when it is recorded and ready, it says so. It is gone
//! without a trace when its parent dies before.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow, bail};
use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::sys::signal::SigmaskHow;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::unistd::{Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use super::environment::Environment;
use super::server::{Parts, Server, signals};
use crate::channel::Place;
use crate::kernel::process::{self, Inherited};
use crate::netns::own_cookie;

/// A node's first process, before it is born.
pub struct Unborn {
    pub namespaces: CloneFlags,
    pub environment: Environment,
    pub server: Parts,
    /// Where it and its commands write what they have no other place for.
    pub log: File,
    pub directory: Option<PathBuf>,
}

/// A node's first process, ready for clients.
#[derive(Debug)]
pub struct Born {
    /// As the caller sees it.
    pub pid: Pid,
    /// Of its network namespace.
    pub cookie: u64,
}

/// What the child says to its parent, each a packet that begins with its letter.
enum Word {
    Note(String),
    Ready { cookie: u64 },
    Failed(String),
}

/// The longest thing it says.
const LONGEST_WORD: usize = 4096;

struct Child {
    unborn: Unborn,
    parent: OwnedFd,
    null: File,
}

impl Unborn {
    /// Makes the process. `record` is called when it has a pid and before it does
    /// anything that would outlive it; `note` hears of what it has to do without.
    pub fn bear(self, record: impl FnOnce(Pid) -> Result<()>, note: impl Fn(&str)) -> Result<Born> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .context("cannot make a socket pair")?;
        let null = File::options()
            .read(true)
            .open("/dev/null")
            .context("cannot open /dev/null")?;
        let namespaces = self.namespaces;
        let files = self.server.places()?;
        let child = Child {
            unborn: self,
            parent: theirs,
            null,
        };
        // From its first moment it hears of signals by its server only.
        let before = (signals().thread_swap_mask(SigmaskHow::SIG_BLOCK))
            .context("cannot hold signals back")?;
        let cloned = process::clone(namespaces, child, Child::live);
        before
            .thread_set_mask()
            .context("cannot let signals through")?;
        let pid = cloned
            .context("cannot make the namespaces")
            .inspect_err(|_| {
                remove(&files);
            })?;
        let born = record(pid).and_then(|()| accompany(&ours, note));
        match born {
            Ok(cookie) => Ok(Born { pid, cookie }),
            Err(error) => {
                // It ends when nobody speaks to it; it may also have died.
                drop(ours);
                let _ = process::kill(pid, nix::libc::SIGKILL);
                let _ = process::reap(Some(pid), 0);
                remove(&files);
                Err(error)
            }
        }
    }
}

/// What a process was to remove that did not come to live.
fn remove(files: &[Place]) {
    for place in files {
        let _ = place.remove();
    }
}

/// Lets the child go on and listens until it is ready.
fn accompany(child: &OwnedFd, note: impl Fn(&str)) -> Result<u64> {
    let lost = "the node's first process ended before it was ready";
    match send(child.as_raw_fd(), b"go", MsgFlags::MSG_NOSIGNAL) {
        // It has ended; perhaps it has said why.
        Ok(_) | Err(Errno::EPIPE) => {}
        Err(error) => return Err(error).context(lost),
    }
    loop {
        match Word::hear(child).context(lost)? {
            Word::Note(text) => note(&text),
            Word::Ready { cookie } => return Ok(cookie),
            Word::Failed(text) => bail!(text),
        }
    }
}

impl Word {
    fn hear(from: &OwnedFd) -> Result<Self> {
        let mut packet = [0; LONGEST_WORD];
        let length = loop {
            match recv(from.as_raw_fd(), &mut packet, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                length => break length?,
            }
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match &packet[..length] {
            [b'n', rest @ ..] => Ok(Word::Note(text(rest))),
            [b'r', rest @ ..] => Ok(Word::Ready {
                cookie: u64::from_ne_bytes(rest.try_into()?),
            }),
            [b'f', rest @ ..] => Ok(Word::Failed(text(rest))),
            _ => Err(anyhow!("it said nothing")),
        }
    }

    /// Nobody listens any more when this fails.
    fn say(&self, to: &OwnedFd) -> nix::Result<()> {
        let mut packet = match self {
            Word::Note(text) => [b"n", text.as_bytes()].concat(),
            Word::Ready { cookie } => [&b"r"[..], &cookie.to_ne_bytes()].concat(),
            Word::Failed(text) => [b"f", text.as_bytes()].concat(),
        };
        packet.truncate(LONGEST_WORD);
        send(to.as_raw_fd(), &packet, MsgFlags::MSG_NOSIGNAL).map(drop)
    }
}

impl Inherited for Child {
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let unborn = &self.unborn;
        let mut all = vec![self.parent.as_fd(), self.null.as_fd(), unborn.log.as_fd()];
        all.extend(unborn.server.listener.descriptors());
        all.extend(unborn.server.files.iter().map(AsFd::as_fd));
        all.extend(unborn.environment.network.as_ref().map(AsFd::as_fd));
        all
    }
}

impl Child {
    /// All that the process does.
    fn live(self) -> u8 {
        let Child {
            unborn,
            parent,
            null,
        } = self;
        let note = |error: Error| {
            let _ = Word::Note(format!("{error:#}")).say(&parent);
        };
        let ready = unborn.environment.prepare(note).and_then(|()| {
            go_to(unborn.directory.as_deref())?;
            settle(&null, &unborn.log)?;
            Ok((Server::new(unborn.server)?, own_cookie()?))
        });
        // It holds on to nothing that it has no more use for.
        drop((null, unborn.log, unborn.environment));
        let (server, cookie) = match ready {
            Ok(ready) => ready,
            Err(error) => {
                // A word of the parent's that is not heard would take ours with it.
                is_recorded(&parent);
                let _ = Word::Failed(format!("{error:#}")).say(&parent);
                return 1;
            }
        };
        let ready = Word::Ready { cookie };
        if !is_recorded(&parent) || ready.say(&parent).is_err() {
            return 1;
        }
        drop(parent);
        process::release_free_memory();
        match server.run() {
            Ok(()) => 0,
            Err(error) => {
                super::server::complain(format_args!("{error:#}"));
                1
            }
        }
    }
}

/// Waits for the parent's word; without one it died before this was recorded.
fn is_recorded(parent: &OwnedFd) -> bool {
    let mut word = [0; 2];
    loop {
        match recv(parent.as_raw_fd(), &mut word, MsgFlags::empty()) {
            Err(Errno::EINTR) => {}
            length => return length == Ok(2),
        }
    }
}

/// Takes leave of the caller's directory.
pub fn go_to(directory: Option<&Path>) -> Result<()> {
    directory.map_or(Ok(()), |directory| {
        chdir(directory).with_context(|| format!("cannot go to {}", directory.display()))
    })
}

/// Takes leave of the caller's terminal and files.
pub fn settle(null: &File, log: &File) -> Result<()> {
    // The leader of a group cannot have a new session; it is one of its own then.
    let _ = setsid();
    dup2_stdin(null)
        .and_then(|()| dup2_stdout(log))
        .and_then(|()| dup2_stderr(log))
        .map_err(io::Error::from)
        .context("cannot take leave of the terminal")
}
