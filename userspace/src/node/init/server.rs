// SPDX-License-Identifier: MIT OR Apache-2.0

//! The loop of PID 1: it waits for clients, requests, signals and children, and
//! for nothing else, so that an idle node costs nothing. No client can make it
//! wait for anything.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use nix::unistd::{Pid, getpid};

use super::command::become_command;
use super::connection::{Connection, Lost};
use crate::channel::{LONGEST_PACKET, Listener, Message, Place};
use crate::kernel::descriptor::{self, Received};
use crate::kernel::process::{self, Ended};

/// How long processes may take to end once they are asked to, as with CORE.
const GRACE: Duration = Duration::from_secs(2);

const LISTENER: u64 = 0;
const SIGNALS: u64 = 1;
const FIRST_CONNECTION: u64 = 2;

/// What a server is made from.
pub struct Parts {
    pub listener: Listener,
    /// Removed at the end, with the listener's socket.
    pub files: Vec<Place>,
    /// Says what it does, on standard error.
    pub verbose: bool,
}

impl Parts {
    /// What the server removes at its end, for whoever has to do it in its place.
    pub fn places(&self) -> Result<Vec<Place>> {
        (std::iter::once(self.listener.place()).chain(&self.files))
            .map(Place::try_clone)
            .collect()
    }
}

pub struct Server {
    parts: Parts,
    epoll: Epoll,
    signals: SignalFd,
    /// New connections have to wait: there is no descriptor for them.
    full: bool,
    connections: BTreeMap<u64, Connection>,
    next_connection: u64,
    commands: Vec<Command>,
}

/// A command that runs, and who asked for it. In the order of their start.
struct Command {
    pid: Pid,
    connection: u64,
    id: i32,
}

/// The signals that the server hears of. They must be held back already when the
/// process that becomes the server is made.
pub fn signals() -> SigSet {
    SigSet::from_iter([Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT])
}

impl Server {
    pub fn new(parts: Parts) -> Result<Self> {
        let starting = "cannot start the node's server";
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context(starting)?;
        let signals = crate::signals::watch(&signals()).context(starting)?;
        let readable = |token| EpollEvent::new(EpollFlags::EPOLLIN, token);
        epoll
            .add(&parts.listener, readable(LISTENER))
            .and_then(|()| epoll.add(&signals, readable(SIGNALS)))
            .context(starting)?;
        Ok(Server {
            parts,
            epoll,
            signals,
            full: false,
            connections: BTreeMap::new(),
            next_connection: FIRST_CONNECTION,
            commands: Vec::new(),
        })
    }

