// SPDX-License-Identifier: MIT OR Apache-2.0

//! What goes through a namespace in a second, whoever counts it.

use std::time::Duration;

use clap::ValueEnum;

use crate::netlink::pernet::uapi::Hook;
use crate::stat::model::{Count, Namespace};

/// Of one namespace, each in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    pub packets_in: f64,
    pub packets_out: f64,
    pub bytes_in: f64,
    pub bytes_out: f64,
    pub drops: f64,
}

/// By what namespaces are sorted; the largest first, names from A on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    Name,
    PacketsIn,
    PacketsOut,
    BytesIn,
    BytesOut,
    Drops,
    Devices,
}

impl Sort {
    pub const ALL: [Sort; 7] = [
        Sort::Name,
        Sort::PacketsIn,
        Sort::PacketsOut,
        Sort::BytesIn,
        Sort::BytesOut,
        Sort::Drops,
        Sort::Devices,
    ];

    pub fn is_of_drops(self) -> bool {
        self == Sort::Drops
    }

    /// The one to the right, or to the left; none beyond the last.
    pub fn beside(self, right: bool) -> Self {
        let at = Sort::ALL.iter().position(|&sort| sort == self).unwrap_or(0);
        let at = match right {
            true => (at + 1).min(Sort::ALL.len() - 1),
            false => at.saturating_sub(1),
        };
        Sort::ALL[at]
    }
}

/// A count as a rate.
pub fn per_second(count: u64, interval: Duration) -> f64 {
    match interval.is_zero() {
        true => 0.0,
        false => count as f64 / interval.as_secs_f64(),
    }
}

impl Rates {
    /// Those of a namespace that has counted this in that time. The module counts at
    /// hooks, where packets come in and go out; the kernel by itself counts what its
    /// IP layer received, and what it originated or passed on.
    pub fn of(since: &Namespace, interval: Duration) -> Self {
        let [mut packets_in, mut packets_out, mut bytes_in, mut bytes_out] = [0_u64; 4];
        for hooks in since.counted.iter().flat_map(|it| it.traffic.values()) {
            let at = |hook| hooks.get(&hook).copied().unwrap_or_default();
            let (Count { packets, bytes }, out) = (at(Hook::Prerouting), at(Hook::Postrouting));
            packets_in = packets_in.saturating_add(packets);
            bytes_in = bytes_in.saturating_add(bytes);
            packets_out = packets_out.saturating_add(out.packets);
            bytes_out = bytes_out.saturating_add(out.bytes);
        }
        for protocol in since.kernel.iter().flat_map(|it| it.protocols.values()) {
            packets_in = packets_in.saturating_add(protocol.received);
            packets_out = packets_out.saturating_add(protocol.originated);
            packets_out = packets_out.saturating_add(protocol.forwarded);
            bytes_in = bytes_in.saturating_add(protocol.received_bytes);
            bytes_out = bytes_out.saturating_add(protocol.sent_bytes);
        }
        Rates {
            packets_in: per_second(packets_in, interval),
            packets_out: per_second(packets_out, interval),
            bytes_in: per_second(bytes_in, interval),
            bytes_out: per_second(bytes_out, interval),
            drops: per_second(since.dropped(), interval),
        }
    }

    /// What a namespace is sorted by, where that is a rate.
    pub fn key(&self, sort: Sort) -> Option<f64> {
        match sort {
            Sort::Name | Sort::Devices => None,
            Sort::PacketsIn => Some(self.packets_in),
            Sort::PacketsOut => Some(self.packets_out),
            Sort::BytesIn => Some(self.bytes_in),
            Sort::BytesOut => Some(self.bytes_out),
            Sort::Drops => Some(self.drops),
        }
    }
}

/// How many devices it has.
pub fn devices(namespace: &Namespace) -> u64 {
    let of_module = namespace.counted.as_ref().map(|it| it.devices.present);
    let of_kernel = namespace.kernel.as_ref().map(|it| it.links.len() as u64);
    of_module.or(of_kernel).unwrap_or(0)
}
