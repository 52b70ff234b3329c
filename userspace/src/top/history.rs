// SPDX-License-Identifier: MIT OR Apache-2.0

//! Snapshots one after the other, as rates.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use anyhow::Result;

use super::rates::{self, Rates, Sort};
use crate::stat::model::{Link, Namespace, Snapshot};

/// How many rates of the past are kept: more than a terminal is wide.
const LENGTH: usize = 400;

/// What was read, the last time and before.
#[derive(Default)]
pub struct History {
    latest: Option<Snapshot>,
    /// What came with the latest, by cookie.
    since: HashMap<u64, Namespace>,
    /// The rates until now, by cookie.
    past: HashMap<u64, VecDeque<Rates>>,
    /// Between the last two.
    pub interval: Duration,
}

/// What a list shows of a namespace.
pub struct Row<'a> {
    pub namespace: &'a Namespace,
    pub rates: Rates,
    pub past: Option<&'a VecDeque<Rates>>,
}

impl History {
    /// Adds what was read now. Where it cannot be compared with what was before, as
    /// when the module came meanwhile, the past begins anew.
    pub fn add(&mut self, snapshot: Snapshot) {
        let difference = (self.latest.as_ref()).and_then(|earlier| snapshot.since(earlier).ok());
        match difference {
            Some(difference) => {
                self.interval = Duration::from_nanos(difference.interval);
                self.remember(difference.namespaces);
            }
            None => *self = History::default(),
        }
        self.latest = Some(snapshot);
    }

    fn remember(&mut self, namespaces: Vec<Namespace>) {
        let interval = self.interval;
        let mut past = std::mem::take(&mut self.past);
        self.since = HashMap::with_capacity(namespaces.len());
        for namespace in namespaces {
            let mut rates = past.remove(&namespace.cookie).unwrap_or_default();
            if rates.len() == LENGTH {
                rates.pop_front();
            }
            rates.push_back(Rates::of(&namespace, interval));
            self.past.insert(namespace.cookie, rates);
            self.since.insert(namespace.cookie, namespace);
        }
    }

    pub fn latest(&self) -> Option<&Snapshot> {
        self.latest.as_ref()
    }

    /// A namespace as it is now.
    pub fn namespace(&self, cookie: u64) -> Option<&Namespace> {
        let namespaces = &self.latest.as_ref()?.namespaces;
        namespaces
            .iter()
            .find(|namespace| namespace.cookie == cookie)
    }

    /// What came to a namespace the last time.
    pub fn since(&self, cookie: u64) -> Option<&Namespace> {
        self.since.get(&cookie)
    }

    pub fn past(&self, cookie: u64) -> Option<&VecDeque<Rates>> {
        self.past.get(&cookie)
    }

    /// Namespaces in order, those that `shown` says.
    pub fn rows(
        &self,
        sort: Sort,
        reversed: bool,
        shown: impl Fn(&Namespace) -> bool,
    ) -> Vec<Row<'_>> {
        let namespaces = self.latest.iter().flat_map(|snapshot| &snapshot.namespaces);
        let mut rows: Vec<_> = namespaces
            .filter(|namespace| shown(namespace))
            .map(|namespace| {
                let past = self.past(namespace.cookie);
                let rates = past.and_then(VecDeque::back).copied();
                Row {
                    namespace,
                    rates: rates.unwrap_or_default(),
                    past,
                }
            })
            .collect();
        rows.sort_by(|a, b| {
            let order = match (a.rates.key(sort), b.rates.key(sort)) {
                (Some(a), Some(b)) => b.total_cmp(&a),
                _ if sort == Sort::Devices => b.namespace.devices().cmp(&a.namespace.devices()),
                _ => a.namespace.title().cmp(&b.namespace.title()),
            };
            let order = if reversed { order.reverse() } else { order };
            // Those that are alike stay where they are.
            order.then_with(|| a.namespace.cookie.cmp(&b.namespace.cookie))
        });
        rows
    }
}

/// What was read of one namespace's devices, twice.
#[derive(Default)]
pub struct Devices {
    latest: Option<Snapshot>,
    since: Option<Namespace>,
    interval: Duration,
}

impl Devices {
    pub fn add(&mut self, snapshot: Result<Snapshot>) -> Result<()> {
        let snapshot = snapshot?;
        let difference = (self.latest.as_ref()).and_then(|earlier| snapshot.since(earlier).ok());
        if let Some(mut difference) = difference {
            self.interval = Duration::from_nanos(difference.interval);
            self.since = difference.namespaces.pop();
        }
        self.latest = Some(snapshot);
        Ok(())
    }

    /// Each device as it is, and what came to it in a second.
    pub fn all(&self) -> Vec<Device<'_>> {
        let namespaces = self.latest.iter().flat_map(|it| &it.namespaces);
        let interval = self.interval;
        namespaces
            .flat_map(links)
            .map(|link| {
                let since = self.since.as_ref();
                let since = since.and_then(|it| links(it).iter().find(|it| it.name == link.name));
                let rate = |count: fn(&Link) -> u64| {
                    since.map_or(0.0, |since| rates::per_second(count(since), interval))
                };
                Device {
                    link,
                    packets_in: rate(|link| link.rx.packets),
                    packets_out: rate(|link| link.tx.packets),
                    bytes_in: rate(|link| link.rx.bytes),
                    bytes_out: rate(|link| link.tx.bytes),
                }
            })
            .collect()
    }
}

fn links(namespace: &Namespace) -> &[Link] {
    namespace.kernel.as_ref().map_or(&[], |it| &it.links)
}

/// A device and its rates.
pub struct Device<'a> {
    pub link: &'a Link,
    pub packets_in: f64,
    pub packets_out: f64,
    pub bytes_in: f64,
    pub bytes_out: f64,
}
