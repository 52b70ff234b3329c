// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table of `pernet stat`: one namespace after another, 79 columns wide
//! unless a count has more than eleven digits, or a drop's reason takes more to say.

use std::cmp::Reverse;
use std::fmt::Write;

use super::model::{Count, Counted, Kernel, Link, Namespace, Protocol, Source};
use super::reason;
use crate::netlink::pernet::Dropped;
use crate::netlink::pernet::uapi::{Family, Hook};
use crate::text::{age, legible};

const LABEL: usize = 18;
const COLUMN: usize = 11;

/// Columns of a row, as many as there are hooks.
type Row = [Option<u64>; 5];

/// The whole table.
pub fn render(source: Source, namespaces: &[Namespace]) -> String {
    let width = width(namespaces);
    let mut out = format!("counted by {source}\n{:<LABEL$}", "NAMESPACE");
    for name in headings(source) {
        let _ = write!(out, " {name:>width$}");
    }
    out += "\n";
    for namespace in namespaces {
        heading(&mut out, namespace);
        for family in Family::ALL {
            rows(&mut out, namespace, family, width);
        }
        for link in namespace.kernel.iter().flat_map(|kernel| &kernel.links) {
            device(&mut out, link);
        }
        drops(&mut out, namespace, width);
    }
    out
}

/// What happens to a packet, in the words of who counts it.
fn headings(source: Source) -> [&'static str; 5] {
    match source {
        Source::Module => Hook::ALL.map(|hook| hook.name().unwrap_or_default()),
        Source::Kernel => ["received", "delivered", "forwarded", "originated", "sent"],
    }
}

/// As wide as the longest count.
fn width(namespaces: &[Namespace]) -> usize {
    (namespaces.iter())
        .flat_map(|namespace| Family::ALL.map(|family| counts(namespace, family)))
        .flat_map(|(packets, bytes)| packets.into_iter().chain(bytes))
        .flatten()
        .map(|count| count.to_string().len())
        .fold(COLUMN, usize::max)
}

fn heading(out: &mut String, namespace: &Namespace) {
    let name = match &namespace.names[..] {
        [] => namespace.title(),
        names => names.join(", "),
    };
    let _ = write!(out, "{}  cookie {}", legible(&name), namespace.cookie);
    if let Some(counted) = &namespace.counted {
        counted_heading(out, counted);
    }
    if let Some(Kernel { links, .. }) = &namespace.kernel {
        let _ = write!(out, ", devices {}", links.len());
    }
    out.push('\n');
}

fn counted_heading(out: &mut String, counted: &Counted) {
    let over = if counted.preexisting { "over " } else { "" };
    let _ = write!(out, ", age {over}{}", age(counted.age));
    if counted.epoch > 0 {
        let _ = write!(out, ", reset {} ago", age(counted.epoch_age));
    }
    let _ = write!(out, ", devices {}", counted.devices.present);
    if !counted.counting.traffic {
        *out += ", traffic not counted";
    }
}

/// Packets and bytes of one family; no packets are no bytes either.
fn rows(out: &mut String, namespace: &Namespace, family: Family, width: usize) {
    let (packets, bytes) = counts(namespace, family);
    let name = family.name().unwrap_or_default();
    row(out, &format!("  {name}  packets"), packets, width);
    if packets.iter().flatten().any(|&count| count > 0) {
        row(out, "        bytes", bytes, width);
    }
}

/// Packets and bytes, where they are counted.
fn counts(namespace: &Namespace, family: Family) -> (Row, Row) {
    if let Some(counted) = &namespace.counted {
        let hooks = counted.traffic.get(&family);
        let counts = Hook::ALL.map(|hook| {
            let count = hooks.and_then(|hooks| hooks.get(&hook));
            count.copied().unwrap_or_default()
        });
        let packets = counts.map(|Count { packets, .. }| Some(packets));
        return (packets, counts.map(|Count { bytes, .. }| Some(bytes)));
    }
    let kernel = namespace.kernel.as_ref();
    let Some(protocol) = kernel.and_then(|kernel| kernel.protocols.get(&family)) else {
        return Default::default();
    };
    let Protocol {
        received,
        delivered,
        forwarded,
        originated,
        sent,
        received_bytes,
        sent_bytes,
    } = *protocol;
    let packets = [received, delivered, forwarded, originated].map(Some);
    let [received, delivered, forwarded, originated] = packets;
    (
        [received, delivered, forwarded, originated, sent],
        [Some(received_bytes), None, None, None, Some(sent_bytes)],
    )
}

fn device(out: &mut String, Link { name, rx, tx }: &Link) {
    let name = legible(name);
    if rx.packets + tx.packets > 0 {
        let _ = writeln!(
            out,
            "  {name}  received {} packets, {} bytes, sent {} packets, {} bytes",
            rx.packets, rx.bytes, tx.packets, tx.bytes
        );
    }
}

/// One row for each cause, the most frequent first.
fn drops(out: &mut String, namespace: &Namespace, width: usize) {
    let mut drops: Vec<_> = namespace.drops.iter().collect();
    drops.sort_by_key(|dropped| Reverse(dropped.packets));
    for dropped in drops {
        let packets = dropped.packets;
        let cause = cause(dropped);
        let cause = legible(&cause);
        let _ = write!(out, "{:<LABEL$} {packets:>width$}  {cause}", "  dropped");
        if let Some(meaning) = reason::meaning(dropped) {
            let _ = write!(out, ": {meaning}");
        }
        out.push('\n');
    }
}

