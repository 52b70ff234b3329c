// SPDX-License-Identifier: GPL-2.0

//! `get`: reads the state of one namespace.

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

/// Reads the state of one namespace.
pub(super) struct Get;

impl genetlink::Do<SELECTORS> for Get {
    type Family = Family;
    const COMMAND: u8 = uapi::cmd::GET;
    const POLICY: &'static Policy<SELECTORS> = &select::policy();

    fn run(family: &Family, request: &genetlink::Request<'_>) -> Result {
        let selected = select(family, request)?;
        let net = selected.net();
        let namespace = family.namespaces.get(net).ok_or(ENOENT)?;
        let nsid = request.net().nsid_of(net);
        request.reply(|message| {
            let epoch = namespace.state().epoch();
            reply::write(message, nsid, net, namespace, &epoch)
        })
    }
}
