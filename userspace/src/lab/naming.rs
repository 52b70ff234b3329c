// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names of any length, and what the kernel calls the same things.

use super::model::Device;
use crate::netlink::DeviceName;

/// The longest altname (`ALTIFNAMSIZ` of the kernel, less the byte that ends it).
const MAX_ALTNAME: usize = 127;

/// Digits of a hash, and how many are in a name: 45 bits.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const HASHED: usize = 9;

/// Names a device that is called `logical` in the lab and `full` on the machine:
/// so, where the kernel takes it, and else by as much of `logical` as fits and
/// a hash of `full`, with `full` as a second name.
pub fn device(logical: &str, full: &str) -> Device {
    let whole = full.parse().ok();
    let altname = whole.is_none().then(|| shortened(full, MAX_ALTNAME));
    Device {
        logical: logical.to_owned(),
        name: whole.unwrap_or_else(|| hashed(logical, full)),
        altname,
    }
}

fn hashed(logical: &str, full: &str) -> DeviceName {
    let legible = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let room = DeviceName::MAX - HASHED - 1;
    let begin: String = logical.chars().filter(legible).take(room).collect();
    (begin + "." + &hash(full))
        .parse()
        .expect("legible ASCII that fits is a device's name")
}

/// `text`, or its beginning and a hash of it, where it is longer than `most` bytes.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut room = most - HASHED - 1;
    while !text.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}.{}", &text[..room], hash(text))
}

/// By FNV-1a: the same on every machine and in every release.
fn hash(text: &str) -> String {
    let mut hash = (text.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The high bits are the better ones; the others are not lost.
    hash ^= hash >> 29;
    (0..HASHED)
        .map(|digit| char::from(DIGITS[(hash >> (5 * digit)) as usize % DIGITS.len()]))
        .collect()
}
