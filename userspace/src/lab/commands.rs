// SPDX-License-Identifier: MIT OR Apache-2.0

//! Commands of a lab: started in their nodes, one after the other in each and at
//! the same time in all, and waited for until they are ready.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use nix::fcntl::OFlag;
use nix::libc;
use nix::poll::PollTimeout;
use nix::unistd::{Pid, dup2_stderr, dup2_stdout, pipe2};

use super::model::{Command, Node, Ready};
use super::record::Started;
use super::workers::Run;
use crate::kernel::process::{self, Ended};
use crate::netns::{Reference, named};
use crate::node::Process;
use crate::node::exec::{Manner, Order, Target, attended, watched};
use crate::node::files::Files;
use crate::node::registry::{self, Registry};
use crate::text::legible;

/// How often it is looked whether a command is ready.
const INTERVAL: Duration = Duration::from_millis(5);

/// A readiness check that is a command rests so long before it is run again.
const REST: Duration = Duration::from_millis(100);

/// As much is said of a line that a command wrote.
const LONGEST_WORDS: usize = 200;

/// How long a command that is asked to end may take.
const GRACE: Duration = Duration::from_secs(2);

/// Commands of one node, that come one after the other.
struct Queue<'a> {
    node: &'a Node,
    waiting: VecDeque<&'a Command>,
    running: Option<Running<'a>>,
}

/// A command that is not ready yet. When this is dropped, it is on its own.
struct Running<'a> {
    node: &'a Node,
    command: &'a Command,
    process: Process,
    attendant: Attendant,
    /// Its exit status, once it has ended.
    ended: Option<u8>,
    deadline: Instant,
    /// How long the log was before it.
    log_begin: u64,
    check: Option<Attendant>,
    next_check: Instant,
}

/// A child of ours that waits for a command, until this is dropped.
struct Attendant {
    pid: Option<Pid>,
    leash: Leash,
}

/// How a child is told to let go.
enum Leash {
    /// By a word: the command is to run on.
    Word(File),
    /// By a signal, which ends the command too.
    Signal,
}

impl Attendant {
    fn new(mut leash: Leash, child: impl FnOnce() -> u8) -> Result<Self> {
        let pid = process::fork(|| {
            // Its end that words come from is ours, and that of those made after it: so
            // they let go when we die too, one after the other.
            leash = Leash::Signal;
            // Signals are held back while a lab is made.
            process::default_signals();
            child()
        });
        let pid = Some(pid.context("cannot make a process for a command")?);
        Ok(Attendant { pid, leash })
    }

    /// The exit status, if it has ended.
    fn status(&mut self) -> Result<Option<u8>> {
        let Some(pid) = self.pid else { return Ok(None) };
        let reaped =
            process::reap(Some(pid), libc::WNOHANG).context("cannot wait for a command")?;
        let status = reaped.map(|(_, status)| Ended::from_status(status).exit_status());
        if status.is_some() {
            self.pid = None;
        }
        Ok(status)
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        let Some(pid) = self.pid else { return };
        let told = match &mut self.leash {
            Leash::Word(leash) => leash.write_all(b".").is_ok(),
            Leash::Signal => process::kill(pid, libc::SIGTERM).is_ok(),
        };
        if !told {
            let _ = process::kill(pid, libc::SIGKILL);
        }
        let _ = process::reap(Some(pid), 0);
    }
}

/// Starts commands in their nodes and waits until all are ready. Each that runs is
/// added to `started` at once, also where a later one fails.
pub fn start<'a>(
    run: &Run,
    commands: impl Iterator<Item = (&'a Node, Vec<&'a Command>)>,
    started: &mut Vec<Started>,
) -> Result<()> {
    let mut queues: Vec<Queue> = commands
        .filter(|(_, commands)| !commands.is_empty())
        .map(|(node, commands)| Queue {
            node,
            waiting: commands.into(),
            running: None,
        })
        .collect();
    let all = queues.iter().map(|queue| queue.waiting.len()).sum();
    run.progress.begin("commands", all);
    while !queues.is_empty() {
        run.check()?;
        for queue in &mut queues {
            while queue.advance(started)? {
                run.progress.advance(1);
            }
        }
        queues.retain(|queue| queue.running.is_some());
        if !queues.is_empty() {
            thread::sleep(INTERVAL);
        }
    }
    Ok(())
}

