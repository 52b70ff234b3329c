// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet top`: what namespaces do, live.

use std::env;
use std::io;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result, ensure};
use clap::Args;
use nix::libc;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::SignalFd;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use super::argument;
use crate::netlink::pernet::{Filter, NoModule};
use crate::netns::Reference;
use crate::signals;
use crate::stat::Reader;
use crate::stat::model::{Snapshot, Source};
use crate::terminal::{self, Screen};
use crate::top::{self, Extent, Look, Sort, State, Wish};

/// Watch what each namespace does, on the whole screen
///
/// Namespaces with their rates, sorted by what is asked for; Enter looks into one: its
/// hooks, its devices, its drops by reason and what that means. Keys are those of top
/// and htop, and `?` lists them. Without the module the counts are the kernel's own.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Read so often
    #[arg(long, short = 'd', value_name = "SECONDS", default_value = "2", value_parser = interval)]
    interval: Duration,
    /// Sort by this at first
    #[arg(long, value_enum, default_value = "packets-in")]
    sort: Sort,
    /// Show namespaces with this in their name, lab or node
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    filter: String,
    /// Whose counts to show; by default the module's, if it is loaded
    #[arg(long, value_enum)]
    source: Option<Source>,
}

const AFTER: &str = "\
NO_COLOR in the environment keeps it without colours.

Example: pernet top --sort drops -d 1";

/// How long a signal may wait, for keys are waited for in steps.
const STEP: Duration = Duration::from_millis(100);

fn interval(text: &str) -> Result<Duration> {
    argument::seconds(text, top::INTERVALS)
}

/// Returns the exit status: what a shell says of a signal, where one came.
pub fn run(arguments: &Arguments) -> Result<u8> {
    ensure!(
        terminal::is_interactive(),
        "there is no terminal to draw on; for programs there is `pernet stat --json`"
    );
    let mut state = State::new(arguments.sort, arguments.interval);
    state.filter.clone_from(&arguments.filter);
    // What cannot be read at all is said without a screen.
    state.add(Ok(read(arguments.source)?));
    let signals = hold_signals()?;
    let mut session = Session {
        source: arguments.source,
        look: look(),
        screen: Screen::take()?,
        signals,
        state,
        extent: Extent::default(),
    };
    session.run()
}

fn look() -> Look {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find(|name| is_set(name));
    let locale = locale
        .and_then(|name| env::var(name).ok())
        .unwrap_or_default();
    Look {
        colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        unicode: locale
            .to_ascii_lowercase()
            .replace('-', "")
            .contains("utf8"),
    }
}

fn read(source: Option<Source>) -> Result<Snapshot> {
    // Anew each time: the module may have come or gone.
    let mut reader = Reader::open(source)?.ok_or(NoModule)?;
    reader.read(&[], &Filter::default())
}

/// The module knows no devices one by one; the kernel does.
fn read_devices(cookie: u64) -> Result<Snapshot> {
    let mut reader = Reader::open(Some(Source::Kernel))?.ok_or(NoModule)?;
    let wanted = [Reference::Cookie(cookie)];
    (reader.read(&wanted, &Filter::default())).context("cannot read the devices")
}

/// Holds back the signals that end or stop a program, to be read.
fn hold_signals() -> Result<SignalFd> {
    let mask = SigSet::from_iter([
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGTSTP,
    ]);
    signals::hold(&mask)
}

struct Session {
    source: Option<Source>,
    look: Look,
    screen: Screen,
    signals: SignalFd,
    state: State,
    /// Of what was drawn last.
    extent: Extent,
}

impl Session {
    fn run(&mut self) -> Result<u8> {
        let mut turn = self.next_turn();
        loop {
            self.draw()?;
            match self.wait(turn)? {
                Happened::Signal(signal) => return Ok(u8::try_from(128 + signal)?),
                Happened::Wish(Wish::Quit) => return Ok(0),
                // As by Ctrl-Z at the shell; it goes on here with SIGCONT.
                Happened::Wish(Wish::Stop) => self.screen.lend(|| {
                    let _ = raise(Signal::SIGSTOP);
                })?,
                // The interval may be a shorter one by now.
                Happened::Wish(Wish::Draw) => turn = turn.min(self.next_turn()),
                Happened::Wish(Wish::ReadDevices) => self.read_devices(),
                Happened::Turn if self.state.paused => turn = self.next_turn(),
                Happened::Turn | Happened::Wish(Wish::Read) => {
                    self.read();
                    turn = self.next_turn();
                }
            }
        }
    }

    fn next_turn(&self) -> Instant {
        Instant::now() + self.state.interval
    }

    fn draw(&mut self) -> Result<()> {
        let (state, look, extent) = (&self.state, self.look, &mut self.extent);
        let drawn = (self.screen.terminal).draw(|frame| *extent = top::draw(frame, state, look));
        drawn.map(drop).context("cannot draw on the terminal")
    }

    fn read(&mut self) {
        self.state.add(read(self.source));
        self.read_devices();
    }

    /// Of the namespace whose devices are shown, if any.
    fn read_devices(&mut self) {
        if let Some(cookie) = self.state.shows_devices_of() {
            self.state.add_devices(read_devices(cookie));
        }
    }

    fn wait(&mut self, turn: Instant) -> Result<Happened> {
        let waiting = "cannot wait for keys";
        loop {
            let signal = self
                .signals
                .read_signal()
                .context("cannot watch for signals")?;
            match signal
                .map(|info| i32::try_from(info.ssi_signo))
                .transpose()?
            {
                Some(libc::SIGTSTP) => return Ok(Happened::Wish(Wish::Stop)),
                Some(signal) => return Ok(Happened::Signal(signal)),
                None => {}
            }
            let left = turn.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Happened::Turn);
            }
            if !event::poll(left.min(STEP)).context(waiting)? {
                continue;
            }
            match event::read().context(waiting)? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    return Ok(Happened::Wish(self.state.press(key, self.extent)));
                }
                Event::Resize(..) => return Ok(Happened::Wish(Wish::Draw)),
                _ => {}
            }
        }
    }
}

enum Happened {
    /// It is time to read again.
    Turn,
    Wish(Wish),
    Signal(i32),
}
