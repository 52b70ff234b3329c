// SPDX-License-Identifier: MIT OR Apache-2.0

//! Settings of the network namespace the thread is in: files below /proc/sys,
//! which shows each thread its own.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};

/// Whether all devices, and those that come, are kept from speaking IPv6.
pub const IPV6_OFF: &str = "net/ipv6/conf/all/disable_ipv6";
/// Whether devices that come try their IPv6 addresses for duplicates.
pub const IPV6_DAD: &str = "net/ipv6/conf/default/accept_dad";

fn path(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

/// Sets what is called `name`, a path below /proc/sys.
pub fn write(name: &str, value: &str) -> Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path(name));
    let written = file.and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()));
    written.with_context(|| format!("cannot set sysctl {name} to {value:?}"))
}

pub fn read(name: &str) -> Result<String> {
    let value = fs::read_to_string(path(name));
    let value = value.with_context(|| format!("cannot read sysctl {name}"))?;
    Ok(value.trim_end_matches('\n').to_owned())
}

/// Whether a namespace has it.
pub fn exists(name: &str) -> bool {
    path(name).exists()
}

/// Whether it failed because this kernel has no such thing.
pub fn is_missing(error: &Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::NotFound)
}
