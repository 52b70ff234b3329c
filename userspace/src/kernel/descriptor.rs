// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors that come from elsewhere.

use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockFlag, accept4, recv, recvmsg};

/// The most that one message can carry: `SCM_MAX_FD` of net/scm.h. With room for
/// all of them none is ever cut off, and so none is left open unseen.
const MOST: usize = 253;

/// A packet that was received.
#[derive(Debug)]
pub struct Received {
    /// How much of the buffer it fills.
    pub length: usize,
    /// It was longer than the buffer.
    pub truncated: bool,
    pub descriptors: Vec<OwnedFd>,
}

/// Receives one packet and the descriptors that came with it, without waiting.
/// They are closed when this process becomes another program.
pub fn receive(socket: BorrowedFd, buffer: &mut [u8]) -> nix::Result<Received> {
    let mut control = cmsg_space!([RawFd; MOST]);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut descriptors = Vec::new();
    for part in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = part {
            // SAFETY: the kernel has just made these for this process, and
            // nothing else knows of them.
            descriptors.extend(
                raw.into_iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
            );
        }
    }
    Ok(Received {
        length: message.bytes,
        truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
        descriptors,
    })
}

/// How long the next packet is, which stays where it is; without waiting.
pub fn pending(socket: BorrowedFd) -> nix::Result<usize> {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT;
    recv(socket.as_raw_fd(), &mut [], flags)
}

/// The next connection, without waiting (accept4(2)).
pub fn accept(listener: BorrowedFd) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = accept4(listener.as_raw_fd(), flags)?;
    // SAFETY: the kernel has just made it for this process.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes every descriptor but the standard three and those of `kept`. Owners of
/// what is closed must never be used or dropped afterwards.
pub(super) fn close_others(kept: &[BorrowedFd]) {
    let mut kept: Vec<RawFd> = kept.iter().map(AsRawFd::as_raw_fd).collect();
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().filter(|&fd| fd >= 3) {
        close_range(first, fd - 1);
        first = fd + 1;
    }
    close_range(first, RawFd::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    let flags: libc::c_uint = 0;
    // SAFETY: close_others demands what this needs.
    let closed = Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) });
    if closed.is_err() {
        // Before Linux 5.9: one by one, those that there are.
        let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
        let open: Vec<RawFd> = (entries.flatten())
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|fd| (first..=last).contains(fd))
            .collect();
        for fd in open {
            // SAFETY: as above. That of the listing itself is closed already,
            // and the kernel refuses to do it twice.
            unsafe { libc::close(fd) };
        }
    }
}
