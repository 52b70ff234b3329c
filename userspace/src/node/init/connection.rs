// SPDX-License-Identifier: MIT OR Apache-2.0

//! One client of the server, which may be slow, or gone, or never read.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use crate::channel::Message;

/// Answers that wait for a client to read. One that lets more pile up has
/// stopped listening, and is let go rather than remembered for ever.
const MOST_UNREAD: usize = 1024;

pub struct Connection {
    socket: OwnedFd,
    unread: VecDeque<Vec<u8>>,
}

/// The client can be sent nothing more.
pub struct Lost;

impl Connection {
    pub fn new(socket: OwnedFd) -> Self {
        Connection {
            socket,
            unread: VecDeque::new(),
        }
    }

    /// Sends `message`, now or when the client can take it.
    pub fn send(&mut self, message: &Message) -> Result<(), Lost> {
        if self.unread.len() >= MOST_UNREAD {
            return Err(Lost);
        }
        self.unread.push_back(message.encode());
        self.flush()
    }

    /// Sends what waits, as far as the client takes it.
    pub fn flush(&mut self) -> Result<(), Lost> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        while let Some(packet) = self.unread.front() {
            match send(self.socket.as_raw_fd(), packet, flags) {
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(_) => return Err(Lost),
                Ok(_) => drop(self.unread.pop_front()),
            }
        }
        Ok(())
    }

    /// Something waits to be sent.
    pub fn is_behind(&self) -> bool {
        !self.unread.is_empty()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
