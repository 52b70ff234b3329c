// SPDX-License-Identifier: GPL-2.0

//! The reply that all commands share: what a namespace has counted, and what it counts.

use crate::{
    devices::Counted,
    drops::{
        Cause,
        Dropped, //
    },
    epoch::Epoch,
    net::{
        namespace::Net,
        netfilter::Place,
        netlink::Writer, //
    },
    settings::switch,
    state::Namespace,
    traffic::{
        Passed,
        Traffic,
        PLACES, //
    },
    uapi,
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// Writes the reply about `net` to somebody in a namespace where it has the id `nsid`, if any.
///
/// With the epoch held, all counters in it are of one epoch.
pub(super) fn write(
    message: &mut Writer<'_>,
    nsid: Option<i32>,
    net: &Net,
    namespace: &Namespace<'_>,
    epoch: &Epoch,
) -> Result {
    use uapi::netns::*;

    let (state, settings) = (namespace.state(), namespace.settings());

    message.put_uint(COOKIE, net.cookie())?;
    if let Some(nsid) = nsid {
        message.put_s32(NSID, nsid)?;
    }
    message.put_uint(INODE, net.inode().into())?;
    message.put_uint(USERNS_INODE, net.user_ns_inode().into())?;
    message.put_uint(AGE, state.age())?;
    if state.is_preexisting() {
        message.put_flag(PREEXISTING)?;
    }
    message.put_uint(EPOCH, epoch.number())?;
    message.put_uint(EPOCH_AGE, epoch.age())?;
    let devices = state.devices().counted();
    message.nest(DEVICES, |nest| write_devices(nest, &devices))?;
    if let Some(traffic) = state.traffic() {
        write_traffic(message, traffic)?;
    }
    message.put_u8(COUNT_TRAFFIC, switch(settings.counts_traffic()))?;
    for dropped in state.drops().iter().flat_map(|drops| drops.dropped()) {
        message.nest(DROPS, |nest| write_dropped(nest, &dropped))?;
    }
    message.put_u8(COUNT_DROPS, switch(settings.counts_drops()))
}

/// The names are the running kernel's own: numbers change from one to the next, and a table in the
/// tool would be right for one of them only.
fn write_dropped(nest: &mut Writer<'_>, dropped: &Dropped) -> Result {
    use uapi::drops::*;

    match dropped.cause {
        Cause::Core(reason) => {
            nest.put_u8(SUBSYSTEM, uapi::drop_subsystem::CORE)?;
            nest.put_u32(REASON, reason.number().into())?;
            if let Some(name) = reason.name(&rcu::read_lock()) {
                nest.put_str(NAME, name)?;
            }
        }
        Cause::Subsystem(number) => nest.put_u8(SUBSYSTEM, number as u8)?,
    }
    nest.put_uint(PACKETS, dropped.packets)
}

fn write_devices(nest: &mut Writer<'_>, devices: &Counted) -> Result {
    use uapi::devices::*;

    nest.put_uint(PRESENT, devices.present)?;
    nest.put_uint(REGISTERED, devices.registered)?;
    nest.put_uint(UNREGISTERED, devices.unregistered)?;
    nest.put_uint(UP, devices.up)?;
    nest.put_uint(DOWN, devices.down)?;
    nest.put_uint(MOVED_IN, devices.moved_in)?;
    nest.put_uint(MOVED_OUT, devices.moved_out)?;
    nest.put_uint(RENAMED, devices.renamed)
}

/// A place where nothing has passed is left out: most are, in most namespaces.
fn write_traffic(message: &mut Writer<'_>, traffic: &Traffic) -> Result {
    for (i, place) in PLACES.iter().enumerate() {
        let passed = traffic.passed(i);
        if passed.packets > 0 {
            message.nest(uapi::netns::TRAFFIC, |nest| {
                write_passed(nest, place, &passed)
            })?;
        }
    }
    Ok(())
}

fn write_passed(nest: &mut Writer<'_>, place: &Place, passed: &Passed) -> Result {
    use uapi::traffic::*;

    nest.put_u8(FAMILY, place.family)?;
    nest.put_u8(HOOK, place.hook)?;
    nest.put_uint(PACKETS, passed.packets)?;
    nest.put_uint(BYTES, passed.bytes)
}
