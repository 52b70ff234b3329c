// SPDX-License-Identifier: MIT OR Apache-2.0

//! Terminals: whose they are, and how large.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;

/// Rows and columns of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
}

/// Makes the terminal the controlling one of this session, which has none yet
/// (`TIOCSCTTY`).
pub fn take_control(terminal: impl AsFd) -> nix::Result<()> {
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: the argument is a number.
    Errno::result(unsafe { libc::ioctl(fd, libc::TIOCSCTTY, 0) }).map(drop)
}

pub fn size(terminal: impl AsFd) -> nix::Result<Size> {
    let mut size = winsize(Size::default());
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: the kernel writes into a live structure of this type.
    Errno::result(unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) })?;
    Ok(Size {
        rows: size.ws_row,
        columns: size.ws_col,
    })
}

/// Sets the size; processes of the terminal hear of it by SIGWINCH.
pub fn set_size(terminal: impl AsFd, size: Size) -> nix::Result<()> {
    let size = winsize(size);
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: the kernel reads from a live structure of this type.
    Errno::result(unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &raw const size) }).map(drop)
}

fn winsize(size: Size) -> libc::winsize {
    libc::winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
