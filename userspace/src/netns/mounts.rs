// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces by the files they are bound to, wherever those are.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::sys::stat::makedev;

use super::Inode;

/// The mounts that this process sees.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Every file that a network namespace is bound to, those of names included.
pub fn all() -> Result<Vec<(PathBuf, Inode)>> {
    of(MOUNTS)
}

/// The same, of the mounts in a file like /proc/PID/mountinfo.
pub fn of(file: &str) -> Result<Vec<(PathBuf, Inode)>> {
    let mounts = fs::read(file).with_context(|| format!("cannot read {file}"))?;
    Ok(mounts
        .split(|&byte| byte == b'\n')
        .filter_map(parse)
        .collect())
}

/// One line: its third field is the device, the fourth says which namespace,
/// as `net:[INODE]`, and the fifth where it is.
fn parse(line: &[u8]) -> Option<(PathBuf, Inode)> {
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let device = std::str::from_utf8(fields.next()?).ok()?;
    let root = std::str::from_utf8(fields.next()?).ok()?;
    let number = root.strip_prefix("net:[")?.strip_suffix(']')?;
    let path = unescape(fields.next()?);
    let (major, minor) = device.split_once(':')?;
    // A directory elsewhere may be called like a namespace.
    fields.find(|&field| field == b"-")?;
    if fields.next()? != b"nsfs" {
        return None;
    }
    let inode = Inode {
        device: makedev(major.parse().ok()?, minor.parse().ok()?),
        number: number.parse().ok()?,
    };
    Some((PathBuf::from(OsString::from_vec(path)), inode))
}

/// The kernel writes what would end a field as `\` and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let escaped = (after.get(..3).filter(|_| *first == b'\\'))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() {
            &after[3..]
        } else {
            after
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_namespaces_are_told_from_other_mounts() {
        let line = |root: &str, kind: &str| {
            parse(format!(r"99 24 0:4 {root} /a\040b\134c rw shared:7 - {kind} nsfs rw").as_bytes())
        };
        let inode = Inode {
            device: 4,
            number: 4_026_532_131,
        };
        assert_eq!(
            line("net:[4026532131]", "nsfs"),
            Some((PathBuf::from(r"/a b\c"), inode))
        );
        for (root, kind) in [
            ("mnt:[4026532131]", "nsfs"),
            ("/", "nsfs"),
            ("net:[]", "nsfs"),
            ("net:[4026532131]", "ext4"),
        ] {
            assert_eq!(line(root, kind), None, "{root} {kind}");
        }
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"99 24 0:4 net:[1] /a rw"), None);
    }
}
