// SPDX-License-Identifier: GPL-2.0

//! `reset`: begins an epoch, in which all counts begin at zero.

use super::{
    reply,
    select::{
        self,
        select,
        SELECTORS, //
    },
    Family, //
};
use crate::{
    net::{
        genetlink,
        netlink::Policy, //
    },
    uapi,
};
use kernel::prelude::*;

/// Begins an epoch, and answers with the counts of the one that ended.
pub(super) struct Reset;

impl genetlink::Do<SELECTORS> for Reset {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::RESET;
    const POLICY: &'static Policy<SELECTORS> = &select::policy();

    fn run(family: &Family, request: &genetlink::Request<'_>) -> Result {
        let selected = select(family, request)?;
        selected.check_admin(request)?;
        let net = selected.net();
        let namespace = family.namespaces.get(net).ok_or(ENOENT)?;
        let state = namespace.state();
        let nsid = request.net().nsid_of(net);
        let mut begun = None;
        let replied = request.reply(|message| {
            let mut epoch = state.epoch();
            reply::write(message, nsid, net, namespace, &epoch)?;
            // What is counted meanwhile is not in this reply, so it is in the next one.
            state.reset(&mut epoch);
            begun = Some(epoch.number());
            Ok(())
        });
        if let Some(epoch) = begun {
            family.events.reset(net, epoch);
        }
        replied
    }
}
