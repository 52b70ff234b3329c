// SPDX-License-Identifier: MIT OR Apache-2.0

//! A snapshot as Prometheus reads it, in its own text format or as OpenMetrics.
//!
//! Every series of a namespace has the labels `cookie`, `name`, `lab` and `node`; the
//! last three are empty where it has none. How many series there can be is bounded:
//! so many namespaces, the oldest, and of each so many devices; hooks, families and
//! the kernel's reasons for drops are few.

mod page;

use std::collections::HashMap;
use std::time::Duration;

pub use self::page::Format;
use self::page::{Kind, Page, escaped, pairs};
use super::model::{Counted, Kernel, Link, Namespace, Snapshot, Source, key};
use crate::netlink::pernet::Dropped;
use crate::netns::discover::Found;

/// What is shown.
pub struct Scrape<'a> {
    pub snapshot: &'a Snapshot,
    /// How long it took to read.
    pub took: Duration,
    /// By the number of the namespace's file; nothing, where one may not see it.
    pub holders: Option<&'a HashMap<u64, Holders>>,
    pub limits: Limits,
}

/// How many things keep a namespace alive.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holders {
    pub names: usize,
    pub processes: usize,
    pub threads: usize,
    pub mounts: usize,
    pub descriptors: usize,
    pub sockets: usize,
}

impl Holders {
    pub fn of(found: &Found) -> Self {
        Holders {
            names: found.names.len(),
            processes: found.pids.len(),
            threads: found.threads.len(),
            mounts: found.paths.len() + found.elsewhere.len(),
            descriptors: found.descriptors.len(),
            sockets: found.sockets.len(),
        }
    }

    /// By kind, each of which is shown, be it none.
    fn counts(self) -> [(&'static str, usize); 6] {
        [
            ("name", self.names),
            ("process", self.processes),
            ("thread", self.threads),
            ("mount", self.mounts),
            ("descriptor", self.descriptors),
            ("socket", self.sockets),
        ]
    }
}

/// How many are shown.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub namespaces: usize,
    /// Of each namespace.
    pub devices: usize,
}

pub fn render(scrape: &Scrape, format: Format) -> String {
    let mut page = Page::new(format);
    let all = &scrape.snapshot.namespaces;
    let shown = &all[..all.len().min(scrape.limits.namespaces)];
    let namespaces: Vec<_> = shown.iter().map(|it| (labels(it), it)).collect();
    about_itself(&mut page, scrape, all.len() - shown.len());
    existence(&mut page, scrape, &namespaces);
    counted(&mut page, &namespaces);
    kernel(&mut page, &namespaces);
    devices(&mut page, &namespaces, scrape.limits.devices);
    drops(&mut page, &namespaces);
    page.finish()
}

/// Namespaces and the labels of all their series.
type Labelled<'a> = [(String, &'a Namespace)];

fn about_itself(page: &mut Page, scrape: &Scrape, left_out: usize) {
    let source = match scrape.snapshot.source {
        Source::Module => "module",
        Source::Kernel => "kernel",
    };
    let version = env!("CARGO_PKG_VERSION");
    let about = pairs(&[("version", version), ("source", source)]);
    page.family(
        Kind::Info,
        "pernet",
        "Version of pernet, and who counted: its module or the kernel itself.",
    )
    .put(&about, 1);
    page.family(
        Kind::Gauge,
        "pernet_namespaces",
        "Network namespaces that can be seen.",
    )
    .put("", scrape.snapshot.namespaces.len());
    page.family(
        Kind::Gauge,
        "pernet_namespaces_left_out",
        "Network namespaces above the limit, which have no series.",
    )
    .put("", left_out);
    page.family(
        Kind::Gauge,
        "pernet_read_duration_seconds",
        "How long it took to read them.",
    )
    .put("", scrape.took.as_secs_f64());
}

