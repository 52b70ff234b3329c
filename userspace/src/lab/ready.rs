// SPDX-License-Identifier: MIT OR Apache-2.0

//! Waiting until the devices of a lab can be used.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::inside::Task;
use super::workers::Run;
use crate::netlink::address::{self, Trial};
use crate::netlink::bridge::port_state;
use crate::netlink::link::Link;
use crate::netlink::watch::Watch;
use crate::netlink::{Socket, link};
use crate::netns::named;

/// How long the kernel may take to see that both ends of a link are up, with
/// thousands of others.
const CARRIER: Duration = Duration::from_secs(20);

/// How long an address may be looked for duplicates of: a second, most often, and
/// a random time before it.
const TRIAL: Duration = Duration::from_secs(10);

/// How often it is looked for ^C.
const INTERVAL: Duration = Duration::from_millis(100);

/// Waits until `look` finds nothing left to wait for; fails when it still finds
/// something after this time. It looks again when something changed.
fn wait(
    run: &Run,
    patience: Duration,
    watch: fn() -> Result<Watch>,
    mut look: impl FnMut() -> Result<Option<String>>,
) -> Result<()> {
    // Most often there is nothing to wait for any more.
    if look()?.is_none() {
        return Ok(());
    }
    let mut watch = watch()?;
    let deadline = Instant::now() + patience;
    while let Some(missing) = look()? {
        loop {
            run.check()?;
            let now = Instant::now();
            ensure!(now < deadline, "{missing} after {} s", patience.as_secs());
            if watch.wait(deadline.min(now + INTERVAL))? {
                break;
            }
        }
    }
    Ok(())
}

/// Waits until the ports with these indexes carry, and forward packets if they
/// ever will.
pub fn ports(run: &Run, indexes: &BTreeSet<i32>, forward_delay: u32) -> Result<()> {
    if indexes.is_empty() {
        return Ok(());
    }
    let mut socket = Socket::route()?;
    let patience = CARRIER + Duration::from_secs(2 * u64::from(forward_delay));
    // The kernel comes to them in turn: until the last one is ready, nothing else is
    // to be learned of a thousand.
    let mut last = None;
    wait(run, patience, Watch::links, || {
        if let Some(index) = last {
            if let Some(missing) = missing(&link::get(&mut socket, index)?)? {
                return Ok(Some(missing));
            }
        }
        last = None;
        let mut all_missing = None;
        for link in link::all(&mut socket)? {
            if indexes.contains(&link.index) {
                if let Some(missing) = missing(&link)? {
                    (last, all_missing) = (Some(link.index), Some(missing));
                }
            }
        }
        Ok(all_missing)
    })
}

/// What a port lacks.
fn missing(port: &Link) -> Result<Option<String>> {
    if !port.operational {
        return Ok(Some(format!("port {} has no carrier", port.name)));
    }
    Ok(match port_state(port)? {
        state @ ("listening" | "learning") => Some(format!("port {} is still {state}", port.name)),
        _ => None,
    })
}

/// Waits until the devices of a node carry and its IPv6 addresses can be used.
pub fn node(run: &Run, task: &Task) -> Result<()> {
    if task.ends.is_empty() {
        return Ok(());
    }
    let netns = named::open(&task.node.netns)?;
    let ready = netns.inside(|| {
        let mut socket = Socket::route()?;
        wait(run, CARRIER, Watch::links, || {
            without_carrier(&mut socket, task)
        })?;
        match task.node.ipv6 {
            true => wait(run, TRIAL, Watch::addresses, || on_trial(&mut socket)),
            false => Ok(()),
        }
    });
    ready.with_context(|| format!("node {} is not ready", task.node.name))
}

fn without_carrier(socket: &mut Socket, task: &Task) -> Result<Option<String>> {
    let links = link::all(socket)?;
    for end in &task.ends {
        let name = end.end.device.name.as_str();
        let link = links.iter().find(|link| link.name == name);
        if !link
            .with_context(|| format!("device {name} is gone"))?
            .operational
        {
            return Ok(Some(format!("device {name} has no carrier")));
        }
    }
    Ok(None)
}

fn on_trial(socket: &mut Socket) -> Result<Option<String>> {
    for (_, ip, trial) in address::trials(socket)? {
        match trial {
            Trial::Passed => {}
            Trial::Going => {
                return Ok(Some(format!(
                    "address {ip} is still looked for duplicates of"
                )));
            }
            Trial::Failed => bail!("address {ip} is another's already"),
        }
    }
    Ok(None)
}
