// SPDX-License-Identifier: MIT OR Apache-2.0

//! How far long work has come, for who watches a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What takes no longer needs no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the bar changes.
const INTERVAL: Duration = Duration::from_millis(50);

const WIDTH: usize = 30;

/// A bar on standard error, if that is a terminal; gone when the work is done.
pub struct Progress(Option<Mutex<Bar>>);

struct Bar {
    what: &'static str,
    done: usize,
    all: usize,
    next: Instant,
    shown: bool,
}

impl Progress {
    pub fn new() -> Self {
        let bar = Bar {
            what: "",
            done: 0,
            all: 0,
            next: Instant::now() + PATIENCE,
            shown: false,
        };
        Progress(io::stderr().is_terminal().then(|| Mutex::new(bar)))
    }

    /// What is done next, and with how many things.
    pub fn begin(&self, what: &'static str, all: usize) {
        self.change(|bar| {
            (bar.what, bar.all, bar.done) = (what, all, 0);
        });
    }

    pub fn advance(&self, by: usize) {
        self.change(|bar| bar.done += by);
    }

    fn change(&self, change: impl FnOnce(&mut Bar)) {
        let Some(bar) = &self.0 else { return };
        let mut bar = bar.lock().unwrap_or_else(|lock| lock.into_inner());
        change(&mut bar);
        if Instant::now() >= bar.next {
            bar.next = Instant::now() + INTERVAL;
            bar.shown = true;
            let _ = write!(io::stderr(), "\r\x1b[K{}", bar.render());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some(bar) = &mut self.0 else { return };
        let bar = bar.get_mut().unwrap_or_else(|lock| lock.into_inner());
        if bar.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Bar {
    fn render(&self) -> String {
        let done = self.done.min(self.all);
        let full = WIDTH * done / self.all.max(1);
        let (full, empty) = ("#".repeat(full), "-".repeat(WIDTH - full));
        format!("[{full}{empty}] {} {done}/{}", self.what, self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_long_as_what_is_done() {
        let bar = |done, all| {
            let next = Instant::now();
            let (what, shown) = ("nodes", false);
            Bar {
                what,
                done,
                all,
                next,
                shown,
            }
            .render()
        };
        assert_eq!(bar(5, 10), "[###############---------------] nodes 5/10");
        assert_eq!(bar(0, 0), "[------------------------------] nodes 0/0");
        assert!(bar(20, 10).ends_with("nodes 10/10"));
    }
}
