// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a command could not be executed.

use std::env;
use std::ffi::OsStr;

use nix::errno::Errno;

/// What shells return where a command cannot be run, and where there is none.
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The reason, and a shell's exit status for it, after exec(3) failed with
/// `errno`. A directory of the path that may not be searched hides there that the
/// command is in none of them.
pub fn why_not(program: &OsStr, errno: Errno) -> (Errno, u8) {
    match errno {
        Errno::EACCES if !is_somewhere(program) => (Errno::ENOENT, NOT_FOUND),
        Errno::ENOENT => (errno, NOT_FOUND),
        _ => (errno, CANNOT_RUN),
    }
}

/// Whether there is such a file, on the path where it is looked for there.
fn is_somewhere(program: &OsStr) -> bool {
    if program.as_encoded_bytes().contains(&b'/') {
        return true;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).exists())
}
