// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a device goes by: its name, and its Ethernet address.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow, bail, ensure};

use crate::random;
use crate::text::as_text;

/// A name that the kernel accepts for a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(String);

impl DeviceName {
    /// The longest name, in bytes.
    pub const MAX: usize = 15;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` could be a device's name if it may be of any length.
    pub fn check(text: &str) -> Result<()> {
        ensure!(!text.is_empty(), "device name is empty");
        ensure!(text != "." && text != "..", "`{text}` is no device name");
        // `%` is the kernel's own: it would number the device in its place.
        let wrong =
            |c: char| c == '/' || c == ':' || c == '%' || c.is_whitespace() || c.is_control();
        if let Some(c) = text.chars().find(|&c| wrong(c)) {
            bail!("device name {text:?} has {c:?} in it, which is not allowed there");
        }
        Ok(())
    }
}

impl FromStr for DeviceName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        ensure!(
            text.len() <= Self::MAX,
            "device name `{text}` is {} bytes long, {} more than the kernel allows",
            text.len(),
            text.len() - Self::MAX
        );
        Self::check(text)?;
        Ok(DeviceName(text.to_owned()))
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

as_text!(DeviceName, Mac);

impl FromStr for Mac {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            *byte = (parts.next())
                .filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|part| u8::from_str_radix(part, 16).ok())
                .ok_or_else(|| anyhow!("`{text}` is not an Ethernet address"))?;
        }
        ensure!(
            parts.next().is_none(),
            "`{text}` is not an Ethernet address"
        );
        ensure!(
            bytes != [0; 6] && bytes[0] & 1 == 0,
            "`{text}` cannot be the address of one device"
        );
        Ok(Mac(bytes))
    }
}

impl Mac {
    /// An address that nothing else has: for one device, administered locally,
    /// and drawn at random.
    pub fn draw() -> Result<Self> {
        let mut bytes: [u8; 6] = random::bytes()?;
        bytes[0] = bytes[0] & !1 | 2;
        Ok(Mac(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_those_of_the_kernel() {
        for right in ["lo", "b.1.1", "n1.0.1", "ä", "a=b", "123456789012345"] {
            assert_eq!(right.parse::<DeviceName>().unwrap().as_str(), right);
        }
        for wrong in [
            "",
            ".",
            "..",
            "a/b",
            "a:b",
            "a b",
            "a\tb",
            "eth%d",
            "a\0",
            "1234567890123456",
        ] {
            assert!(wrong.parse::<DeviceName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn macs_are_six_pairs_for_one_device() {
        let mac: Mac = "02:00:00:00:0A:ff".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:00:00:0a:ff");
        for wrong in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:00:00",
            "2:0:0:0:0:1",
            "02:00:00:00:00:0g",
            "02:00:00:00:00:+1",
            "00:00:00:00:00:00",
            "01:00:00:00:00:00",
        ] {
            assert!(wrong.parse::<Mac>().is_err(), "{wrong}");
        }
    }
}
