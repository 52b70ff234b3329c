// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each namespace counts: read into a [`model::Snapshot`], of which two have
//! a [`difference`], of which some are [`select`]ed, then shown as a [`table`], with
//! chosen [`columns`], or as JSON. Showing knows no socket.
//! What is counted is set and reset by [`control`].
//!
//! The counts are those of the module or, without it, the kernel's own, for which
//! each namespace is entered ([`visit`]).

pub mod columns;
pub mod control;
pub mod difference;
pub mod exposition;
pub mod measure;
pub mod model;
mod procfs;
pub mod reason;
pub mod select;
pub mod table;
mod visit;

use std::fs;
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_gettime};

use self::model::{Namespace, Snapshot, Source};
use self::visit::{Place, Visits};
use crate::netlink::pernet::{Family, Filter};
use crate::netns::{Reference, discover};
use crate::node::label::Labels;
use crate::node::reference;

/// Reads snapshots, all from the same source.
pub struct Reader {
    /// None where the counts are the kernel's own.
    module: Option<Family>,
    boot: String,
}

impl Reader {
    /// A reader of this source or, where none is said, of the module if it is
    /// loaded and else of the kernel. Nothing, where it is to be the module and that
    /// is not loaded.
    pub fn open(source: Option<Source>) -> Result<Option<Self>> {
        let module = match source {
            Some(Source::Kernel) => None,
            _ => Family::connect()?,
        };
        if source == Some(Source::Module) && module.is_none() {
            return Ok(None);
        }
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let boot = boot.context("cannot identify this boot")?;
        Ok(Some(Reader {
            module,
            boot: boot.trim_end().to_owned(),
        }))
    }

    /// The module, if it is what counts.
    pub fn module(&self) -> Option<&Family> {
        self.module.as_ref()
    }

    pub fn source(&self) -> Source {
        match self.module {
            Some(_) => Source::Module,
            None => Source::Kernel,
        }
    }

    /// Reads the namespaces that are `wanted`, or where none is all there are to be
    /// seen that pass the filter.
    pub fn read(&mut self, wanted: &[Reference], filter: &Filter) -> Result<Snapshot> {
        let time = now()?;
        let uptime = nanoseconds(ClockId::CLOCK_BOOTTIME)?;
        let (mut namespaces, unread) = match &mut self.module {
            Some(family) => (counted(family, wanted, filter)?, Vec::new()),
            None => visited(wanted, filter)?,
        };
        let labels = Labels::read()?;
        for namespace in &mut namespaces {
            let label = labels.of(namespace.inode, Some(namespace.cookie));
            namespace.name = label.name;
            namespace.names = label.names;
            namespace.lab = label.lab;
            namespace.node = label.node;
        }
        Ok(Snapshot {
            source: self.source(),
            boot: self.boot.clone(),
            time,
            uptime,
            namespaces,
            unread,
        })
    }
}

/// What the module counted.
fn counted(family: &mut Family, wanted: &[Reference], filter: &Filter) -> Result<Vec<Namespace>> {
    let reports = match wanted {
        [] => family.dump(filter)?,
        wanted => (wanted.iter())
            .map(|reference| {
                let found = reference::resolve(reference)?;
                family.get(&reference.to_string(), found.netns.as_fd())
            })
            .collect::<Result<_>>()?,
    };
    let mut namespaces: Vec<_> = reports.into_iter().map(model::namespace).collect();
    namespaces.sort_by_key(|namespace| namespace.cookie);
    Ok(namespaces)
}

/// What the kernel counted by itself, and why that of others could not be read. Of
/// all that there are, those are shown that the caller may see.
fn visited(wanted: &[Reference], filter: &Filter) -> Result<(Vec<Namespace>, Vec<String>)> {
    let places: Vec<_> = match wanted {
        [] => discover::all()?.into_iter().map(Place::Found).collect(),
        wanted => (wanted.iter())
            .map(|reference| Ok(Place::Held(reference::resolve(reference)?.netns)))
            .collect::<Result<_>>()?,
    };
    let Visits {
        mut namespaces,
        refused,
        failed,
    } = visit::all(&places)?;
    let unread = failed.iter().map(|error| format!("{error:#}")).collect();
    if !wanted.is_empty() || namespaces.is_empty() {
        if let Some(error) = failed.into_iter().chain(refused).next() {
            return Err(error);
        }
    }
    namespaces.retain(|namespace| passes(namespace, filter));
    Ok((namespaces, unread))
}

/// What the module finds out by itself.
fn passes(namespace: &Namespace, filter: &Filter) -> bool {
    let links = namespace.kernel.iter().flat_map(|kernel| &kernel.links);
    let mut names = links.map(|link| &link.name);
    (filter.device.as_ref()).is_none_or(|device| names.any(|name| name == device))
        && (filter.min_drops).is_none_or(|drops| namespace.dropped() >= drops)
}

/// Nanoseconds since 1970.
pub fn now() -> Result<u64> {
    nanoseconds(ClockId::CLOCK_REALTIME)
}

fn nanoseconds(clock: ClockId) -> Result<u64> {
    let now = Duration::from(clock_gettime(clock).context("cannot read a clock")?);
    Ok(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}