    /// Serves until a signal ends it, and then ends what runs in the node.
    pub fn run(mut self) -> Result<()> {
        let mut events = [EpollEvent::empty(); 16];
        loop {
            let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                count => count.context("cannot wait for clients")?,
            };
            for event in &events[..count] {
                match event.data() {
                    LISTENER => self.accept(),
                    SIGNALS => {
                        if let Some(signal) = self.take_signals() {
                            self.log(format_args!("ending because of {signal}"));
                            self.end();
                            return Ok(());
                        }
                    }
                    token => self.converse(token, event.events()),
                }
            }
        }
    }

    fn log(&self, text: std::fmt::Arguments) {
        if self.parts.verbose {
            complain(text);
        }
    }

    fn accept(&mut self) {
        let connection = match self.parts.listener.accept() {
            Ok(Ok(socket)) => socket,
            Ok(Err(turned_away)) => return complain(format_args!("{turned_away:#}")),
            Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS) => {
                complain(format_args!("too many clients; the next one has to wait"));
                self.full = self.epoll.delete(&self.parts.listener).is_ok();
                return;
            }
            // It is gone already, or another has been faster.
            Err(_) => return,
        };
        let token = self.next_connection;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
        if self.epoll.add(&connection, event).is_ok() {
            self.next_connection += 1;
            self.connections.insert(token, Connection::new(connection));
        }
    }

    /// Lets a client go. Its commands run on, and nobody is told of their end.
    fn close(&mut self, token: u64) {
        // What is closed leaves the epoll set by itself: nobody shares it.
        self.connections.remove(&token);
        if self.full {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, LISTENER);
            self.full = self.epoll.add(&self.parts.listener, event).is_err();
        }
    }

    fn converse(&mut self, token: u64, events: EpollFlags) {
        let Some(connection) = self.connections.get_mut(&token) else {
            return;
        };
        if events.contains(EpollFlags::EPOLLOUT) {
            let flushed = connection.flush();
            self.settle(token, flushed);
        }
        if events.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.hear(token);
        }
    }

    /// Waits for room where there is something left to send; lets go of a client
    /// that is lost.
    fn settle(&mut self, token: u64, sent: Result<(), Lost>) {
        let Some(connection) = self.connections.get(&token) else {
            return;
        };
        if sent.is_err() {
            self.log(format_args!("client {token} does not listen any more"));
            return self.close(token);
        }
        let mut events = EpollFlags::EPOLLIN;
        events.set(EpollFlags::EPOLLOUT, connection.is_behind());
        let _ = (self.epoll).modify(connection, &mut EpollEvent::new(events, token));
    }

    fn answer(&mut self, token: u64, message: &Message) {
        if let Some(connection) = self.connections.get_mut(&token) {
            let sent = connection.send(message);
            self.settle(token, sent);
        }
    }

    /// Takes one packet of a client's; the next has its turn after the others'.
    fn hear(&mut self, token: u64) {
        let Some(connection) = self.connections.get(&token) else {
            return;
        };
        // Room for the longest that there can be would be most of what an idle
        // node occupies.
        let length = descriptor::pending(connection.as_fd()).unwrap_or(LONGEST_PACKET);
        let mut packet = vec![0; length.min(LONGEST_PACKET)];
        let received = match descriptor::receive(connection.as_fd(), &mut packet) {
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            Ok(received) if received.length > 0 => received,
            Ok(_) | Err(_) => return self.close(token),
        };
        if let Err(reason) = self.take(token, &packet[..received.length], received) {
            self.log(format_args!(
                "client {token}: a message is rejected: {reason}"
            ));
        }
    }

    /// Does what a packet says. Descriptors that came with it are closed on every
    /// way out, but in the child that is given them.
    fn take(&mut self, token: u64, packet: &[u8], received: Received) -> Result<(), String> {
        if received.truncated {
            return Err(format!("it is longer than {LONGEST_PACKET} bytes"));
        }
        let message = Message::decode(packet).map_err(|error| error.to_string())?;
        let count = received.descriptors.len();
        match message {
            Message::Request { id, .. } if received.descriptors_lost => {
                // Unlike one that is wrong in itself, it is told so.
                self.answer(token, &Message::Started { id, pid: -1 });
                Err("there was no room for the descriptors it came with".to_owned())
            }
            Message::Request { id, arguments } => {
                let descriptors = match count {
                    0 => None,
                    _ => Some(<[OwnedFd; 3]>::try_from(received.descriptors).map_err(|_| {
                        format!("it came with {count} descriptors, not with three or none")
                    })?),
                };
                self.start(token, id, &arguments, descriptors);
                Ok(())
            }
            Message::Signal { id, signal } => self.signal(token, id, signal),
            Message::Started { .. } | Message::Ended { .. } => {
                Err("it is a server's, not a client's".to_owned())
            }
        }
    }

    fn start(
        &mut self,
        token: u64,
        id: i32,
        arguments: &[CString],
        descriptors: Option<[OwnedFd; 3]>,
    ) {
        let started = match arguments {
            [] => Err(Errno::EINVAL),
            arguments => process::fork(|| become_command(arguments, descriptors)),
        };
        let pid = match started {
            Ok(pid) => {
                self.log(format_args!(
                    "client {token}: command {id} is process {pid}: {arguments:?}"
                ));
                self.commands.push(Command {
                    pid,
                    connection: token,
                    id,
                });
                pid.as_raw()
            }
            Err(error) => {
                complain(format_args!(
                    "client {token}: cannot start command {id}: {error}"
                ));
                -1
            }
        };
        self.answer(token, &Message::Started { id, pid });
    }

    /// Only the connection that asked for a command may send it signals.
    fn signal(&self, token: u64, id: i32, signal: i32) -> Result<(), String> {
        let command = (self.commands.iter())
            .find(|command| command.connection == token && command.id == id)
            .ok_or_else(|| format!("it has no command {id}"))?;
        process::kill(command.pid, signal)
            .map_err(|error| format!("cannot send signal {signal} to command {id}: {error}"))
    }

    /// Reaps children; returns the signal that is to end the server.
    fn take_signals(&mut self) -> Option<Signal> {
        let mut ending = None;
        while let Ok(Some(info)) = self.signals.read_signal() {
            match i32::try_from(info.ssi_signo).ok()?.try_into() {
                Ok(Signal::SIGCHLD) | Err(_) => {}
                Ok(signal) => ending = Some(signal),
            }
        }
        self.reap();
        ending
    }

    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = process::reap(None, libc::WNOHANG) {
            let position = self.commands.iter().position(|command| command.pid == pid);
            let Some(position) = position else {
                self.log(format_args!(
                    "orphan {pid} ended: {:?}",
                    Ended::from_status(status)
                ));
                continue;
            };
            let Command { connection, id, .. } = self.commands.remove(position);
            self.log(format_args!(
                "command {id} ended: {:?}",
                Ended::from_status(status)
            ));
            self.answer(connection, &Message::Ended { id, status });
        }
    }

    /// Leaves nothing of the node behind: neither files nor processes.
    fn end(mut self) {
        remove(self.parts.listener.place());
        self.parts.files.iter().for_each(remove);
        self.connections.clear();
        if getpid() == Pid::from_raw(1) {
            end_others(&self.signals);
        }
    }
}

fn remove(place: &Place) {
    if let Err(error) = place.remove() {
        let name = place.name().to_string_lossy();
        complain(format_args!("cannot remove {name}: {error}"));
    }
}

/// Asks every other process of the pid namespace to end, and ends those that do
/// not.
fn end_others(signals: &SignalFd) {
    let everybody = Pid::from_raw(-1);
    let _ = process::kill(everybody, libc::SIGTERM);
    let deadline = Instant::now() + GRACE;
    loop {
        match process::reap(None, libc::WNOHANG) {
            Ok(Some(_)) => continue,
            Ok(None) => {}
            // There are none left, or none that are children: those of processes
            // that entered from outside end with the namespace.
            Err(_) => break,
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1));
        let mut ready = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut ready, timeout.unwrap_or(PollTimeout::MAX));
        while let Ok(Some(_)) = signals.read_signal() {}
    }
    let _ = process::kill(everybody, libc::SIGKILL);
}

/// Into the node's log. A log that is full must not end the node, as a panic of
/// eprintln's would.
pub fn complain(text: std::fmt::Arguments) {
    let _ = writeln!(io::stderr(), "vnoded[{}]: {text}", getpid());
}
