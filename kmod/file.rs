// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/pernet`: the state of the reader's namespace, for people and shell scripts.
//!
//! Each line is a subject, followed by names and values:
//!
//! ```text
//! netns cookie 4097 inode 4026532240 userns_inode 4026531837 age_ns 2031772910 preexisting 0 epoch 0
//! devices present 2 registered 2 unregistered 0 up 2 down 0 moved_in 0 moved_out 0 renamed 0
//! ipv4 prerouting packets 3 bytes 252
//! ```
//!
//! and so on for every hook, and for `ipv6`. Then each reason for which packets were dropped while
//! they were counted:
//!
//! ```text
//! dropped core NO_SOCKET packets 3
//! ```

use crate::{
    drops::{
        Cause,
        Dropped, //
    },
    net::{
        namespace::Net,
        proc::Show, //
    },
    state::State,
    traffic,
    uapi, //
};
use kernel::{
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::BStr,
    sync::rcu, //
};

impl Show for State {
    fn show(&self, net: &Net, file: &SeqFile) -> Result {
        // All counts in the file are of one epoch.
        let epoch = self.epoch();
        seq_print!(
            file,
            "netns cookie {} inode {} userns_inode {} age_ns {} preexisting {} epoch {}\n",
            net.cookie(),
            net.inode(),
            net.user_ns_inode(),
            self.age(),
            u8::from(self.is_preexisting()),
            epoch.number(),
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
        for (i, place) in traffic::PLACES.iter().enumerate() {
            let passed = self.traffic().map(|traffic| traffic.passed(i));
            let passed = passed.unwrap_or_default();
            seq_print!(
                file,
                "{} {} packets {} bytes {}\n",
                family_name(place.family),
                hook_name(place.hook),
                passed.packets,
                passed.bytes,
            );
        }
        for dropped in self.drops().iter().flat_map(|drops| drops.dropped()) {
            show_dropped(file, &dropped);
        }
        Ok(())
    }
}

fn show_dropped(file: &SeqFile, dropped: &Dropped) {
    let packets = dropped.packets;
    match dropped.cause {
        Cause::Core(reason) => match reason.name(&rcu::read_lock()) {
            Some(name) => {
                let name = BStr::from_bytes(name.to_bytes());
                seq_print!(file, "dropped core {} packets {}\n", name, packets)
            }
            None => seq_print!(
                file,
                "dropped core {} packets {}\n",
                reason.number(),
                packets
            ),
        },
        Cause::Subsystem(number) => {
            let name = subsystem_name(number);
            seq_print!(file, "dropped {} any packets {}\n", name, packets)
        }
    }
}

fn subsystem_name(number: u16) -> &'static str {
    match u8::try_from(number) {
        Ok(uapi::drop_subsystem::MAC80211_UNUSABLE) => "mac80211-unusable",
        Ok(uapi::drop_subsystem::OPENVSWITCH) => "openvswitch",
        Ok(uapi::drop_subsystem::QDISC) => "qdisc",
        _ => "other",
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