impl Queue<'_> {
    /// Whether a command has become ready, so that the next can be started.
    fn advance(&mut self, started: &mut Vec<Started>) -> Result<bool> {
        if self.running.is_none() {
            let Some(command) = self.waiting.pop_front() else {
                return Ok(false);
            };
            let running = Running::begin(self.node, command);
            let running = running.with_context(|| describe(self.node, command))?;
            started.push(Started {
                node: self.node.name.clone(),
                command: command.clone(),
                process: running.process,
            });
            self.running = Some(running);
        }
        let Some(running) = &mut self.running else {
            return Ok(false);
        };
        let ready = running.is_ready();
        if ready.with_context(|| describe(self.node, running.command))? {
            self.running = None;
            return Ok(true);
        }
        Ok(false)
    }
}

fn describe(node: &Node, command: &Command) -> String {
    format!("command {} of node {}", command.name, node.name)
}

impl Command {
    fn order(&self, command: &[String]) -> Order {
        let environment = self.environment.iter();
        Order {
            command: command.iter().map(OsString::from).collect(),
            clear_environment: false,
            environment: environment
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            directory: Some(self.directory.clone().unwrap_or_else(|| "/".into())),
            user: None,
        }
    }
}

fn target(node: &Node) -> Result<Target> {
    Target::find(&Reference::Name(node.netns.clone()))
}

fn log_of(node: &Node) -> Result<PathBuf> {
    Ok(Files::below(&registry::place()?, &node.netns).log)
}

impl<'a> Running<'a> {
    fn begin(node: &'a Node, command: &'a Command) -> Result<Self> {
        let order = command.order(&command.run);
        let log_begin = fs::metadata(log_of(node)?).map_or(0, |log| log.len());
        let (said, saying) = pipe2(OFlag::O_CLOEXEC).context("cannot make a pipe")?;
        let mut saying = File::from(saying);
        let (held, leash) = pipe2(OFlag::O_CLOEXEC).context("cannot make a pipe")?;
        let attendant = Attendant::new(Leash::Word(leash.into()), || {
            let mut say = |text: String| drop(saying.write_all(text.as_bytes()));
            let watched = target(node).and_then(|target| {
                let started = |pid: Pid| say(pid.to_string());
                watched(&target, &order, held.as_fd(), |_| {}, started)
            });
            match watched {
                Ok(status) => status.unwrap_or(0),
                Err(error) => {
                    say(format!("!{error:#}"));
                    1
                }
            }
        })?;
        drop(saying);
        let mut word = [0; 4096];
        let length = File::from(said)
            .read(&mut word)
            .context("cannot hear of it")?;
        let word = String::from_utf8_lossy(&word[..length]);
        if let Some(reason) = word.strip_prefix('!') {
            bail!("{reason}");
        }
        let pid = word.parse().context("it ended before it was started")?;
        Ok(Running {
            node,
            command,
            process: Process::of(Pid::from_raw(pid)).or_else(|_| Process::ended(pid))?,
            attendant,
            ended: None,
            deadline: Instant::now() + command.timeout,
            log_begin,
            check: None,
            next_check: Instant::now(),
        })
    }

    fn is_ready(&mut self) -> Result<bool> {
        if self.command.ready == Ready::Started {
            return Ok(true);
        }
        if self.ended.is_none() {
            self.ended = self.attendant.status()?;
        }
        let is_there = self.has_what_it_takes()?;
        match self.ended {
            Some(0) | None if is_there => return Ok(true),
            Some(0) | None => {}
            Some(status) => bail!(
                "it ended with status {status} before it was ready{}",
                self.last_words()
            ),
        }
        ensure!(
            Instant::now() < self.deadline,
            "it was not ready after {:?}{}",
            self.command.timeout,
            self.last_words()
        );
        Ok(false)
    }

    /// What it wrote last: its log goes with the node.
    fn last_words(&self) -> String {
        let written = self.written().unwrap_or_default();
        let last = written.lines().rfind(|line| !line.trim().is_empty());
        last.map_or(String::new(), |line| {
            let line: String = line.chars().take(LONGEST_WORDS).collect();
            format!("; it wrote: {}", legible(&line))
        })
    }

    fn has_what_it_takes(&mut self) -> Result<bool> {
        match &self.command.ready {
            Ready::Started => Ok(true),
            Ready::Exit => Ok(self.ended.is_some()),
            Ready::Tcp(port) => self.has_port("tcp", *port, Some(TCP_LISTEN)),
            Ready::Udp(port) => self.has_port("udp", *port, None),
            Ready::File(path) => self.has_file(path),
            Ready::Output(text) => {
                let written = self.written()?;
                Ok(written.lines().any(|line| line.contains(text)))
            }
            Ready::Command(command) => self.passes(command),
        }
    }