fn existence(page: &mut Page, scrape: &Scrape, namespaces: &Labelled) {
    let mut births = page.family(
        Kind::Gauge,
        "pernet_netns_birth_timestamp_seconds",
        "When the namespace was made, where the module saw it.",
    );
    for (labels, counted) in with_counts(namespaces).filter(|(_, it)| !it.preexisting) {
        let birth = scrape.snapshot.time.saturating_sub(counted.age);
        births.put(labels, Duration::from_nanos(birth).as_secs_f64());
    }
    let mut devices = page.family(
        Kind::Gauge,
        "pernet_netns_devices",
        "Devices in the namespace.",
    );
    for (labels, namespace) in namespaces {
        if let Some(present) = namespace.devices() {
            devices.put(labels, present);
        }
    }
    let Some(holders) = scrape.holders else {
        return;
    };
    let mut family = page.family(
        Kind::Gauge,
        "pernet_netns_holders",
        "What was found that keeps the namespace.",
    );
    for (labels, namespace) in namespaces {
        let holders = holders.get(&namespace.inode).copied().unwrap_or_default();
        for (kind, count) in holders.counts() {
            family.put(&format!("{labels},kind=\"{kind}\""), count);
        }
    }
}

/// Those that the module counts, with what it counted.
fn with_counts<'a>(namespaces: &'a Labelled) -> impl Iterator<Item = (&'a str, &'a Counted)> {
    (namespaces.iter())
        .filter_map(|(labels, namespace)| Some((&**labels, namespace.counted.as_ref()?)))
}

fn counted(page: &mut Page, namespaces: &Labelled) {
    let mut resets = page.family(
        Kind::Counter,
        "pernet_netns_resets",
        "How often the counts were reset.",
    );
    for (labels, counted) in with_counts(namespaces) {
        resets.put(labels, counted.epoch);
    }
    let mut counting = page.family(
        Kind::Gauge,
        "pernet_netns_counting",
        "Whether the namespace counts this.",
    );
    for (labels, counted) in with_counts(namespaces) {
        let switches = [
            ("traffic", counted.counting.traffic),
            ("drops", counted.counting.drops),
        ];
        for (what, on) in switches {
            counting.put(&format!("{labels},what=\"{what}\""), u8::from(on));
        }
    }
    let mut events = page.family(
        Kind::Counter,
        "pernet_netns_device_events",
        "What became of the namespace's devices.",
    );
    for (labels, counted) in with_counts(namespaces) {
        let devices = &counted.devices;
        for (event, count) in [
            ("registered", devices.registered),
            ("unregistered", devices.unregistered),
            ("up", devices.up),
            ("down", devices.down),
            ("moved_in", devices.moved_in),
            ("moved_out", devices.moved_out),
            ("renamed", devices.renamed),
        ] {
            events.put(&format!("{labels},event=\"{event}\""), count);
        }
    }
    let what = ["pernet_netns_packets", "pernet_netns_bytes"];
    let help = [
        "Packets at each netfilter hook.",
        "Bytes of the packets at each netfilter hook.",
    ];
    for (index, (name, help)) in what.into_iter().zip(help).enumerate() {
        let mut family_of = page.family(Kind::Counter, name, help);
        for (labels, counted) in with_counts(namespaces) {
            for (family, hooks) in &counted.traffic {
                for (hook, count) in hooks {
                    let labels = format!(
                        "{labels},family=\"{}\",hook=\"{}\"",
                        key(family.name()),
                        key(hook.name())
                    );
                    family_of.put(&labels, [count.packets, count.bytes][index]);
                }
            }
        }
    }
}

/// Those that the kernel counts by itself, with what it counted.
fn with_kernel<'a>(namespaces: &'a Labelled) -> impl Iterator<Item = (&'a str, &'a Kernel)> {
    (namespaces.iter())
        .filter_map(|(labels, namespace)| Some((&**labels, namespace.kernel.as_ref()?)))
}

