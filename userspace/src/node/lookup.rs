// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a command could not be executed.

use std::env;
use std::ffi::{OsStr, OsString};

use nix::errno::Errno;

/// What shells return where a command cannot be run, and where there is none.
pub const CANNOT_RUN: u8 = 126;
pub const NOT_FOUND: u8 = 127;

/// The reason, after exec(3) failed with `errno`. A directory of the `path` that
/// may not be searched hides there that the command is in none of them.
pub fn why_not(program: &OsStr, path: &OsStr, errno: Errno) -> Errno {
    match errno {
        Errno::EACCES if !is_somewhere(program, path) => Errno::ENOENT,
        errno => errno,
    }
}

/// A shell's exit status for it.
pub fn exit_status(reason: Errno) -> u8 {
    match reason {
        Errno::ENOENT => NOT_FOUND,
        _ => CANNOT_RUN,
    }
}

/// Where commands are looked for.
pub fn path() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

/// Whether there is such a file, on the path where it is looked for there.
fn is_somewhere(program: &OsStr, path: &OsStr) -> bool {
    program.as_encoded_bytes().contains(&b'/')
        || env::split_paths(path).any(|directory| directory.join(program).exists())
}
