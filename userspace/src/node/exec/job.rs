// SPDX-License-Identifier: MIT OR Apache-2.0

//! A child and its process group: signals for all of it, the time it may take,
//! and whose turn it is at the terminal.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::signal::{Signal, raise};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use super::{Manner, Outcome};
use crate::kernel::process::{self, Ended, Pidfd};
use crate::terminal::Attended;

/// How long a command that is asked to end may take, as with CORE's nodes.
const GRACE: Duration = Duration::from_secs(2);

pub struct Job {
    pid: Pid,
    held: Pidfd,
    clock: Option<Clock>,
    /// Its terminal is its own, not ours.
    has_terminal: bool,
    /// Our terminal, while it is the command's turn.
    lent: Option<File>,
}

/// The time that a command has.
struct Clock {
    /// Readable when the command has ended or its time is up.
    events: Epoll,
    timer: TimerFd,
    is_up: bool,
}

impl Job {
    /// Of a child of this process that leads its process group.
    pub fn new(pid: Pid, manner: Manner) -> Result<Self> {
        let held = Pidfd::open(pid).context("cannot hold on to the command")?;
        let clock = (manner.timeout)
            .map(|timeout| Clock::new(&held, timeout).context("cannot measure time"))
            .transpose()?;
        Ok(Job {
            pid,
            held,
            clock,
            has_terminal: manner.terminal,
            lent: None,
        })
    }

    /// To every process of the group.
    fn signal_all(&self, signal: i32) {
        let _ = process::kill(Pid::from_raw(-self.pid.as_raw()), signal);
    }

    /// Ends what had its time: by asking at first.
    fn end_in_time(&mut self) -> Result<()> {
        let Some(clock) = &mut self.clock else {
            return Ok(());
        };
        if clock.timer.wait().is_err() {
            return Ok(());
        }
        if clock.is_up {
            self.signal_all(libc::SIGKILL);
            return Ok(());
        }
        clock.is_up = true;
        clock.set(GRACE).context("cannot measure time")?;
        self.signal_all(libc::SIGTERM);
        // What is stopped hears of it only when it goes on.
        self.signal_all(libc::SIGCONT);
        Ok(())
    }

    fn finish(&mut self) -> Result<Outcome> {
        let timed_out = self.clock.as_ref().is_some_and(|clock| clock.is_up);
        if timed_out {
            // The child has not been waited for, so the group is no other's yet.
            self.signal_all(libc::SIGKILL);
        }
        self.take_terminal_back();
        let reaped = process::reap(Some(self.pid), 0).context("cannot wait for the command")?;
        let status = reaped.map_or(0, |(_, status)| status);
        Ok(Outcome {
            ended: Ended::from_status(status),
            timed_out,
        })
    }

    /// The command was stopped by `signal`. Where that is about our terminal, we
    /// do what a command of the caller's shell would do in its place.
    fn stopped(&mut self, signal: Signal) {
        let wants_terminal = matches!(signal, Signal::SIGTTIN | Signal::SIGTTOU);
        if self.has_terminal || !(wants_terminal || signal == Signal::SIGTSTP) {
            return;
        }
        let had_terminal = self.lent.is_some();
        if !(wants_terminal && !had_terminal && self.lend_terminal()) {
            self.take_terminal_back();
            let _ = raise(Signal::SIGSTOP);
            // The caller said to go on.
            if had_terminal || wants_terminal {
                self.lend_terminal();
            }
        }
        self.signal_all(libc::SIGCONT);
    }

    /// Lets the command's group have our terminal, if we have it. Only a command
    /// that asks gets it: others of our group, a pager say, may be reading there.
    fn lend_terminal(&mut self) -> bool {
        let terminal = File::options().read(true).write(true).open("/dev/tty");
        let Some(terminal) = terminal
            .ok()
            .filter(|file| tcgetpgrp(file) == Ok(getpgrp()))
        else {
            return false;
        };
        let lent = tcsetpgrp(&terminal, self.pid).is_ok();
        self.lent = lent.then_some(terminal);
        lent
    }

    fn take_terminal_back(&mut self) {
        if let Some(terminal) = self.lent.take() {
            if tcgetpgrp(&terminal) == Ok(self.pid) {
                let _ = tcsetpgrp(&terminal, getpgrp());
            }
        }
    }
}

impl Attended for Job {
    type End = Outcome;

    fn events(&self) -> BorrowedFd<'_> {
        match &self.clock {
            Some(clock) => clock.events.0.as_fd(),
            None => self.held.as_fd(),
        }
    }

    fn hear(&mut self) -> Result<Option<Outcome>> {
        if self
            .held
            .has_ended()
            .context("cannot wait for the command")?
        {
            return self.finish().map(Some);
        }
        self.end_in_time().map(|()| None)
    }

    fn signal(&mut self, signal: i32) -> Result<()> {
        self.signal_all(signal);
        Ok(())
    }

    fn child_changed(&mut self) -> Result<()> {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
        if let Ok(WaitStatus::Stopped(_, signal)) = waitid(Id::Pid(self.pid), flags) {
            self.stopped(signal);
        }
        Ok(())
    }
}

impl Clock {
    fn new(command: &Pidfd, timeout: Duration) -> nix::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let events = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let readable = || EpollEvent::new(EpollFlags::EPOLLIN, 0);
        events.add(command, readable())?;
        events.add(&timer, readable())?;
        let clock = Clock {
            events,
            timer,
            is_up: false,
        };
        clock.set(timeout)?;
        Ok(clock)
    }

    fn set(&self, time: Duration) -> nix::Result<()> {
        let once = Expiration::OneShot(TimeSpec::from_duration(time));
        self.timer.set(once, TimerSetTimeFlags::empty())
    }
}
