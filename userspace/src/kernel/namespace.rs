// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel tells of a namespace by a descriptor of it (ioctl_nsfs(2)).

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc::{self, Ioctl};
use nix::{request_code_none, request_code_read};

/// Of linux/nsfs.h, which has 0xb7 for all of them.
const NS_GET_USERNS: Ioctl = request_code_none!(0xb7, 0x1) as Ioctl;
const NS_GET_ID: Ioctl = request_code_read!(0xb7, 13, size_of::<u64>()) as Ioctl;

/// The number that no other namespace has until the next boot, of a network
/// namespace its cookie; ENOTTY where the kernel does not tell it (before 6.18).
pub fn id(namespace: impl AsFd) -> nix::Result<u64> {
    let mut id = 0_u64;
    let fd = namespace.as_fd().as_raw_fd();
    // SAFETY: the kernel writes into a live integer of this size.
    Errno::result(unsafe { libc::ioctl(fd, NS_GET_ID, &raw mut id) }).map(|_| id)
}

/// The user namespace that owns a namespace; EPERM where the caller is in none
/// that contains it.
pub fn owner(namespace: impl AsFd) -> nix::Result<OwnedFd> {
    let fd = namespace.as_fd().as_raw_fd();
    // SAFETY: the request takes no argument.
    let owner = Errno::result(unsafe { libc::ioctl(fd, NS_GET_USERNS) })?;
    // SAFETY: the kernel has just made it for this process.
    Ok(unsafe { OwnedFd::from_raw_fd(owner) })
}
