// SPDX-License-Identifier: MIT OR Apache-2.0

//! Exit statuses, which programs go by: none of them changes its meaning.

use std::fmt::Write;

use anyhow::Error;

use crate::netlink::pernet::NoModule;
use crate::node::exec::{CANNOT_RUN, NOT_FOUND, NotStarted, TIMED_OUT};
use crate::node::interrupt::Interrupted;

pub const DONE: u8 = 0;
/// What was begun is undone, as far as that can be.
pub const FAILED: u8 = 1;
/// Clap's own.
const USAGE: u8 = 2;
/// Nothing was changed: it takes the kernel module.
const NO_MODULE: u8 = 3;
/// `plan` shows something that `up` would do.
pub const CHANGES: u8 = 4;
/// With the number of the signal added, as shells have it.
const SIGNAL: u8 = 128;

/// What each tells.
pub fn meanings() -> [(String, &'static str); 9] {
    [
        (DONE.to_string(), "done"),
        (FAILED.to_string(), "failed; what was begun is undone"),
        (USAGE.to_string(), "wrong usage"),
        (
            NO_MODULE.to_string(),
            "the kernel module is needed and not loaded",
        ),
        (CHANGES.to_string(), "of `plan`: `up` would do something"),
        (
            TIMED_OUT.to_string(),
            "of `exec`: the command's time was up",
        ),
        (
            CANNOT_RUN.to_string(),
            "of `exec`: the command cannot be run",
        ),
        (NOT_FOUND.to_string(), "of `exec`: there is no such command"),
        (format!("{SIGNAL} + N"), "stopped by signal N"),
    ]
}

/// The same, as text for a help.
pub fn help() -> String {
    let mut text = "Exit status, of `exec` the command's own where it ran:".to_owned();
    for (status, meaning) in meanings() {
        let _ = write!(text, "\n  {status:8}{meaning}");
    }
    text
}

/// The exit status that tells a program what `error` tells a person.
pub fn status(error: &Error) -> u8 {
    if let Some(not_started) = error.downcast_ref::<NotStarted>() {
        return not_started.status();
    }
    if let Some(Interrupted(signal)) = error.downcast_ref() {
        let signal = u8::try_from(*signal as i32).unwrap_or(0);
        return SIGNAL.saturating_add(signal);
    }
    if error.is::<NoModule>() {
        return NO_MODULE;
    }
    FAILED
}
