// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who is who in a user namespace that this process has just made.

use std::fs;

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid};

/// A user and a group, as one side sees them.
pub type Identity = (Uid, Gid);

/// Lets one user and one group of outside, the caller's, be these inside.
pub fn map(inside: Identity, outside: Identity) -> Result<()> {
    for (file, line) in [
        // The kernel lets a group be mapped only by who cannot drop one.
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{} {} 1", inside.0, outside.0)),
        ("gid_map", format!("{} {} 1", inside.1, outside.1)),
    ] {
        let path = format!("/proc/self/{file}");
        fs::write(&path, line).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}
