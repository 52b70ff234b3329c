// SPDX-License-Identifier: MIT OR Apache-2.0

//! Signals that are read where it suits, and not acted on wherever they come.

use anyhow::{Context, Result};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Readable when one of these came. They have to be held back for that.
pub fn watch(signals: &SigSet) -> Result<SignalFd> {
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    SignalFd::with_flags(signals, flags).context("cannot watch for signals")
}

/// Holds them back in this thread and in those that it makes, to be read.
pub fn hold(signals: &SigSet) -> Result<SignalFd> {
    let held = watch(signals)?;
    signals.thread_block().context("cannot hold signals back")?;
    Ok(held)
}
