// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the module knows of each namespace: read into a [`model`], then shown
//! as a [`table`] or as JSON. Showing knows no socket. What is counted is set and
//! reset by [`control`].

pub mod control;
pub mod model;
pub mod table;

use std::os::fd::AsFd;

use anyhow::Result;

use self::model::Namespace;
use crate::netlink::pernet::{Family, Filter, Selector};
use crate::netns::{Netns, Reference, named};
use crate::node::reference;

/// Reads the namespaces that are `wanted`, or where none is all there are to be
/// seen that pass the filter; nothing, where the module is not loaded.
pub fn read(wanted: &[Reference], filter: &Filter) -> Result<Option<Vec<Namespace>>> {
    let Some(mut family) = Family::connect()? else {
        return Ok(None);
    };
    let reports = match wanted {
        [] => family.dump(filter)?,
        wanted => (wanted.iter())
            .map(|reference| {
                let found = reference::resolve(reference)?;
                family.get(&reference.to_string(), &selector(&found.netns))
            })
            .collect::<Result<_>>()?,
    };
    // Inode numbers are those of one file system, that of all namespaces.
    let device = Netns::current()?.inode()?.device;
    let known = named::all()?;
    let names_of = |number| {
        (known.iter())
            .filter(|(_, inode)| inode.device == device && inode.number == number)
            .map(|(name, _)| name.to_string())
            .collect()
    };
    Ok(Some(model::namespaces(reports, names_of)))
}

/// By its identity; by the descriptor, where one may not enter to learn it.
fn selector(netns: &Netns) -> Selector<'_> {
    match netns.cookie() {
        Ok(cookie) => Selector::Cookie(cookie),
        Err(_) => Selector::Fd(netns.as_fd()),
    }
}
