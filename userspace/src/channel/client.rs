// SPDX-License-Identifier: MIT OR Apache-2.0

//! The client's end of the channel.

use std::ffi::CString;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, sendmsg, socket,
};

use super::{LONGEST_PACKET, MOST_ARGUMENTS, Message};
use crate::kernel::descriptor;

/// A connection to a node's server.
pub struct Client {
    socket: OwnedFd,
}

impl Client {
    pub fn connect(path: &Path) -> Result<Self> {
        let connecting = || format!("cannot connect to control channel {}", path.display());
        let address = UnixAddr::new(path).with_context(connecting)?;
        let socket = socket(
            AddressFamily::Unix,
            SockType::SeqPacket,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .with_context(connecting)?;
        connect(socket.as_raw_fd(), &address).with_context(connecting)?;
        Ok(Client { socket })
    }

    /// Asks for a command, with these as its standard three descriptors where
    /// there are any; else it has the server's.
    pub fn request(
        &self,
        id: i32,
        arguments: &[CString],
        descriptors: Option<[BorrowedFd; 3]>,
    ) -> Result<()> {
        ensure!(
            arguments.len() <= MOST_ARGUMENTS,
            "cannot send a command with {} arguments: the channel takes {MOST_ARGUMENTS}",
            arguments.len()
        );
        let message = Message::Request {
            id,
            arguments: arguments.to_vec(),
        };
        self.send(&message, descriptors)
    }

    /// Sends a signal to the command `id` of this connection.
    pub fn signal(&self, id: i32, signal: i32) -> Result<()> {
        self.send(&Message::Signal { id, signal }, None)
    }

    fn send(&self, message: &Message, descriptors: Option<[BorrowedFd; 3]>) -> Result<()> {
        let packet = message.encode();
        ensure!(
            packet.len() <= LONGEST_PACKET,
            "cannot send a command of {} bytes: the channel takes {LONGEST_PACKET}",
            packet.len()
        );
        let raw = descriptors.map(|three| three.map(|fd| fd.as_raw_fd()));
        let control = raw.as_ref().map(|raw| ControlMessage::ScmRights(raw));
        loop {
            let sent = sendmsg::<UnixAddr>(
                self.socket.as_raw_fd(),
                &[IoSlice::new(&packet)],
                control.as_slice(),
                MsgFlags::MSG_NOSIGNAL,
                None,
            );
            match sent {
                Err(Errno::EINTR) => {}
                sent => return sent.map(drop).context("cannot send to the node"),
            }
        }
    }

    /// The next message, if one has come; an error when no more can come. What is
    /// no message is passed over, as CORE's client does.
    pub fn receive(&self) -> Result<Option<Message>> {
        let mut packet = [0; 256];
        loop {
            match descriptor::receive(self.socket.as_fd(), &mut packet) {
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                Ok(received) if received.length == 0 => bail!("the node closed the connection"),
                Ok(received) => {
                    if let Ok(message) = Message::decode(&packet[..received.length]) {
                        return Ok(Some(message));
                    }
                }
                Err(error) => return Err(error).context("cannot hear the node"),
            }
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
