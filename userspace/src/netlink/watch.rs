// SPDX-License-Identifier: MIT OR Apache-2.0

//! Waiting for what the kernel does in the background: it says so.

use std::time::Instant;

use anyhow::Result;

use super::Socket;

/// Numbers of linux/rtnetlink.h.
const RTNLGRP_LINK: u32 = 1;
const RTNLGRP_IPV6_IFADDR: u32 = 9;

/// Hears of changes in the namespace in which it was opened. To be opened before
/// one looks for the first time, so that nothing happens in between.
pub struct Watch(Socket);

impl Watch {
    /// Of devices.
    pub fn links() -> Result<Self> {
        Socket::listen(RTNLGRP_LINK).map(Watch)
    }

    /// Of IPv6 addresses.
    pub fn addresses() -> Result<Self> {
        Socket::listen(RTNLGRP_IPV6_IFADDR).map(Watch)
    }

    /// Waits for the next change; false where there was none by then.
    pub fn wait(&mut self, until: Instant) -> Result<bool> {
        self.0.hear_anything(until)
    }
}