fn kernel(page: &mut Page, namespaces: &Labelled) {
    let mut packets = page.family(
        Kind::Counter,
        "pernet_netns_ip_packets",
        "Packets as the IP layer counts them.",
    );
    for (labels, kernel) in with_kernel(namespaces) {
        for (family, protocol) in &kernel.protocols {
            let family = key(family.name());
            for (way, count) in [
                ("received", Some(protocol.received)),
                ("delivered", Some(protocol.delivered)),
                ("forwarded", Some(protocol.forwarded)),
                ("originated", Some(protocol.originated)),
                ("sent", protocol.sent),
            ] {
                if let Some(count) = count {
                    packets.put(
                        &format!("{labels},family=\"{family}\",way=\"{way}\""),
                        count,
                    );
                }
            }
        }
    }
    let mut bytes = page.family(
        Kind::Counter,
        "pernet_netns_ip_bytes",
        "Bytes as the IP layer counts them.",
    );
    for (labels, kernel) in with_kernel(namespaces) {
        for (family, protocol) in &kernel.protocols {
            let family = key(family.name());
            for (way, count) in [
                ("received", protocol.received_bytes),
                ("sent", protocol.sent_bytes),
            ] {
                bytes.put(
                    &format!("{labels},family=\"{family}\",way=\"{way}\""),
                    count,
                );
            }
        }
    }
}

/// A count of a device.
type OfDevice = (&'static str, &'static str, fn(&Link) -> u64);

const OF_DEVICES: [OfDevice; 4] = [
    (
        "pernet_netns_device_receive_packets",
        "Packets that the device received.",
        |link| link.rx.packets,
    ),
    (
        "pernet_netns_device_receive_bytes",
        "Bytes that the device received.",
        |link| link.rx.bytes,
    ),
    (
        "pernet_netns_device_transmit_packets",
        "Packets that the device sent.",
        |link| link.tx.packets,
    ),
    (
        "pernet_netns_device_transmit_bytes",
        "Bytes that the device sent.",
        |link| link.tx.bytes,
    ),
];

fn devices(page: &mut Page, namespaces: &Labelled, limit: usize) {
    for (name, help, count) in OF_DEVICES {
        let mut family = page.family(Kind::Counter, name, help);
        for (labels, kernel) in with_kernel(namespaces) {
            for link in kernel.links.iter().take(limit) {
                let device = escaped(&link.name);
                family.put(&format!("{labels},device=\"{device}\""), count(link));
            }
        }
    }
}

fn drops(page: &mut Page, namespaces: &Labelled) {
    let mut family = page.family(
        Kind::Counter,
        "pernet_netns_dropped_packets",
        "Packets dropped, by the kernel's reason or by the counter that counts them.",
    );
    for (labels, namespace) in namespaces {
        for dropped in &namespace.drops {
            let cause = pairs(&[
                ("subsystem", &dropped.subsystem),
                ("reason", &reason(dropped)),
            ]);
            family.put(&format!("{labels},{cause}"), dropped.packets);
        }
    }
}

fn reason(dropped: &Dropped) -> String {
    let number = || dropped.reason.map(|number| number.to_string());
    dropped.name.clone().or_else(number).unwrap_or_default()
}

