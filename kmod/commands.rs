// SPDX-License-Identifier: GPL-2.0

//! The netlink family `pernet`: what user space may ask. The contract is
//! `docs/netlink/pernet.yaml`.

use crate::{
    devices::Counted,
    drops::{
        Cause,
        Dropped, //
    },
    net::{
        genetlink,
        namespace::{
            Net,
            NetRef, //
        },
        netlink::{
            Attribute,
            Policy,
            Type,
            Writer, //
        },
        pernet, //
    },
    state::{
        Namespace,
        PerNamespace, //
    },
    traffic::Point,
    uapi,
};
use kernel::{
    prelude::*,
    sync::{
        rcu,
        Arc, //
    },
};

/// The family's context: where the state is found.
pub(crate) struct Family {
    namespaces: Arc<pernet::Registration<PerNamespace>>,
}

impl Family {
    /// Answers about `namespaces`.
    pub(crate) fn new(namespaces: Arc<pernet::Registration<PerNamespace>>) -> Self {
        Self { namespaces }
    }
}

impl genetlink::Family for Family {
    const NAME: &'static CStr = uapi::FAMILY_NAME;
    const VERSION: u8 = uapi::FAMILY_VERSION;
    const OPERATIONS: &'static [genetlink::Operation<Self>] = &[
        genetlink::Operation::new_do::<GET_ATTRIBUTES, Get>(),
        genetlink::Operation::new_dump::<Get>(),
    ];
}

/// Entries in the policy of [`Get`]: the selectors are the first attributes of the set.
const GET_ATTRIBUTES: usize = uapi::netns::FD as usize + 1;

/// Reads the state of one namespace, or of all.
struct Get;

impl genetlink::Do<GET_ATTRIBUTES> for Get {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::GET;
    const POLICY: &'static Policy<GET_ATTRIBUTES> = &Policy::new()
        .allow(uapi::netns::COOKIE, Type::Uint)
        .allow(uapi::netns::NSID, Type::S32)
        .allow(uapi::netns::PID, Type::U32)
        .allow(uapi::netns::FD, Type::U32);

    fn run(family: &Family, request: &genetlink::Request<'_>) -> Result {
        let selected = select(request)?;
        let net = selected.as_deref().unwrap_or(request.net());
        let namespace = family.namespaces.get(net).ok_or(ENOENT)?;
        request.reply(|message| write(message, request.net(), net, namespace))
    }
}

/// The namespace that a request names, if it names one and the asking socket may see it.
fn select(request: &genetlink::Request<'_>) -> Result<Option<NetRef>> {
    use uapi::netns::*;

    let mut selector = None;
    for attr in [COOKIE, NSID, PID, FD] {
        let Some(value) = request.attributes().get(attr) else {
            continue;
        };
        if selector.replace((attr, value)).is_some() {
            let why = c"name the namespace by one of cookie, nsid, pid and fd";
            return Err(request.refuse(EINVAL, Some(attr), why));
        }
    }
    let Some((attr, value)) = selector else {
        return Ok(None);
    };
    let unknown = match attr {
        PID => c"no process with this pid",
        FD => c"not an open descriptor of a network namespace",
        _ => c"no network namespace with this id",
    };
    let net =
        find(request, attr, value).map_err(|error| request.refuse(error, Some(attr), unknown))?;
    if may_see(request, &net) {
        return Ok(Some(net));
    }
    // A process or a descriptor is known to exist; cookies and ids are not to be probed for.
    Err(match attr {
        PID | FD => {
            let why = c"CAP_NET_ADMIN is missing in the namespace's owner";
            request.refuse(EPERM, Some(attr), why)
        }
        _ => request.refuse(ENOENT, Some(attr), unknown),
    })
}

