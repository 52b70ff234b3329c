// SPDX-License-Identifier: MIT OR Apache-2.0

//! Namespaces by what people write, with nodes before all else: a node keeps its
//! name when `ip netns` gives it to another namespace, or takes it away.

use anyhow::{Result, bail};

use super::registry::{NodeRecord, Registry};
use crate::netns::resolve::Resolved;
use crate::netns::{Name, Reference, process};

/// The network namespace that `reference` leads to.
pub fn resolve(reference: &Reference) -> Result<Resolved> {
    let node = name(reference).map(running).transpose()?;
    match node.flatten() {
        Some(resolved) => Ok(resolved),
        None => reference.resolve(),
    }
}

/// The name that `reference` is, where it can be nothing else: only a number can.
pub fn name(reference: &Reference) -> Option<&Name> {
    match reference {
        Reference::Name(name) => Some(name),
        Reference::Word(name) if !name.as_str().bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(name)
        }
        _ => None,
    }
}

/// The name of the node that `reference` leads to: a word is one, since a node is asked
/// for, and by any other form it is the node whose network namespace that is.
pub fn node(reference: &Reference) -> Result<Name> {
    if let Reference::Word(name) | Reference::Name(name) = reference {
        return Ok(name.clone());
    }
    let cookie = reference.resolve()?.netns.cookie()?;
    let nodes = Registry::look()?.nodes().all::<NodeRecord>()?.into_iter();
    let nodes = nodes.filter(|(_, node)| node.cookie == Some(cookie));
    let names: Vec<String> = nodes.map(|(name, _)| name).collect();
    match &names[..] {
        [] => bail!(
            "the network namespace {reference} is no node's; a node that is called so is `name:{reference}`"
        ),
        [name] => name.parse(),
        names => bail!(
            "the network namespace {reference} is that of nodes {}; use one of their names",
            names.join(", ")
        ),
    }
}

/// The namespace of the node that has this name and a first process that lives.
fn running(name: &Name) -> Result<Option<Resolved>> {
    let record = Registry::look_up(name)?;
    let Some(process) = record.and_then(|record| record.process) else {
        return Ok(None);
    };
    let (Some(_held), Some(pid)) = (process.open()?, process.pid_here()?) else {
        return Ok(None);
    };
    let netns = process::look(pid)?;
    Ok(netns.map(|netns| Resolved {
        netns,
        meaning: Reference::Name(name.clone()),
    }))
}
