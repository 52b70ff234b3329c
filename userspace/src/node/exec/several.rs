// SPDX-License-Identifier: MIT OR Apache-2.0

//! A command in each of several places at once, and what each of them says.
//!
//! For each there is a child, which does what this process would do for that one
//! place alone: with /dev/null to read, and pipes to write to.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::SignalFd;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, pipe2, setpgid};

use super::Outcome;
use super::child::die_with;
use super::report::{self, Verdict};
use crate::kernel::process::{self, Ended, Pidfd};
use crate::terminal::hold_signals;

/// What a child tells of its command: how it ended, where somebody waited for it.
pub struct Told {
    pub status: u8,
    pub outcome: Option<Outcome>,
}

/// What became of one.
pub struct Done {
    pub status: u8,
    pub outcome: Option<Outcome>,
    pub duration: Duration,
}

/// Where something was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// Who hears what is written, a whole line at a time. False asks for no more.
pub type Sink<'a> = &'a mut dyn FnMut(usize, Stream, &[u8]) -> bool;

/// Runs `work` in a child for each number below `count`, at most `most` at a time.
/// `work` is given a hold on this process, with which its command is to end.
pub fn run(
    count: usize,
    most: Option<usize>,
    work: impl Fn(usize, &Pidfd) -> Told,
    sink: Sink,
) -> Result<Vec<Done>> {
    let own = Pidfd::open(getpid()).context("cannot hold on to this process")?;
    let before = SigSet::thread_get_mask().context("cannot tell which signals are held back")?;
    let signals = hold_signals()?;
    process::keep_children();
    let most = most.unwrap_or(usize::MAX).min(room()?).max(1);
    let mut done: Vec<Option<Done>> = (0..count).map(|_| None).collect();
    let mut waiting: VecDeque<usize> = (0..count).collect();
    let mut running: Vec<Running> = Vec::new();
    // A signal that is to end the commands ends those to come, too.
    let mut stop = None;
    loop {
        while running.len() < most && stop.is_none() {
            let Some(index) = waiting.pop_front() else {
                break;
            };
            running.push(Running::start(index, &own, &before, &work)?);
        }
        if running.is_empty() {
            break;
        }
        let ready = wait(&running, &signals)?;
        let mut wants_more = true;
        let mut left = Vec::new();
        for (one, is_ready) in running.into_iter().zip(ready) {
            match is_ready {
                true => left.extend(one.attend(sink, &mut wants_more, &mut done)?),
                false => left.push(one),
            }
        }
        running = left;
        if !wants_more {
            pass_on(&running, libc::SIGPIPE);
            stop = Some(libc::SIGPIPE);
        }
        take_signals(&signals, &running, &mut stop)?;
    }
    Ok(done
        .into_iter()
        .map(|done| done.unwrap_or_else(|| Done::never(stop)))
        .collect())
}

/// How many there is room for: each has two pipes, a report and a hold, and one
/// that begins has twice as much.
fn room() -> Result<usize> {
    let (soft, _) =
        getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    Ok(usize::try_from(soft.saturating_sub(64) / 4).unwrap_or(usize::MAX))
}

/// Waits for a signal or one of the children; says of each if there is something.
fn wait(running: &[Running], signals: &SignalFd) -> Result<Vec<bool>> {
    let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let mut fds = vec![readable(signals.as_fd())];
    for one in running {
        fds.push(readable(one.held.as_fd()));
        fds.extend(one.written.iter().filter_map(Written::pipe).map(readable));
    }
    match poll(&mut fds, PollTimeout::NONE) {
        Err(Errno::EINTR) => {}
        polled => drop(polled.context("cannot wait for the commands")?),
    }
    let mut came = (fds.iter().skip(1)).map(|fd| fd.any().unwrap_or(true));
    Ok(running
        .iter()
        .map(|one| {
            let descriptors = 1 + one.written.iter().filter_map(Written::pipe).count();
            // Every one of them is counted, also behind the first that is ready.
            came.by_ref()
                .take(descriptors)
                .fold(false, |any, came| any | came)
        })
        .collect())
}

fn take_signals(signals: &SignalFd, running: &[Running], stop: &mut Option<i32>) -> Result<()> {
    while let Some(info) = signals.read_signal().context("cannot watch for signals")? {
        let signal = i32::try_from(info.ssi_signo)?;
        match signal {
            libc::SIGCHLD => continue,
            libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => *stop = Some(signal),
            _ => {}
        }
        pass_on(running, signal);
        if signal == libc::SIGTSTP {
            let _ = raise(Signal::SIGSTOP);
        }
    }
    Ok(())
}

/// To every process group, each of which is a child's.
fn pass_on(running: &[Running], signal: i32) {
    for one in running {
        let _ = process::kill(Pid::from_raw(-one.pid.as_raw()), signal);
    }
}

