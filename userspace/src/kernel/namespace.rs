// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces by a descriptor (ioctl_nsfs(2)), by a socket, and by their numbers.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc::{self, Ioctl, c_int, c_long, c_uint};
use nix::{request_code_none, request_code_read};

/// Of linux/nsfs.h, which has 0xb7 for all of them.
const NS_GET_USERNS: Ioctl = request_code_none!(0xb7, 0x1) as Ioctl;
const NS_GET_NSTYPE: Ioctl = request_code_none!(0xb7, 0x3) as Ioctl;
const NS_GET_OWNER_UID: Ioctl = request_code_none!(0xb7, 0x4) as Ioctl;
const NS_GET_ID: Ioctl = request_code_read!(0xb7, 13, size_of::<u64>()) as Ioctl;

/// Of linux/sockios.h.
const SIOCGSKNS: Ioctl = 0x894c;

/// listns(2), the same number everywhere but on Alpha and MIPS.
const LISTNS: c_long = 470;
/// How many numbers it is asked for at a time.
const AT_A_TIME: usize = 4096;

/// Where open_by_handle_at(2) finds namespaces, of linux/fcntl.h, and the kind of
/// their handles, `FILEID_NSFS` of linux/exportfs.h.
const FD_NSFS_ROOT: c_int = -10003;
const FILEID_NSFS: c_int = 0xf1;

/// `struct ns_id_req` of linux/nsfs.h.
#[repr(C)]
struct Request {
    size: u32,
    spare: u32,
    last: u64,
    kind: u32,
    spare2: u32,
    owner: u64,
}

/// `struct file_handle` with a `struct nsfs_file_handle` in it. The number alone
/// says which namespace it is.
#[repr(C)]
struct Handle {
    bytes: c_uint,
    kind: c_int,
    id: u64,
    ns_type: u32,
    inode: u32,
}

/// The number that no other namespace has until the next boot, of a network
/// namespace its cookie; ENOTTY where the kernel does not tell it (before 6.18).
pub fn id(namespace: impl AsFd) -> nix::Result<u64> {
    let mut id = 0_u64;
    let fd = namespace.as_fd().as_raw_fd();
    // SAFETY: the kernel writes into a live integer of this size.
    Errno::result(unsafe { libc::ioctl(fd, NS_GET_ID, &raw mut id) }).map(|_| id)
}

/// Whether it is a network namespace, and none of another kind.
pub fn is_network(namespace: impl AsFd) -> nix::Result<bool> {
    let fd = namespace.as_fd().as_raw_fd();
    // SAFETY: the request takes no argument.
    let kind = Errno::result(unsafe { libc::ioctl(fd, NS_GET_NSTYPE) })?;
    Ok(kind == libc::CLONE_NEWNET)
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

/// The user that made the user namespace.
pub fn owner_uid(user_namespace: impl AsFd) -> nix::Result<u32> {
    let mut uid: libc::uid_t = 0;
    let fd = user_namespace.as_fd().as_raw_fd();
    // SAFETY: the kernel writes into a live integer of this size.
    Errno::result(unsafe { libc::ioctl(fd, NS_GET_OWNER_UID, &raw mut uid) }).map(|_| uid)
}

/// The network namespace of a socket.
pub fn of_socket(socket: impl AsFd) -> nix::Result<File> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the request takes no argument.
    let netns = Errno::result(unsafe { libc::ioctl(fd, SIOCGSKNS) })?;
    // SAFETY: the kernel has just made it for this process.
    Ok(unsafe { File::from_raw_fd(netns) })
}

/// The numbers of all network namespaces that something in userspace holds, in
/// order; ENOSYS before Linux 6.19.
pub fn list() -> nix::Result<Vec<u64>> {
    let mut request = Request {
        size: size_of::<Request>() as u32,
        spare: 0,
        last: 0,
        kind: libc::CLONE_NEWNET.unsigned_abs(),
        spare2: 0,
        owner: 0,
    };
    let mut all = Vec::new();
    loop {
        let mut ids = vec![0_u64; AT_A_TIME];
        let flags: c_uint = 0;
        // SAFETY: both pointers are to live memory, of the sizes that are said.
        let count = unsafe {
            libc::syscall(
                LISTNS,
                &raw const request,
                ids.as_mut_ptr(),
                ids.len(),
                flags,
            )
        };
        let count = match Errno::result(count) {
            // There is none after the last.
            Err(Errno::ENOENT) if request.last > 0 => 0,
            count => usize::try_from(count?).unwrap_or_default(),
        };
        all.extend(&ids[..count.min(ids.len())]);
        match all.last() {
            Some(&last) if count > 0 => request.last = last,
            _ => return Ok(all),
        }
    }
}

/// The namespace with this number; ESTALE where there is none any more.
pub fn open(id: u64) -> nix::Result<File> {
    let handle = Handle {
        bytes: (size_of::<Handle>() - size_of::<[c_int; 2]>()) as c_uint,
        kind: FILEID_NSFS,
        id,
        ns_type: 0,
        inode: 0,
    };
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: the pointer is to a live handle, which is as long as it says.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            FD_NSFS_ROOT,
            &raw const handle,
            flags,
        )
    };
    let fd = c_int::try_from(Errno::result(fd)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it for this process.
    Ok(unsafe { File::from_raw_fd(fd) })
}
