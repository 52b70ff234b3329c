// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a child says to its parent until it is a command: nothing, if all is
//! well, since its end of the pipe is closed by exec(2).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};

use anyhow::{Context, Error, Result, anyhow};
use nix::fcntl::OFlag;
use nix::unistd::{Pid, pipe2};

use super::{NotStarted, Outcome};
use crate::kernel::process::Ended;

/// What is written at once, not in pieces (PIPE_BUF).
const LONGEST: usize = 4096;

const PID: u8 = b'p';
const NOT_RUN: u8 = b'x';
const ERROR: u8 = b'e';

/// The parent's end.
pub struct Listener(File);

/// The child's end.
pub struct Speaker(File);

/// All that was said.
#[derive(Default)]
pub struct Said {
    pub pid: Option<Pid>,
    pub error: Option<Error>,
}

pub fn pair() -> Result<(Listener, Speaker)> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).context("cannot make a pipe")?;
    Ok((Listener(reader.into()), Speaker(writer.into())))
}

impl Speaker {
    /// The pid of the process that is about to be the command.
    pub fn say_pid(&self, pid: Pid) {
        self.say(PID, &pid.as_raw().to_ne_bytes());
    }

    /// Why there will be no command; the status for whoever asks for that only.
    pub fn say_error(&self, error: &Error) -> u8 {
        match error.downcast_ref::<NotStarted>() {
            Some(not_started) => {
                self.say(NOT_RUN, &not_started.errno().to_ne_bytes());
                not_started.status()
            }
            None => {
                self.say(ERROR, format!("{error:#}").as_bytes());
                1
            }
        }
    }

    fn say(&self, what: u8, text: &[u8]) {
        let mut word = [&[what], text].concat();
        word.truncate(LONGEST);
        // Without a parent there is nobody to say it to.
        let _ = (&self.0).write_all(&word);
    }
}

impl Listener {
    /// All that the child says before it is the command `program`, or has ended.
    pub fn hear(self, program: &OsStr) -> Result<Said> {
        let mut words = Vec::new();
        // A pid, and why there will be no command.
        self.0
            .take(2 * LONGEST as u64)
            .read_to_end(&mut words)
            .context("cannot hear what became of the command")?;
        Ok(understand(&words, program))
    }
}

fn understand(words: &[u8], program: &OsStr) -> Said {
    let mut said = Said::default();
    let mut rest = words;
    if let [PID, after @ ..] = rest {
        if let Some((pid, after)) = after.split_first_chunk() {
            said.pid = Some(Pid::from_raw(i32::from_ne_bytes(*pid)));
            rest = after;
        }
    }
    said.error = match rest {
        [] => None,
        [NOT_RUN, errno @ ..] => {
            let errno = errno.try_into().map_or(0, i32::from_ne_bytes);
            Some(NotStarted::new(program, errno).into())
        }
        [ERROR, text @ ..] => Some(anyhow!("{}", String::from_utf8_lossy(text))),
        _ => Some(anyhow!("it is not clear what became of the command")),
    };
    said
}

/// The end of a command that a child waited for, and could not end like itself.
pub struct Verdict(File);

/// Where the child says it.
pub struct VerdictSpeaker(File);

pub fn verdict() -> Result<(Verdict, VerdictSpeaker)> {
    let (Listener(reader), Speaker(writer)) = pair()?;
    Ok((Verdict(reader), VerdictSpeaker(writer)))
}

impl VerdictSpeaker {
    pub fn say(&self, outcome: Outcome) {
        let (is_killed, value) = match outcome.ended {
            Ended::Exited(status) => (false, i32::from(status)),
            Ended::Killed(signal) => (true, signal),
        };
        let flags = [u8::from(outcome.timed_out), u8::from(is_killed)];
        let _ = (&self.0).write_all(&[&flags[..], &value.to_ne_bytes()].concat());
    }
}

impl Verdict {
    /// Nothing where the child did not wait for a command. To be asked when it has
    /// ended.
    pub fn hear(mut self) -> Option<Outcome> {
        let mut word = [0; 6];
        self.0.read_exact(&mut word).ok()?;
        let [timed_out, is_killed, value @ ..] = word;
        let value = i32::from_ne_bytes(value);
        Some(Outcome {
            ended: match is_killed {
                0 => Ended::Exited(value as u8),
                _ => Ended::Killed(value),
            },
            timed_out: timed_out != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let hear = |say: fn(&Speaker)| {
            let (listener, speaker) = pair().unwrap();
            say(&speaker);
            drop(speaker);
            let said = listener.hear(OsStr::new("x")).unwrap();
            (
                said.pid.map(Pid::as_raw),
                said.error.map(|error| format!("{error:#}")),
            )
        };
        assert_eq!(hear(|_| {}), (None, None));
        let (pid, error) = hear(|speaker| {
            speaker.say_pid(Pid::from_raw(5));
            speaker.say_error(&NotStarted::new(OsStr::new("x"), 2).into());
        });
        assert_eq!(pid, Some(5));
        assert!(error.unwrap().starts_with("cannot run x: No such file"));
        let (_, error) = hear(|speaker| {
            speaker.say_error(&anyhow!("a").context("b"));
        });
        assert_eq!(error.unwrap(), "b: a");
    }
}
