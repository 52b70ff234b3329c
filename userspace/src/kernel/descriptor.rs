// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors that come from elsewhere.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::{mem, ptr};

use neli::socket::NlSocket;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, SockFlag, accept4, recv};
use nix::unistd::Gid;

/// The most that one message can carry: `SCM_MAX_FD` of net/scm.h. With room for
/// all of them none is cut off but where this process can have no more.
const MOST: usize = 253;

/// Room for control messages: a header and that many descriptors.
const CONTROL: usize = 16 + MOST * size_of::<RawFd>();

/// Room that is aligned as the headers in it must be.
#[repr(C, align(8))]
struct Control([u8; CONTROL.next_multiple_of(8)]);

/// A packet that was received.
#[derive(Debug)]
pub struct Received {
    /// How much of the buffer it fills.
    pub length: usize,
    /// It was longer than the buffer.
    pub truncated: bool,
    pub descriptors: Vec<OwnedFd>,
    /// More descriptors came than this process can have.
    pub descriptors_lost: bool,
}

/// Receives one packet and the descriptors that came with it, without waiting.
/// They are closed when this process becomes another program.
///
/// nix has no way to the descriptors that did arrive where others were lost, and
/// so would leave them open for ever.
pub fn receive(socket: BorrowedFd, buffer: &mut [u8]) -> nix::Result<Received> {
    let mut control = Control([0; size_of::<Control>()]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: all zeroes is a message without name, parts and control messages.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the pointers are to the buffer and to the room above, which live on
    // and are as long as the lengths say.
    let length =
        Errno::result(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) })?;
    Ok(Received {
        length: usize::try_from(length).unwrap_or_default(),
        truncated: message.msg_flags & libc::MSG_TRUNC != 0,
        // SAFETY: the kernel has just written the message, and this is the only
        // time that it is read.
        descriptors: unsafe { take_descriptors(&message) },
        descriptors_lost: message.msg_flags & libc::MSG_CTRUNC != 0,
    })
}

/// The descriptors in a message's control messages.
///
/// # Safety
///
/// The message is as recvmsg(2) left it, its room for control messages is still
/// there, and the descriptors in it belong to nobody yet.
unsafe fn take_descriptors(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    // SAFETY: the message is valid.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: what is no null pointer is a header that the kernel wrote.
    while let Some(header) = unsafe { next.as_ref() } {
        if (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            // SAFETY: the arithmetic is on a length.
            let empty = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = header.cmsg_len.saturating_sub(empty) / size_of::<RawFd>();
            // SAFETY: the header is valid.
            let data = unsafe { libc::CMSG_DATA(header) }.cast::<RawFd>();
            for index in 0..count {
                // SAFETY: the kernel wrote that many descriptors behind the
                // header, and has just made them for this process.
                descriptors.push(unsafe { OwnedFd::from_raw_fd(data.add(index).read_unaligned()) });
            }
        }
        // SAFETY: the message is valid, and the header is one of its own.
        next = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    descriptors
}

/// Whether the process at the other end was, when it connected, of this group,
/// its first one or another (`SO_PEERGROUPS`).
pub fn peer_has_group(connection: BorrowedFd, first: Gid, group: Gid) -> nix::Result<bool> {
    if first == group {
        return Ok(true);
    }
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let mut length =
            libc::socklen_t::try_from(mem::size_of_val(&*groups)).map_err(|_| Errno::ERANGE)?;
        // SAFETY: the kernel writes into the vector, no more than its length.
        let got = Errno::result(unsafe {
            libc::getsockopt(
                connection.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                ptr::from_mut(&mut length),
            )
        });
        // Either way this is how many there are.
        let count = length as usize / size_of::<libc::gid_t>();
        match got {
            Err(Errno::ERANGE) if count > groups.len() => groups.resize(count, 0),
            Err(error) => return Err(error),
            Ok(_) => return Ok(groups[..count].contains(&group.as_raw())),
        }
    }
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

/// The descriptor of a netlink socket, which neli lends as a number and no other way.
pub fn of_netlink(socket: &NlSocket) -> BorrowedFd<'_> {
    // SAFETY: a NlSocket owns its descriptor and closes it when it is dropped, which
    // cannot be while it is borrowed here.
    unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) }
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
