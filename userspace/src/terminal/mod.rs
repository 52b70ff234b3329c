// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running a command as if it were here: with a terminal of its own that shows
//! on ours ([`Pty`]), and with the signals that reach us passed on ([`attend()`]).
//! And ours as a [`Screen`] to draw on.

mod attend;
mod pty;
mod screen;

pub use attend::{Attended, attend, hold_signals};
pub use pty::Pty;
pub use screen::Screen;

use std::io::{self, IsTerminal};

use nix::unistd::{getpgrp, tcgetpgrp};

/// Somebody sits at the terminal and types to this process: standard input,
/// output and error are terminals, and it is not in the background.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal()
        && io::stdout().is_terminal()
        && io::stderr().is_terminal()
        && tcgetpgrp(io::stdout()) == Ok(getpgrp())
}
