// SPDX-License-Identifier: MIT OR Apache-2.0

//! Work on many things, spread over the cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

use super::progress::Progress;
use crate::node::interrupt::Deferred;
use crate::parallel::cores;

/// What all steps of a run have in common.
pub struct Run<'a> {
    pub signals: &'a Deferred,
    pub progress: &'a Progress,
    /// Takes back what another run began: what is so already is no error, and
    /// nothing interrupts it.
    pub undoes: bool,
}

impl Run<'_> {
    pub fn check(&self) -> Result<()> {
        match self.undoes {
            true => Ok(()),
            false => self.signals.check(),
        }
    }

    /// Does `work` with all of `items`, so many at a time, each thread with what
    /// `prepare` makes for it. Stops at the first failure, or when it is
    /// interrupted, and waits for all threads.
    pub fn spread<T: Sync, S>(
        &self,
        items: &[T],
        at_a_time: usize,
        prepare: impl Fn(usize) -> Result<S> + Sync,
        work: impl Fn(&mut S, &[T]) -> Result<()> + Sync,
    ) -> Result<()> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let failure = Mutex::new(None);
        let worker = |number: usize| {
            let done = prepare(number).and_then(|mut own| {
                while !failed.load(Ordering::Relaxed) {
                    let begin = next.fetch_add(at_a_time, Ordering::Relaxed);
                    if begin >= items.len() {
                        break;
                    }
                    self.check()?;
                    let part = &items[begin..items.len().min(begin + at_a_time)];
                    work(&mut own, part)?;
                    self.progress.advance(part.len());
                }
                Ok(())
            });
            if let Err(error) = done {
                failed.store(true, Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(|lock| lock.into_inner());
                failure.get_or_insert(error);
            }
        };
        let hands = match items.len().div_ceil(at_a_time) {
            parts @ (0 | 1) => parts,
            parts => parts.min(cores()),
        };
        if hands > 1 {
            thread::scope(|scope| {
                for number in 1..hands {
                    scope.spawn(move || worker(number));
                }
                worker(0);
            });
        } else if !items.is_empty() {
            worker(0);
        }
        let failure = failure
            .into_inner()
            .unwrap_or_else(|lock| lock.into_inner());
        failure.map_or(Ok(()), Err)
    }
}
