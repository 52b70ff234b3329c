// SPDX-License-Identifier: MIT OR Apache-2.0

//! A terminal for a command, shown on our own.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

use crate::kernel::terminal;

/// What a terminal reads as the end of input, typed (VEOF).
const END_OF_INPUT: u8 = 4;

/// A pair of terminals: the command has one end, and what it writes there is
/// copied to our standard output, what comes from our standard input is copied
/// to it. Our own terminal passes on every key as it is until this is dropped.
pub struct Pty {
    master: File,
    /// The command's end.
    pub slave: OwnedFd,
    /// Read from our input, and not yet taken by the command.
    typed: Vec<u8>,
    input_ended: bool,
    /// How our terminal was, where there is one.
    ours: Option<Termios>,
}

impl Pty {
    pub fn open() -> Result<Self> {
        let opening = "cannot open a terminal for the command";
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).context(opening)?;
        grantpt(&master)
            .and_then(|()| unlockpt(&master))
            .context(opening)?;
        let path = ptsname_r(&master).context(opening)?;
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).context(opening)?;
        let slave = nix::fcntl::open(&*path, flags, nix::sys::stat::Mode::empty())
            .with_context(|| format!("cannot open {path}"))?;
        let mut pty = Pty {
            master: File::from(OwnedFd::from(master)),
            slave,
            typed: Vec::new(),
            input_ended: false,
            ours: None,
        };
        pty.resize();
        pty.ours = make_raw();
        Ok(pty)
    }

    /// Gives the command's terminal the size of ours, if that has one.
    pub fn resize(&self) {
        if let Ok(size) = terminal::size(io::stdout()) {
            let _ = terminal::set_size(&self.master, size);
        }
    }

    /// Wants to read our standard input.
    pub fn wants_input(&self) -> bool {
        self.typed.is_empty() && !self.input_ended
    }

    /// Wants to write to the command's terminal.
    pub fn has_input(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Reads what there is on our standard input.
    pub fn read_input(&mut self) {
        let mut buffer = [0; 4096];
        match io::stdin().lock().read(&mut buffer) {
            Ok(0) | Err(_) => {
                self.input_ended = true;
                self.typed = vec![END_OF_INPUT];
            }
            Ok(length) => self.typed = buffer[..length].to_vec(),
        }
        self.write_input();
    }

    /// Hands on what was read, as far as the command's terminal takes it.
    pub fn write_input(&mut self) {
        match self.master.write(&self.typed) {
            Ok(length) => drop(self.typed.drain(..length)),
            Err(error) if is_for_later(&error) => {}
            Err(_) => self.typed.clear(),
        }
    }

    /// Shows what the command wrote; false when there is no more for now.
    pub fn show_output(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.master.read(&mut buffer) {
            Ok(length) if length > 0 => {
                let mut out = io::stdout().lock();
                out.write_all(&buffer[..length])
                    .and_then(|()| out.flush())
                    .is_ok()
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            _ => false,
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn make_raw() -> Option<Termios> {
    let before = tcgetattr(io::stdout()).ok()?;
    let mut raw = before.clone();
    cfmakeraw(&mut raw);
    tcsetattr(io::stdout(), SetArg::TCSADRAIN, &raw).ok()?;
    Some(before)
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Some(before) = &self.ours {
            let _ = tcsetattr(io::stdout(), SetArg::TCSADRAIN, before);
        }
    }
}
