// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel calls the devices of a lab.

use super::model::Device;
use crate::netlink::naming;

/// Names a device that is called `logical` in the lab and `full` on the machine:
/// so, where the kernel takes it, and else by as much of `logical` as fits and
/// a hash of `full`, with `full` as a second name.
pub fn device(logical: &str, full: &str) -> Device {
    let name = naming::device_name(logical, full);
    let altname = (name.as_str() != full).then(|| naming::altname(full));
    Device {
        logical: logical.to_owned(),
        name,
        altname,
    }
}
