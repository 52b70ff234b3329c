// SPDX-License-Identifier: MIT OR Apache-2.0

//! A command in several namespaces: whose output it is, as lines or as JSON.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::{Arguments, output};
use crate::kernel::process::{Ended, Pidfd};
use crate::netns::Reference;
use crate::node::exec::Order;
use crate::node::exec::several::{self, Done, Sink, Stream, Told};

impl Arguments {
    fn run_in(&self, all: &[Reference], order: &Order, sink: Sink) -> Result<Vec<Done>> {
        let work = |index: usize, client: &Pidfd| {
            let told = self.run_one(&all[index], order, Some(client));
            told.unwrap_or_else(|error| Told {
                status: crate::cli::fail(&error),
                outcome: None,
            })
        };
        let most = self.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        several::run(all.len(), most, work, sink)
    }

    /// Each line begins with its namespace. Returns the exit status.
    pub(super) fn run_with_names(&self, all: &[Reference], order: &Order) -> Result<u8> {
        let names: Vec<String> = all.iter().map(shown).collect();
        let mut show = |index: usize, stream: Stream, line: &[u8]| {
            let line = [names[index].as_bytes(), b": ", line].concat();
            match stream {
                Stream::Out => {
                    let mut out = io::stdout().lock();
                    out.write_all(&line).and_then(|()| out.flush()).is_ok()
                }
                // What cannot be said there cannot be said at all.
                Stream::Err => {
                    let _ = io::stderr().write_all(&line);
                    true
                }
            }
        };
        let done = self.run_in(all, order, &mut show)?;
        Ok(worst(&done))
    }

    /// All at the end. Returns the exit status.
    pub(super) fn run_for_json(&self, all: &[Reference], order: &Order) -> Result<u8> {
        let mut texts = vec![<[Vec<u8>; 2]>::default(); all.len()];
        let mut keep = |index: usize, stream: Stream, line: &[u8]| {
            texts[index][stream as usize].extend_from_slice(line);
            true
        };
        let done = self.run_in(all, order, &mut keep)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let list: Vec<_> = (all.iter().zip(&done).zip(&texts))
            .map(|((ns, done), [out, err])| Summary::new(shown(ns), done, text(out), text(err)))
            .collect();
        output::print_list("results", &list)?;
        Ok(worst(&done))
    }
}

/// A node is shown by its name, however that was said.
fn shown(ns: &Reference) -> String {
    match ns {
        Reference::Name(name) => name.to_string(),
        ns => ns.to_string(),
    }
}

fn worst(done: &[Done]) -> u8 {
    done.iter().map(|done| done.status).max().unwrap_or(0)
}

/// What became of the command in one namespace.
#[derive(Serialize)]
struct Summary {
    node: String,
    status: Option<u8>,
    signal: Option<i32>,
    timed_out: bool,
    duration_ms: u128,
    stdout: String,
    stderr: String,
}

impl Summary {
    fn new(node: String, done: &Done, stdout: String, stderr: String) -> Self {
        let (status, signal) = match done.outcome.map(|outcome| outcome.ended) {
            Some(Ended::Killed(signal)) => (None, Some(signal)),
            Some(Ended::Exited(status)) => (Some(status), None),
            None => (Some(done.status), None),
        };
        Summary {
            node,
            status,
            signal,
            timed_out: done.outcome.is_some_and(|outcome| outcome.timed_out),
            duration_ms: done.duration.as_millis(),
            stdout,
            stderr,
        }
    }
}
