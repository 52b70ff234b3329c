// SPDX-License-Identifier: MIT OR Apache-2.0

//! How people write one end of a link:
//!
//! ```text
//! END     = [NS ":"] DEV ["=" SETTING {"," SETTING}]
//! SETTING = IPV4 "/" LENGTH | IPV6 "/" LENGTH | MAC
//! ```
//!
//! NS is a [`Reference`]. A device's name has no colon in it, so the last one
//! before the settings ends NS, which may have others; settings have no `=` in
//! them, so the last one begins them.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow, bail, ensure};

use crate::netlink::{Address, DeviceName, Mac};
use crate::netns::Reference;

/// One end of a link: where it is, what it is called, what it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Where it is; nothing is the namespace the command runs in.
    pub netns: Option<Reference>,
    pub device: DeviceName,
    pub mac: Option<Mac>,
    pub addresses: Vec<Address>,
}

impl End {
    /// An end in the namespace the command runs in, with nothing but a name.
    pub fn here(device: DeviceName) -> Self {
        End {
            netns: None,
            device,
            mac: None,
            addresses: Vec::new(),
        }
    }

    /// IPv6 is left alone at an end that has no use for it.
    pub fn wants_ipv6(&self) -> bool {
        self.addresses.iter().any(|address| address.ip.is_ipv6())
    }

    fn set(&mut self, setting: &str) -> Result<()> {
        // No IPv6 address with its prefix length has the shape of a MAC.
        if !setting.contains('/') && setting.matches(':').count() == 5 {
            ensure!(self.mac.is_none(), "a second Ethernet address, `{setting}`");
            self.mac = Some(setting.parse()?);
            return Ok(());
        }
        let address = setting.parse()?;
        ensure!(
            !self.addresses.contains(&address),
            "address {address} twice"
        );
        self.addresses.push(address);
        Ok(())
    }
}

impl FromStr for End {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (place, settings) = match text.rsplit_once('=') {
            Some((place, settings)) => (place, Some(settings)),
            None => (text, None),
        };
        let (netns, device) = match place.rsplit_once(':') {
            Some((netns, device)) => (Some(netns), device),
            None => (None, place),
        };
        let mut end = End::here(device.parse()?);
        // In one line, since clap shows no more of an error than that.
        end.netns = netns
            .map(str::parse)
            .transpose()
            .map_err(|error| anyhow!("namespace of this end: {error:#}"))?;
        match settings {
            Some("") => {
                bail!("nothing follows the `=`; leave it out, or write an address like 10.0.0.1/24")
            }
            Some(settings) => settings
                .split(',')
                .try_for_each(|setting| end.set(setting))?,
            None => {}
        }
        Ok(end)
    }
}

/// Without the settings, as it is written to name an end that exists.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(netns) = &self.netns {
            write!(f, "{netns}:")?;
        }
        write!(f, "{}", self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<End, String> {
        text.parse()
            .map_err(|error: anyhow::Error| format!("{error:#}"))
    }

    #[test]
    fn an_end_names_node_device_and_settings() {
        let end = parse("n1:eth0=10.0.0.1/24,fd00::1/64,02:00:00:00:00:0a").unwrap();
        assert_eq!(end.to_string(), "n1:eth0");
        assert_eq!(end.addresses.len(), 2);
        assert_eq!(end.mac.unwrap().to_string(), "02:00:00:00:00:0a");
        assert!(end.wants_ipv6());

        let end = parse("eth0").unwrap();
        assert_eq!(end, End::here("eth0".parse().unwrap()));
        assert!(!end.wants_ipv6());
    }

    #[test]
    fn the_last_colon_and_the_last_equals_sign_divide() {
        for (text, netns, device) in [
            ("a:b:eth0", "a:b", "eth0"),
            ("a=b:eth0=10.0.0.1/8", "a=b", "eth0"),
            ("pid:5:eth0", "pid:5", "eth0"),
            ("name:pid:5:eth0=02:00:00:00:00:0a", "name:pid:5", "eth0"),
            ("inode:5:eth0=fd00::1/64", "inode:5", "eth0"),
            ("/run/netns/a:b:eth0=10.0.0.1/8", "/run/netns/a:b", "eth0"),
            // Two of the words that begin a form, and no form.
            ("name:pid", "name", "pid"),
        ] {
            let end = parse(text).unwrap();
            assert_eq!(end.netns, Some(netns.parse().unwrap()), "{text}");
            assert_eq!(end.device.as_str(), device, "{text}");
        }
        assert_eq!(
            parse("net:[5]:eth0").unwrap().netns,
            Some(Reference::Inode(5))
        );
    }

    #[test]
    fn a_wrong_end_says_what_is_wrong() {
        for (text, says) in [
            ("", "device name is empty"),
            ("n1:", "device name is empty"),
            (":eth0", "name is empty"),
            ("n1:eth0=", "nothing follows"),
            ("n1:eth0=10.0.0.1", "no prefix length"),
            ("n1:eth0=10.0.0.1/24,", "not an address"),
            ("n1:eth0=10.0.0.1/24,10.0.0.1/24", "twice"),
            (
                "n1:eth0=02:00:00:00:00:01,02:00:00:00:00:02",
                "second Ethernet",
            ),
            ("n1:eth0=03:00:00:00:00:01", "cannot be"),
            ("n1:a-device-too-long", "2 more than"),
            ("a\nb:eth0", r"'\n'"),
            ("pid:x:eth0", "valid pid"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