/// What a reason is called.
pub fn cause(dropped: &Dropped) -> String {
    match (&dropped.name, dropped.reason) {
        (Some(name), _) => name.clone(),
        (None, Some(reason)) => format!("{} {reason}", dropped.subsystem),
        (None, None) => format!("{}, any reason", dropped.subsystem),
    }
}

fn row(out: &mut String, label: &str, counts: Row, width: usize) {
    let _ = write!(out, "{label:<LABEL$}");
    for count in counts {
        let count = count.map_or("-".to_owned(), |count| count.to_string());
        let _ = write!(out, " {count:>width$}");
    }
    *out += "\n";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::model::Way;
    use super::*;
    use crate::netlink::pernet::{Counting, DeviceCounts};

    fn namespace(names: &[&str]) -> Namespace {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Namespace {
            name: names.first().cloned(),
            names,
            cookie: 4097,
            inode: 4_026_532_247,
            ..Namespace::default()
        }
    }

    fn counted(traffic: &[(Family, Hook, u64, u64)]) -> Counted {
        let mut counted = Counted {
            age: 63_400_000_000,
            devices: DeviceCounts {
                present: 2,
                ..DeviceCounts::default()
            },
            counting: Counting {
                traffic: true,
                drops: false,
            },
            ..Counted::default()
        };
        for &(family, hook, packets, bytes) in traffic {
            let hooks = counted.traffic.entry(family).or_default();
            hooks.insert(hook, Count { packets, bytes });
        }
        counted
    }

    fn dropped(
        subsystem: &'static str,
        reason: Option<u32>,
        name: Option<&str>,
        packets: u64,
    ) -> Dropped {
        Dropped {
            subsystem: subsystem.into(),
            reason,
            name: name.map(str::to_owned),
            packets,
        }
    }

    #[test]
    fn the_table_reads_as_intended() {
        let mut first = namespace(&["n1"]);
        let hooks = [
            Hook::Prerouting,
            Hook::LocalIn,
            Hook::LocalOut,
            Hook::Postrouting,
        ];
        first.counted = Some(counted(&hooks.map(|hook| (Family::Ipv4, hook, 3, 252))));
        let mut second = namespace(&[]);
        second.counted = Some(Counted {
            preexisting: true,
            epoch: 1,
            epoch_age: 2_500_000_000,
            counting: Counting::default(),
            ..counted(&[])
        });
        second.drops = vec![
            dropped("core", Some(3), Some("NO_SOCKET"), 2),
            dropped("core", Some(777), None, 1),
            dropped("qdisc", None, None, 12),
        ];
        assert_eq!(
            render(Source::Module, &[first, second]),
            "\
counted by the module pernet
NAMESPACE           prerouting    local-in     forward   local-out postrouting
n1  cookie 4097, age 1m03s, devices 2
  ipv4  packets              3           3           0           3           3
        bytes              252         252           0         252         252
  ipv6  packets              0           0           0           0           0
net:[4026532247]  cookie 4097, age over 1m03s, reset 2.5s ago, devices 2, traffic not counted
  ipv4  packets              0           0           0           0           0
  ipv6  packets              0           0           0           0           0
  dropped                   12  qdisc, any reason: A queueing discipline threw packets away, when its queue was full for instance.
  dropped                    2  NO_SOCKET: No socket wants the packet: nothing listens there, or the connection is unknown.
  dropped                    1  core 777
"
        );
    }

    #[test]
    fn the_kernels_own_counts_have_their_own_headings() {
        let mut namespace = namespace(&["n1"]);
        let way = |packets, bytes| Way {
            packets,
            bytes,
            ..Way::default()
        };
        let protocol = Protocol {
            received: 3,
            delivered: 2,
            forwarded: 1,
            originated: 5,
            sent: None,
            received_bytes: 252,
            sent_bytes: 420,
        };
        let link = |name: &str, rx, tx| Link {
            name: name.to_owned(),
            rx,
            tx,
        };
        namespace.kernel = Some(Kernel {
            links: vec![
                link("lo", way(0, 0), way(0, 0)),
                link("eth\x1b0", way(3, 294), way(0, 0)),
            ],
            protocols: BTreeMap::from([(Family::Ipv4, protocol)]),
        });
        namespace.drops = vec![dropped("ip", None, Some("InNoRoutes"), 1)];
        assert_eq!(
            render(Source::Kernel, &[namespace]),
            "\
counted by the kernel itself
NAMESPACE             received   delivered   forwarded  originated        sent
n1  cookie 4097, devices 2
  ipv4  packets              3           2           1           5           -
        bytes              252           -           -           -         420
  ipv6  packets              -           -           -           -           -
  eth?0  received 3 packets, 294 bytes, sent 0 packets, 0 bytes
  dropped                    1  InNoRoutes: There is no route to where an arriving packet was to go.
"
        );
    }

    #[test]
    fn long_counts_widen_every_column() {
        let mut namespace = namespace(&["n1", "also-n1"]);
        namespace.counted = Some(counted(&[(Family::Ipv6, Hook::Forward, 1, u64::MAX)]));
        let table = render(Source::Module, &[namespace]);
        let widths = table
            .lines()
            .filter(|line| !line.contains("cookie") && !line.starts_with("counted"))
            .map(str::len);
        assert_eq!(widths.collect::<Vec<_>>(), [LABEL + 5 * 21; 4]);
        assert!(table.contains("n1, also-n1  cookie"));
        assert!(table.contains(" 18446744073709551615 "));
    }
}
