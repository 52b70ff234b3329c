// SPDX-License-Identifier: MIT OR Apache-2.0

//! A server for a few readers on this machine: HTTP/1.1, GET and HEAD, an answer
//! for each connection. One thread does everything, and what others can make it
//! keep is bounded: so many connections, of each so many bytes, for so long. Those
//! who are slow lose their place to those who come.

mod connection;

use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;

use self::connection::{Connection, Progress};

/// As many as there may be at once; the oldest goes when there is one more.
const CONNECTIONS: usize = 64;

/// What a reader asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub path: &'a str,
    /// Of what kind the answer may be, as the reader says it.
    pub accept: &'a str,
}

/// What it gets.
#[derive(Debug)]
pub struct Response {
    pub status: Status,
    pub kind: &'static str,
    /// Others may be getting the same.
    pub body: Arc<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
    Failed,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::BadRequest => "400 Bad Request",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::HeadTooLarge => "431 Request Header Fields Too Large",
            Status::Failed => "500 Internal Server Error",
        }
    }
}

impl Response {
    /// A sentence for who looks at it.
    pub fn text(status: Status, text: impl Into<String>) -> Self {
        Response {
            status,
            kind: "text/plain; charset=utf-8",
            body: (text.into() + "\n").into(),
        }
    }
}

/// Answers whoever comes to `listener`, until one of `signals` does.
pub fn serve(
    listener: &TcpListener,
    signals: &SignalFd,
    mut answer: impl FnMut(&Request) -> Response,
) -> Result<()> {
    (listener.set_nonblocking(true)).context("cannot set up a socket")?;
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        if (signals.read_signal().context("cannot watch for signals")?).is_some() {
            return Ok(());
        }
        accept(listener, &mut connections)?;
        connections.retain_mut(|connection| connection.go_on(&mut answer) == Progress::Pending);
        wait(listener, signals, &connections)?;
    }
}

fn accept(listener: &TcpListener, connections: &mut Vec<Connection>) -> Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if connections.len() == CONNECTIONS {
                    connections.remove(0);
                }
                connections.extend(Connection::new(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if is_of_one(&error) => {}
            Err(error) => return Err(error).context("cannot accept a connection"),
        }
    }
}

/// Whether an error of accept(2) is about the connection, and not the listener.
fn is_of_one(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionReset,
        ErrorKind::Interrupted,
    ];
    kinds.contains(&error.kind()) || error.raw_os_error() == Some(Errno::EPROTO as i32)
}

/// Until something can be done, or somebody's time is up.
fn wait(listener: &TcpListener, signals: &SignalFd, connections: &[Connection]) -> Result<()> {
    let mut fds = vec![
        PollFd::new(listener.as_fd(), PollFlags::POLLIN),
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
    ];
    fds.extend((connections.iter()).map(|it| PollFd::new(it.as_fd(), it.wants())));
    let deadline = connections.iter().map(Connection::deadline).min();
    let timeout = deadline.map_or(PollTimeout::NONE, |deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up, so as not to come back just too early.
        PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno).context("cannot wait for connections"),
    }
}
