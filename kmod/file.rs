// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/pernet`: the state of the reader's namespace, for people and shell scripts.
//!
//! Each line is a subject, followed by names and values:
//!
//! ```text
//! netns cookie 4097 inode 4026532240 userns_inode 4026531837 age_ns 2031772910 preexisting 0
//! devices present 2 registered 2 unregistered 0 up 2 down 0 moved_in 0 moved_out 0 renamed 0
//! ipv4 prerouting packets 3 bytes 252
//! ```
//!
//! and so on for every hook, and for `ipv6`.

use crate::{
    net::{
        namespace::Net,
        proc::Show, //
    },
    state::State,
    uapi, //
};
use kernel::{
    prelude::*,
    seq_file::SeqFile,
    seq_print, //
};

impl Show for State {
    fn show(&self, net: &Net, file: &SeqFile) -> Result {
        seq_print!(
            file,
            "netns cookie {} inode {} userns_inode {} age_ns {} preexisting {}\n",
            net.cookie(),
            net.inode(),
            net.user_ns_inode(),
            self.age(),
            u8::from(self.is_preexisting()),
        );
        let devices = self.devices().counted();
        seq_print!(
            file,
            "devices present {} registered {} unregistered {} up {} down {} moved_in {} \
             moved_out {} renamed {}\n",
            devices.present,
            devices.registered,
            devices.unregistered,
            devices.up,
            devices.down,
            devices.moved_in,
            devices.moved_out,
            devices.renamed,
        );
        for point in self.traffic().points() {
            let place = point.place();
            let passed = point.passed();
            seq_print!(
                file,
                "{} {} packets {} bytes {}\n",
                family_name(place.family),
                hook_name(place.hook),
                passed.packets,
                passed.bytes,
            );
        }
        Ok(())
    }
}

fn family_name(family: u8) -> &'static str {
    match family {
        uapi::family::IPV4 => "ipv4",
        uapi::family::IPV6 => "ipv6",
        _ => "unknown",
    }
}

fn hook_name(hook: u8) -> &'static str {
    match hook {
        uapi::hook::PREROUTING => "prerouting",
        uapi::hook::LOCAL_IN => "local-in",
        uapi::hook::FORWARD => "forward",
        uapi::hook::LOCAL_OUT => "local-out",
        uapi::hook::POSTROUTING => "postrouting",
        _ => "unknown",
    }
}
