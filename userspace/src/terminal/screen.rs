// SPDX-License-Identifier: MIT OR Apache-2.0

//! The terminal as a screen that a program draws on, and as it was before, on every
//! way out.

use std::io::{self, Stdout};
use std::panic;

use anyhow::{Context, Result};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// The whole terminal, until this is dropped. A panic gives it back before it says
/// what happened.
pub struct Screen {
    pub terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub fn take() -> Result<Self> {
        let say = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            say(panic);
        }));
        take_over()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()));
        if terminal.is_err() {
            give_back();
        }
        Ok(Screen {
            terminal: terminal.context("cannot draw on the terminal")?,
        })
    }

    /// Lets others have it while `away` lasts.
    pub fn lend(&mut self, away: impl FnOnce()) -> Result<()> {
        give_back();
        away();
        take_over()?;
        self.terminal.clear().context("cannot draw on the terminal")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take_over() -> Result<()> {
    let taking = "cannot take over the terminal";
    enable_raw_mode().context(taking)?;
    let taken = execute!(io::stdout(), EnterAlternateScreen);
    if taken.is_err() {
        give_back();
    }
    taken.context(taking)
}

/// As far as it is still there.
fn give_back() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs::File;
    use std::io::Read;
    use std::process::{Command, Stdio};

    use nix::pty::openpty;
    use nix::sys::termios::{LocalFlags, tcgetattr};

    use super::*;

    /// Names the terminal's user, in a process of its own.
    const INSIDE: &str = "PERNET_TEST_PANICS_ON_A_SCREEN";

    #[test]
    fn a_panic_gives_the_terminal_back() {
        if env::var_os(INSIDE).is_some() {
            let _screen = Screen::take().unwrap();
            panic!("as it can happen");
        }
        let pty = openpty(None, None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let name = "terminal::screen::tests::a_panic_gives_the_terminal_back";
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .status();
        assert!(!status.unwrap().success());
        let flags = tcgetattr(&pty.slave).unwrap().local_flags;
        assert!(
            flags.contains(LocalFlags::ICANON | LocalFlags::ECHO),
            "{flags:?}"
        );
        let mut seen = vec![0; 4096];
        let length = File::from(pty.master).read(&mut seen).unwrap();
        let seen = String::from_utf8_lossy(&seen[..length]).into_owned();
        let (taken, given) = (seen.find("\x1b[?1049h"), seen.find("\x1b[?1049l"));
        let said = seen.find("as it can happen");
        assert!(taken.is_some() && taken < given && given < said, "{seen:?}");
    }
}
