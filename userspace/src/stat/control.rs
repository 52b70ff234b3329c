// SPDX-License-Identifier: MIT OR Apache-2.0

//! Changing what namespaces count, and beginning anew.

use anyhow::Result;

use super::selector;
use crate::netlink::pernet::{Family, Selector, Wanted};
use crate::netns::Reference;

/// Sets what each namespace counts; false where the module is not loaded.
pub fn set(references: &[Reference], wanted: Wanted) -> Result<bool> {
    each(references, |family, name, selector| {
        family.set(name, selector, wanted).map(drop)
    })
}

/// Lets the counts of each namespace begin at zero; false where the module is
/// not loaded.
pub fn reset(references: &[Reference]) -> Result<bool> {
    each(references, |family, name, selector| {
        family.reset(name, selector).map(drop)
    })
}

/// Finds all before it changes one, so that a name that is wrong changes nothing.
fn each(
    references: &[Reference],
    mut change: impl FnMut(&mut Family, &str, &Selector) -> Result<()>,
) -> Result<bool> {
    let Some(mut family) = Family::connect()? else {
        return Ok(false);
    };
    let found: Vec<_> = (references.iter())
        .map(Reference::resolve)
        .collect::<Result<_>>()?;
    for (reference, found) in references.iter().zip(&found) {
        change(&mut family, &reference.to_string(), &selector(&found.netns))?;
    }
    Ok(true)
}
