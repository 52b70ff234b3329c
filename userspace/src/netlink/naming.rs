// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names of any length, and what the kernel takes in their place.

use super::DeviceName;

/// The longest altname (`ALTIFNAMSIZ` of the kernel, less the byte that ends it).
const MAX_ALTNAME: usize = 127;

/// Digits of a hash, and how many are in a name: 45 bits.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const HASHED: usize = 9;

/// `full`, where the kernel takes it for a device's name, and else as much of `begin`
/// as is legible and fits, and a hash of `full`: so equal beginnings differ.
pub fn device_name(begin: &str, full: &str) -> DeviceName {
    if let Ok(name) = full.parse() {
        return name;
    }
    let legible = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let room = DeviceName::MAX - HASHED - 1;
    let begin: String = begin.chars().filter(legible).take(room).collect();
    (begin + "." + &hash(full))
        .parse()
        .expect("legible ASCII that fits is a device's name")
}

/// `text` as a device's second name: its beginning and a hash of it, where it is longer
/// than the kernel takes.
pub fn altname(text: &str) -> String {
    if text.len() <= MAX_ALTNAME {
        return text.to_owned();
    }
    let mut room = MAX_ALTNAME - HASHED - 1;
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