fn find(request: &genetlink::Request<'_>, attr: u16, value: Attribute<'_>) -> Result<NetRef> {
    match attr {
        uapi::netns::COOKIE => {
            let cookie = value.uint()?;
            Net::all(&rcu::read_lock())
                .find(|net| net.cookie() == cookie)
                .and_then(Net::maybe_get)
                .ok_or(ENOENT)
        }
        uapi::netns::NSID => request.net().peer(value.s32()?).ok_or(ENOENT),
        uapi::netns::PID => Net::from_pid(i32::try_from(value.u32()?)?),
        _ => Net::from_fd(i32::try_from(value.u32()?)?),
    }
}

/// Whether the asking socket may know of `net`: its own namespace, and those it is admin of.
fn may_see(request: &genetlink::Request<'_>, net: &Net) -> bool {
    request.net() == net || request.is_admin_of(net)
}

impl genetlink::Dump for Get {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::GET;

    fn run(
        family: &Family,
        part: &mut genetlink::Part<'_>,
        cursor: &mut genetlink::Cursor,
    ) -> Result {
        let guard = rcu::read_lock();
        let generation = family.namespaces.generation();
        let (passed, found) = resume(&guard, cursor);
        // Where the namespace is gone that the last part ended with, the place to go on from is
        // not sure: that part and this one are not of the same state then.
        part.set_generation(generation.wrapping_add(u32::from(!found)));
        let own = part.request().net();
        for (index, net) in Net::all(&guard).enumerate().skip(passed) {
            if let Some(namespace) = family.namespaces.get(net) {
                if may_see(part.request(), net) {
                    part.message(|message| write(message, own, net, namespace))?;
                }
            }
            cursor[PASSED] = index as c_long + 1;
            cursor[LAST_COOKIE] = net.cookie() as c_long;
        }
        Ok(())
    }
}

/// In a cursor: how many namespaces of the list a dump has been through.
const PASSED: usize = 0;
/// In a cursor: the cookie of the last of them.
const LAST_COOKIE: usize = 1;

/// How many namespaces to pass over in the next part of a dump, and whether the one that the last
/// part ended with was found.
///
/// The list grows at its end only, so going on behind a namespace that is still there misses none
/// and shows none twice, whatever else has gone.
fn resume(guard: &rcu::Guard, cursor: &genetlink::Cursor) -> (usize, bool) {
    let passed = cursor[PASSED] as usize;
    if passed == 0 {
        return (0, true);
    }
    match Net::all(guard).position(|net| net.cookie() == cursor[LAST_COOKIE] as u64) {
        Some(last) => (last + 1, true),
        None => (passed - 1, false),
    }
}

/// Writes the reply about `net` to somebody in `own`.
fn write(message: &mut Writer<'_>, own: &Net, net: &Net, namespace: &Namespace<'_>) -> Result {
    use uapi::netns::*;

    let (state, settings) = (namespace.state(), namespace.settings());

    message.put_uint(COOKIE, net.cookie())?;
    if let Some(nsid) = own.nsid_of(net) {
        message.put_s32(NSID, nsid)?;
    }
    message.put_uint(INODE, net.inode().into())?;
    message.put_uint(USERNS_INODE, net.user_ns_inode().into())?;
    message.put_uint(AGE, state.age())?;
    if state.is_preexisting() {
        message.put_flag(PREEXISTING)?;
    }
    let devices = state.devices().counted();
    message.nest(DEVICES, |nest| write_devices(nest, &devices))?;
    for point in state.traffic().points() {
        message.nest(TRAFFIC, |nest| write_point(nest, point))?;
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

fn switch(on: bool) -> u8 {
    match on {
        true => uapi::switch::ON,
        false => uapi::switch::OFF,
    }
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

fn write_point(nest: &mut Writer<'_>, point: &Point) -> Result {
    use uapi::traffic::*;

    let place = point.place();
    let passed = point.passed();
    nest.put_u8(FAMILY, place.family)?;
    nest.put_u8(HOOK, place.hook)?;
    nest.put_uint(PACKETS, passed.packets)?;
    nest.put_uint(BYTES, passed.bytes)
}
