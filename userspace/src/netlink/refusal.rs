// SPDX-License-Identifier: MIT OR Apache-2.0

//! A request that the kernel refused, with its own words for it.

use std::fmt;

use neli::consts::nl::NlmsgerrAttr;
use neli::types::{Buffer, GenlBuffer};
use nix::errno::Errno;

use super::attribute;

/// The error code of a request and, where the kernel gave one, its sentence
/// (the `extack` message).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub errno: Errno,
    pub message: Option<String>,
}

impl Refusal {
    /// From what netlink reports: a negative error code and its attributes.
    pub(super) fn new(code: i32, attributes: &GenlBuffer<NlmsgerrAttr, Buffer>) -> Self {
        let message = (attributes.iter())
            .find(|attribute| *attribute.nla_type().nla_type() == NlmsgerrAttr::Msg)
            .and_then(|attribute| attribute::string(attribute.nla_payload()).ok());
        Refusal {
            errno: Errno::from_raw(code.saturating_neg()),
            message,
        }
    }

    /// Whether `error` is the kernel's refusal with this code.
    pub fn is(error: &anyhow::Error, errno: Errno) -> bool {
        (error.downcast_ref::<Refusal>()).is_some_and(|refusal| refusal.errno == errno)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.errno.desc())?;
        match &self.message {
            Some(message) => write!(f, " (kernel: {})", message.trim_end_matches('.')),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}