    fn has_port(&self, protocol: &str, port: u16, state: Option<&str>) -> Result<bool> {
        named::open(&self.node.netns)?.inside(|| {
            Ok(["", "6"].iter().any(|family| {
                let path = format!("/proc/thread-self/net/{protocol}{family}");
                let table = fs::read_to_string(path).unwrap_or_default();
                table.lines().any(|line| has_port(line, port, state))
            }))
        })
    }

    /// As the node sees it, by the root of its first process.
    fn has_file(&self, path: &Path) -> Result<bool> {
        let record = Registry::look_up(&self.node.netns)?;
        let Some(first) = record.and_then(|record| record.process) else {
            return Ok(false);
        };
        let Some(pid) = first.pid_here()? else {
            return Ok(false);
        };
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        let below = path.strip_prefix("/").unwrap_or(path);
        Ok(root.join(below).symlink_metadata().is_ok())
    }

    /// What there is in the node's log since it was started.
    fn written(&self) -> Result<String> {
        let reading = "cannot read the node's log";
        let mut log = File::open(log_of(self.node)?).context(reading)?;
        log.seek(SeekFrom::Start(self.log_begin)).context(reading)?;
        let mut written = Vec::new();
        log.read_to_end(&mut written).context(reading)?;
        Ok(String::from_utf8_lossy(&written).into_owned())
    }

    fn passes(&mut self, command: &[String]) -> Result<bool> {
        if let Some(check) = &mut self.check {
            let Some(status) = check.status()? else {
                return Ok(false);
            };
            self.check = None;
            self.next_check = Instant::now() + REST;
            return Ok(status == 0);
        }
        if Instant::now() >= self.next_check {
            let (order, node) = (self.command.order(command), self.node);
            let manner = Manner {
                terminal: false,
                timeout: Some(self.deadline.saturating_duration_since(Instant::now())),
            };
            self.check = Some(Attendant::new(Leash::Signal, || {
                let silent = File::options().write(true).open("/dev/null");
                let silenced = silent.map(|null| (dup2_stdout(&null), dup2_stderr(&null)));
                let passed = silenced
                    .map_err(Error::from)
                    .and_then(|_| attended(&target(node)?, &order, manner, None, |_| {}));
                passed.map_or(1, |outcome| outcome.exit_status())
            })?);
        }
        Ok(false)
    }
}

/// `TCP_LISTEN` of net/tcp_states.h, as /proc writes it.
const TCP_LISTEN: &str = "0A";

/// Whether a line of proc(5)'s /proc/net/tcp or udp is about this local port.
fn has_port(line: &str, port: u16, state: Option<&str>) -> bool {
    let mut fields = line.split_whitespace().skip(1);
    let local = fields.next().and_then(|local| local.rsplit_once(':'));
    let is_it = local.and_then(|(_, own)| u16::from_str_radix(own, 16).ok()) == Some(port);
    is_it && state.is_none_or(|state| fields.nth(1) == Some(state))
}

/// Ends commands, each with its process group: by asking at first.
pub fn end<'a>(commands: impl Iterator<Item = &'a Started>) -> Result<()> {
    let mut running = Vec::new();
    for command in commands {
        let held = command.process.open()?;
        let (Some(held), Some(pid)) = (held, command.process.pid_here()?) else {
            continue;
        };
        let group = Pid::from_raw(-pid.as_raw());
        let _ = process::kill(group, libc::SIGTERM);
        running.push((held, group));
    }
    let deadline = Instant::now() + GRACE;
    for (held, group) in running {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ended = held.wait(left).context("cannot wait for a command")?;
        if !ended {
            process::kill(group, libc::SIGKILL)
                .map_err(|errno| anyhow!("cannot kill a command: {errno}"))?;
            let _ = held.wait(PollTimeout::NONE);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_those_that_are_listened_at() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        assert!(has_port(line, 8080, Some(TCP_LISTEN)));
        assert!(has_port(line, 8080, None));
        assert!(!has_port(line, 8081, None));
        let connected = line.replace(" 0A ", " 01 ");
        assert!(!has_port(&connected, 8080, Some(TCP_LISTEN)));
        assert!(!has_port(
            "  sl  local_address rem_address   st tx_queue",
            8080,
            None
        ));
    }
}