/// A child.
struct Running {
    index: usize,
    pid: Pid,
    held: Pidfd,
    report: Verdict,
    written: [Written; 2],
    since: Instant,
}

impl Running {
    fn start(
        index: usize,
        own: &Pidfd,
        before: &SigSet,
        work: impl Fn(usize, &Pidfd) -> Told,
    ) -> Result<Self> {
        let null = File::open("/dev/null").context("cannot open /dev/null")?;
        let (out, out_there) = pipe()?;
        let (err, err_there) = pipe()?;
        let (report, speaker) = report::verdict()?;
        let since = Instant::now();
        let itself = Pid::from_raw(0);
        let pid = process::fork(|| {
            let settled = setpgid(itself, itself)
                .and_then(|()| dup2_stdin(&null))
                .and_then(|()| dup2_stdout(&out_there))
                .and_then(|()| dup2_stderr(&err_there))
                .and_then(|()| before.thread_set_mask());
            // The command's own output ends when the command does.
            drop((null, out_there, err_there));
            if settled.is_err() || die_with(own).is_err() {
                return 1;
            }
            let told = work(index, own);
            if let Some(outcome) = told.outcome {
                speaker.say(outcome);
            }
            told.status
        })
        .context("cannot make a process")?;
        let _ = setpgid(pid, pid);
        Ok(Running {
            index,
            pid,
            held: Pidfd::open(pid).context("cannot hold on to a process")?,
            report,
            written: [
                Written::new(Stream::Out, out),
                Written::new(Stream::Err, err),
            ],
            since,
        })
    }

    /// Reads what there is; nothing is left of one that has ended.
    fn attend(
        mut self,
        sink: Sink,
        wants_more: &mut bool,
        done: &mut [Option<Done>],
    ) -> Result<Option<Self>> {
        // First, so that what is read afterwards is all there is of it.
        let has_ended = self.held.has_ended().context("cannot wait for a command")?;
        for written in &mut self.written {
            *wants_more &= written.read(self.index, has_ended, sink);
        }
        if !has_ended {
            return Ok(Some(self));
        }
        let reaped = process::reap(Some(self.pid), 0).context("cannot wait for a command")?;
        let ended = Ended::from_status(reaped.map_or(0, |(_, status)| status));
        // A child that became the command tells by its own end.
        let outcome = self.report.hear().or_else(|| ended_itself(ended));
        done[self.index] = Some(Done {
            status: outcome.map_or(ended.exit_status(), Outcome::exit_status),
            outcome,
            duration: self.since.elapsed(),
        });
        Ok(None)
    }
}

fn ended_itself(ended: Ended) -> Option<Outcome> {
    Some(Outcome {
        ended,
        timed_out: false,
    })
}

impl Done {
    /// It was not begun, because a signal came before.
    fn never(stop: Option<i32>) -> Self {
        let ended = stop.map(Ended::Killed);
        Done {
            status: ended.map_or(1, Ended::exit_status),
            outcome: ended.and_then(ended_itself),
            duration: Duration::ZERO,
        }
    }
}

/// What a child writes to one of its streams.
struct Written {
    stream: Stream,
    pipe: Option<File>,
    /// The line that is not complete.
    line: Vec<u8>,
}

/// The longest piece that is kept back until its line is complete.
const LONGEST_LINE: usize = 64 * 1024;

impl Written {
    fn new(stream: Stream, pipe: File) -> Self {
        Written {
            stream,
            pipe: Some(pipe),
            line: Vec::new(),
        }
    }

    fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads a piece, or all there is if this is the end: what others write, to
    /// whom the command has left the pipe, is not waited for.
    fn read(&mut self, index: usize, is_end: bool, sink: Sink) -> bool {
        let mut wants_more = true;
        let mut buffer = [0; 16 * 1024];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(length) if length > 0 => {
                    wants_more &= self.take(index, &buffer[..length], sink);
                    if !is_end {
                        return wants_more;
                    }
                }
                Err(error) if !is_end && error.kind() == std::io::ErrorKind::WouldBlock => {
                    return wants_more;
                }
                _ => self.pipe = None,
            }
        }
        if !self.line.is_empty() {
            let mut line = std::mem::take(&mut self.line);
            line.push(b'\n');
            wants_more &= sink(index, self.stream, &line);
        }
        wants_more
    }

    fn take(&mut self, index: usize, text: &[u8], sink: Sink) -> bool {
        let mut wants_more = true;
        for piece in text.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() >= LONGEST_LINE && !self.line.ends_with(b"\n") {
                self.line.push(b'\n');
            }
            if self.line.ends_with(b"\n") {
                wants_more &= sink(index, self.stream, &self.line);
                self.line.clear();
            }
        }
        wants_more
    }
}

/// A pipe that is read without waiting; the command's end waits, as it expects.
fn pipe() -> Result<(File, File)> {
    let making = "cannot make a pipe";
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).context(making)?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).context(making)?;
    Ok((reader.into(), writer.into()))
}
