// SPDX-License-Identifier: MIT OR Apache-2.0

//! ^C in the middle of work: noticed between steps, so that what was begun can
//! be undone.

use std::fmt;

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::SignalFd;

use crate::signals;

/// Holds back the signals that ask a program to stop, until it is dropped.
pub struct Deferred {
    pending: SignalFd,
    before: SigSet,
}

/// The error that a signal became.
#[derive(Debug)]
pub struct Interrupted(pub Signal);

impl Deferred {
    pub fn hold() -> Result<Self> {
        let mask = SigSet::from_iter([Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]);
        let pending = signals::watch(&mask)?;
        let before =
            (mask.thread_swap_mask(SigmaskHow::SIG_BLOCK)).context("cannot hold signals back")?;
        Ok(Deferred { pending, before })
    }

    /// Readable when such a signal came.
    pub fn pending(&self) -> &SignalFd {
        &self.pending
    }

    /// Fails when such a signal came. To be called before each step, and after
    /// the last one that can be undone.
    pub fn check(&self) -> Result<()> {
        let came = self
            .pending
            .read_signal()
            .context("cannot watch for signals")?;
        match came.and_then(|info| Signal::try_from(info.ssi_signo as i32).ok()) {
            Some(signal) => Err(Interrupted(signal).into()),
            None => Ok(()),
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        // What came too late to be undone takes its usual course now.
        let _ = self.before.thread_set_mask();
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "interrupted by {}; what was begun is undone", self.0)
    }
}

impl std::error::Error for Interrupted {}