fn labels(namespace: &Namespace) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    pairs(&[
        ("cookie", &namespace.cookie.to_string()),
        ("name", &text(&namespace.name)),
        ("lab", &text(&namespace.lab)),
        ("node", &text(&namespace.node)),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::netlink::pernet::uapi::{Family, Hook};
    use crate::stat::model::{Count, Way};

    fn scrape(source: Source, namespaces: Vec<Namespace>, format: Format) -> String {
        let snapshot = Snapshot {
            source,
            boot: "boot".to_owned(),
            time: 20_000_000_000,
            uptime: 0,
            namespaces,
            unread: Vec::new(),
        };
        let holders = HashMap::from([(
            5,
            Holders {
                names: 1,
                processes: 2,
                sockets: 3,
                ..Holders::default()
            },
        )]);
        render(
            &Scrape {
                snapshot: &snapshot,
                took: Duration::from_millis(250),
                holders: Some(&holders),
                limits: Limits {
                    namespaces: 2,
                    devices: 1,
                },
            },
            format,
        )
    }

    fn counted() -> Namespace {
        let count = Count {
            packets: u64::MAX,
            bytes: 7,
        };
        Namespace {
            name: Some("a\"b\\c".to_owned()),
            lab: Some("lab".to_owned()),
            node: Some("n1".to_owned()),
            cookie: 9,
            inode: 5,
            counted: Some(Counted {
                age: 4_500_000_000,
                traffic: BTreeMap::from([(Family::Ipv4, BTreeMap::from([(Hook::LocalIn, count)]))]),
                ..Counted::default()
            }),
            drops: vec![Dropped {
                subsystem: "core".into(),
                reason: Some(3),
                name: Some("NO_SOCKET".to_owned()),
                packets: 4,
            }],
            ..Namespace::default()
        }
    }

    #[test]
    fn what_the_module_counted_is_all_there() {
        let text = scrape(Source::Module, vec![counted()], Format::Prometheus);
        let own = r#"cookie="9",name="a\"b\\c",lab="lab",node="n1""#;
        for line in [
            "# TYPE pernet_info gauge".to_owned(),
            format!(
                "pernet_info{{version=\"{}\",source=\"module\"}} 1",
                env!("CARGO_PKG_VERSION")
            ),
            "pernet_namespaces 1".to_owned(),
            "pernet_namespaces_left_out 0".to_owned(),
            "pernet_read_duration_seconds 0.25".to_owned(),
            format!("pernet_netns_birth_timestamp_seconds{{{own}}} 15.5"),
            format!("pernet_netns_holders{{{own},kind=\"process\"}} 2"),
            format!("pernet_netns_holders{{{own},kind=\"thread\"}} 0"),
            format!("pernet_netns_holders{{{own},kind=\"socket\"}} 3"),
            "# TYPE pernet_netns_packets_total counter".to_owned(),
            format!(
                "pernet_netns_packets_total{{{own},family=\"ipv4\",hook=\"local_in\"}} 18446744073709551615"
            ),
            format!("pernet_netns_bytes_total{{{own},family=\"ipv4\",hook=\"local_in\"}} 7"),
            format!(
                "pernet_netns_dropped_packets_total{{{own},subsystem=\"core\",reason=\"NO_SOCKET\"}} 4"
            ),
        ] {
            assert!(
                text.lines().any(|it| it == line),
                "{line} is not in:\n{text}"
            );
        }
        assert!(!text.contains("# EOF") && !text.contains("_ip_"), "{text}");
    }

    #[test]
    fn openmetrics_names_metrics_without_their_samples_ends() {
        let text = scrape(Source::Module, vec![counted()], Format::OpenMetrics);
        for line in ["# TYPE pernet info", "# TYPE pernet_netns_packets counter"] {
            assert!(
                text.lines().any(|it| it == line),
                "{line} is not in:\n{text}"
            );
        }
        assert!(text.contains("\npernet_netns_packets_total{"), "{text}");
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }

    #[test]
    fn so_many_namespaces_and_devices_and_no_more() {
        let link = |name: &str| Link {
            name: name.to_owned(),
            rx: Way {
                bytes: 3,
                ..Way::default()
            },
            ..Link::default()
        };
        let namespace = |cookie| Namespace {
            cookie,
            kernel: Some(Kernel {
                links: vec![link("eth0"), link("eth1")],
                ..Kernel::default()
            }),
            ..Namespace::default()
        };
        let namespaces = (1..=5).map(namespace).collect();
        let text = scrape(Source::Kernel, namespaces, Format::Prometheus);
        let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(lines("pernet_netns_devices{"), 2);
        assert_eq!(lines("pernet_netns_device_receive_bytes_total{"), 2);
        assert_eq!(lines("pernet_namespaces 5"), 1);
        assert_eq!(lines("pernet_namespaces_left_out 3"), 1);
        assert!(!text.contains("eth1"), "{text}");
    }
}
