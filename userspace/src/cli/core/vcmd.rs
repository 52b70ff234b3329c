// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vcmd`: runs a command in a node over its control channel, as CORE does.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::Parser;

use super::options::{Manual, Task};
use crate::channel::{Client, MOST_ARGUMENTS, Message};
use crate::cli::output;
use crate::kernel::process::Ended;
use crate::terminal::{Attended, Pty, attend, hold_signals, is_interactive};

const MANUAL: Manual = Manual {
    name: "vcmd",
    usage: "
Usage: vcmd [-h|-V] [-v] [-q|-i|-I] -c <channel name> -- command args...

Runs a command (/bin/bash, if none is given) in the node whose control channel
this is, and exits with its exit status: 128 + N when signal N ended it, 127 when
there is no such command, 126 when it cannot be run, 255 when the node cannot
start one.

Options:
  -h, --help     show this help and exit
  -V, --version  show the version and exit
  -v             say what ended the command
  -q             without input and output of the caller's: it has the node's log
  -i             with a terminal of its own, shown on the caller's
  -I             with the caller's input and output
  -c             path of the control channel
",
};

/// What runs when nothing is said.
const SHELL: &std::ffi::CStr = c"/bin/bash";

/// What CORE's answers when there is no status.
const NOT_STARTED: u8 = 255;

/// How the command is connected to its caller.
#[derive(Clone, Copy)]
enum Io {
    None,
    Terminal,
    Descriptors,
}

pub fn run(parser: Parser) -> Result<u8> {
    let mut channel: Option<PathBuf> = None;
    let mut verbose = false;
    let mut io = None;
    let mut command = Vec::new();
    let task = MANUAL.read(parser, &mut command, |option, parser| {
        match option {
            'c' => channel = Some(parser.value()?.into()),
            'v' => verbose = true,
            'q' => io = Some(Io::None),
            'i' => io = Some(Io::Terminal),
            'I' => io = Some(Io::Descriptors),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if let Task::Done(status) = task {
        return Ok(status);
    }
    let Some(channel) = channel else {
        return MANUAL.wrong_usage("no control channel name given", 1);
    };
    if command.len() > MOST_ARGUMENTS {
        return MANUAL.wrong_usage("too many command arguments", 1);
    }
    let io = io.unwrap_or_else(|| match is_interactive() {
        true => Io::Terminal,
        false => Io::Descriptors,
    });
    let ended = converse(&Client::connect(&channel)?, &strings(command)?, io)?;
    if verbose {
        output::complain("vcmd", format!("the command ended: {ended:?}"));
    }
    Ok(ended.map_or(NOT_STARTED, Ended::exit_status))
}

fn strings(command: Vec<OsString>) -> Result<Vec<CString>> {
    if command.is_empty() {
        return Ok(vec![SHELL.to_owned()]);
    }
    (command.into_iter())
        .map(|word| CString::new(word.into_vec()).context("an argument has a NUL in it"))
        .collect()
}

/// Runs the command; nothing where the node could not start it.
fn converse(client: &Client, command: &[CString], io: Io) -> Result<Option<Ended>> {
    let signals = hold_signals()?;
    let pty = match io {
        Io::Terminal => Some(Pty::open()?),
        Io::None | Io::Descriptors => None,
    };
    let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
    let descriptors = match (io, &pty) {
        (Io::Descriptors, _) => Some([input.as_fd(), output.as_fd(), error.as_fd()]),
        (_, Some(pty)) => Some([pty.slave.as_fd(); 3]),
        (_, None) => None,
    };
    client.request(ID, command, descriptors)?;
    attend(&mut Remote { client }, pty, &signals)
}

/// There is one command on this connection.
const ID: i32 = 0;

struct Remote<'a> {
    client: &'a Client,
}

impl Attended for Remote<'_> {
    type End = Option<Ended>;

    fn events(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }

    fn hear(&mut self) -> Result<Option<Self::End>> {
        while let Some(message) = self.client.receive()? {
            match message {
                Message::Started { id: ID, pid: -1 } => return Ok(Some(None)),
                Message::Ended { id: ID, status } => {
                    return Ok(Some(Some(Ended::from_status(status))));
                }
                Message::Started { .. } | Message::Ended { .. } => {}
                Message::Request { .. } | Message::Signal { .. } => {
                    bail!("the node takes this for a server")
                }
            }
        }
        Ok(None)
    }

    fn signal(&mut self, signal: i32) -> Result<()> {
        self.client.signal(ID, signal)
    }
}
