// SPDX-License-Identifier: GPL-2.0

//! `set`: says what a namespace counts.

use super::{
    is_on,
    reply,
    select::{
        self,
        select, //
    },
    Family,
    SWITCH, //
};
use crate::{
    net::{
        drop,
        genetlink,
        netlink::Policy, //
    },
    settings::Settings,
    uapi,
};
use kernel::prelude::*;

/// Says what a namespace counts.
pub(super) struct Set;

/// Entries in the policy: the settings are the last attributes of the set.
pub(super) const ATTRIBUTES: usize = uapi::netns::COUNT_DROPS as usize + 1;

impl genetlink::Do<ATTRIBUTES> for Set {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::SET;
    const POLICY: &'static Policy<ATTRIBUTES> = &select::policy()
        .allow(uapi::netns::COUNT_TRAFFIC, SWITCH)
        .allow(uapi::netns::COUNT_DROPS, SWITCH);

    fn run(family: &Family, request: &genetlink::Request<'_>) -> Result {
        use uapi::netns::*;

        let selected = select(family, request)?;
        selected.check_admin(request)?;
        let net = selected.net();
        let namespace = family.namespaces.get(net).ok_or(ENOENT)?;
        let settings = namespace.settings();

        let traffic = wanted(request, COUNT_TRAFFIC)?;
        let drops = wanted(request, COUNT_DROPS)?;
        if traffic.is_none() && drops.is_none() {
            return Err(request.refuse(EINVAL, None, c"nothing to set"));
        }
        let nsid = request.net().nsid_of(net);
        // The memory for the reply comes first: who is told of an error finds nothing changed.
        request.reply_once(|message| {
            apply(request, settings, traffic, drops)?;
            let epoch = namespace.state().epoch();
            reply::write(message, nsid, net, namespace, &epoch)
        })
    }
}

/// Does all that is wanted, or on an error nothing.
fn apply(
    request: &genetlink::Request<'_>,
    settings: &Settings<'_>,
    traffic: Option<bool>,
    drops: Option<bool>,
) -> Result {
    let before = settings.counts_drops();
    if let Some(on) = drops {
        count_drops(request, settings, on)?;
    }
    if let Some(on) = traffic {
        settings.count_traffic(on).map_err(|error| {
            // To what it was, which did not fail then.
            let _ = settings.count_drops(before);
            let attr = Some(uapi::netns::COUNT_TRAFFIC);
            request.refuse(error, attr, c"netfilter refused the hooks")
        })?;
    }
    Ok(())
}

fn wanted(request: &genetlink::Request<'_>, attr: u16) -> Result<Option<bool>> {
    request.attributes().get(attr).map(is_on).transpose()
}

fn count_drops(request: &genetlink::Request<'_>, settings: &Settings<'_>, on: bool) -> Result {
    settings.count_drops(on).map_err(|error| {
        let why = match error == drop::unsupported() {
            true => c"this kernel has no tracepoints",
            false => c"the namespace's devices could not be noted",
        };
        request.refuse(error, Some(uapi::netns::COUNT_DROPS), why)
    })
}
