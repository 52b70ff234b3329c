// SPDX-License-Identifier: MIT OR Apache-2.0

//! What goes through a namespace in a second, whoever counts it.

use std::time::Duration;

use clap::ValueEnum;

use crate::stat::measure::Measure;
use crate::stat::model::Namespace;

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
    /// IP layer received and sent or, where it is older, originated or passed on.
    pub fn of(since: &Namespace, interval: Duration) -> Self {
        let count = |measure: Measure| measure.of(since);
        let older = || {
            let originated = count(Measure::Originated).unwrap_or(0);
            originated.saturating_add(count(Measure::Forwarded).unwrap_or(0))
        };
        let rate = |count: Option<u64>| per_second(count.unwrap_or(0), interval);
        Rates {
            packets_in: rate(count(Measure::Received)),
            packets_out: rate(count(Measure::Sent).or_else(|| Some(older()))),
            bytes_in: rate(count(Measure::ReceivedBytes)),
            bytes_out: rate(count(Measure::SentBytes)),
            drops: rate(count(Measure::Drops)),
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
