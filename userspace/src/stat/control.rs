// SPDX-License-Identifier: MIT OR Apache-2.0

//! Changing what namespaces count, and beginning anew.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Result;

use crate::netlink::pernet::{Family, Wanted};
use crate::netns::Reference;
use crate::node::reference;

/// Sets what each namespace counts.
pub fn set(references: &[Reference], wanted: Wanted) -> Result<()> {
    each(references, |family, name, netns| {
        family.set(name, netns, wanted).map(drop)
    })
}

/// Lets the counts of each namespace begin at zero.
pub fn reset(references: &[Reference]) -> Result<()> {
    each(references, |family, name, netns| {
        family.reset(name, netns).map(drop)
    })
}

/// Finds all before it changes one, so that a name that is wrong changes nothing.
fn each(
    references: &[Reference],
    mut change: impl FnMut(&mut Family, &str, BorrowedFd) -> Result<()>,
) -> Result<()> {
    let mut family = Family::require()?;
    let found: Vec<_> = (references.iter())
        .map(reference::resolve)
        .collect::<Result<_>>()?;
    for (reference, found) in references.iter().zip(&found) {
        change(&mut family, &reference.to_string(), found.netns.as_fd())?;
    }
    Ok(())
}
