// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table of `pernet stat`: one namespace after another, 79 columns wide
//! unless a count has more than eleven digits.

use std::cmp::Reverse;
use std::fmt::Write;

use super::model::{Count, Namespace};
use crate::netlink::pernet::uapi::{Family, Hook};

const LABEL: usize = 18;
const COLUMN: usize = 11;

/// The whole table.
pub fn render(namespaces: &[Namespace]) -> String {
    let width = width(namespaces);
    let mut out = format!("{:<LABEL$}", "NAMESPACE");
    for hook in Hook::ALL {
        let _ = write!(out, " {:>width$}", hook.name().unwrap_or_default());
    }
    out += "\n";
    for namespace in namespaces {
        heading(&mut out, namespace);
        for family in Family::ALL {
            rows(&mut out, namespace, family, width);
        }
        drops(&mut out, namespace, width);
    }
    out
}

/// As wide as the longest count.
fn width(namespaces: &[Namespace]) -> usize {
    (namespaces.iter())
        .flat_map(|namespace| namespace.traffic.values())
        .flat_map(|hooks| hooks.values())
        .map(|count| count.packets.max(count.bytes).to_string().len())
        .fold(COLUMN, usize::max)
}

fn heading(out: &mut String, namespace: &Namespace) {
    let name = match &namespace.names[..] {
        [] => format!("net:[{}]", namespace.inode),
        names => names.join(", "),
    };
    let age = age(namespace.age);
    let age = match namespace.preexisting {
        true => format!("age over {age}"),
        false => format!("age {age}"),
    };
    let reset = match namespace.epoch {
        0 => String::new(),
        _ => format!(", reset {} ago", self::age(namespace.epoch_age)),
    };
    let Namespace {
        cookie, devices, ..
    } = namespace;
    let traffic = match namespace.counting.traffic {
        true => "",
        false => ", traffic not counted",
    };
    let _ = writeln!(
        out,
        "{name}  cookie {cookie}, {age}{reset}, devices {}{traffic}",
        devices.present
    );
}

/// Packets and bytes of one family; no packets are no bytes either.
fn rows(out: &mut String, namespace: &Namespace, family: Family, width: usize) {
    let hooks = namespace.traffic.get(&family);
    let counts = Hook::ALL.map(|hook| {
        let count = hooks.and_then(|hooks| hooks.get(&hook));
        count.copied().unwrap_or_default()
    });
    let name = family.name().unwrap_or_default();
    row(
        out,
        &format!("  {name}  packets"),
        counts.map(|count| count.packets),
        width,
    );
    if counts != [Count::default(); Hook::ALL.len()] {
        row(out, "        bytes", counts.map(|count| count.bytes), width);
    }
}

/// One row for each cause, the most frequent first.
fn drops(out: &mut String, namespace: &Namespace, width: usize) {
    let mut drops: Vec<_> = namespace.drops.iter().collect();
    drops.sort_by_key(|dropped| Reverse(dropped.packets));
    for dropped in drops {
        let cause = match (&dropped.name, dropped.reason) {
            (Some(name), _) => name.clone(),
            (None, Some(reason)) => format!("{} {reason}", dropped.subsystem),
            (None, None) => format!("{}, any reason", dropped.subsystem),
        };
        let packets = dropped.packets;
        let _ = writeln!(out, "{:<LABEL$} {packets:>width$}  {cause}", "  dropped");
    }
}

fn row(out: &mut String, label: &str, counts: [u64; Hook::ALL.len()], width: usize) {
    let _ = write!(out, "{label:<LABEL$}");
    for count in counts {
        let _ = write!(out, " {count:>width$}");
    }
    *out += "\n";
}

/// Nanoseconds, in the two units that say most.
fn age(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}.{}s", nanoseconds / 100_000_000 % 10),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::netlink::pernet::{Counting, DeviceCounts, Dropped};

    fn namespace(names: &[&str]) -> Namespace {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Namespace {
            name: names.first().cloned(),
            names,
            cookie: 4097,
            inode: 4_026_532_247,
            userns_inode: 4_026_531_837,
            nsid: None,
            age: 63_400_000_000,
            preexisting: false,
            epoch: 0,
            epoch_age: 0,
            devices: DeviceCounts {
                present: 2,
                ..DeviceCounts::default()
            },
            traffic: BTreeMap::new(),
            drops: Vec::new(),
            counting: Counting {
                traffic: true,
                drops: false,
            },
        }
    }

    fn seen(packets: u64, bytes: u64) -> Count {
        Count { packets, bytes }
    }

    #[test]
    fn the_table_reads_as_intended() {
        let mut first = namespace(&["n1"]);
        let hooks = [
            (Hook::Prerouting, seen(3, 252)),
            (Hook::LocalIn, seen(3, 252)),
            (Hook::LocalOut, seen(3, 252)),
            (Hook::Postrouting, seen(3, 252)),
        ];
        first.traffic.insert(Family::Ipv4, hooks.into());
        let mut second = namespace(&[]);
        second.preexisting = true;
        (second.epoch, second.epoch_age) = (1, 2_500_000_000);
        second.counting.traffic = false;
        let dropped = |subsystem, reason, name: Option<&str>, packets| Dropped {
            subsystem,
            reason,
            name: name.map(str::to_owned),
            packets,
        };
        second.drops = vec![
            dropped("core", Some(3), Some("NO_SOCKET"), 2),
            dropped("core", Some(777), None, 1),
            dropped("qdisc", None, None, 12),
        ];
        assert_eq!(
            render(&[first, second]),
            "\
NAMESPACE           prerouting    local-in     forward   local-out postrouting
n1  cookie 4097, age 1m03s, devices 2
  ipv4  packets              3           3           0           3           3
        bytes              252         252           0         252         252
  ipv6  packets              0           0           0           0           0
net:[4026532247]  cookie 4097, age over 1m03s, reset 2.5s ago, devices 2, traffic not counted
  ipv4  packets              0           0           0           0           0
  ipv6  packets              0           0           0           0           0
  dropped                   12  qdisc, any reason
  dropped                    2  NO_SOCKET
  dropped                    1  core 777
"
        );
    }

    #[test]
    fn long_counts_widen_every_column() {
        let mut namespace = namespace(&["n1", "also-n1"]);
        let hooks = [(Hook::Forward, seen(1, u64::MAX))];
        namespace.traffic.insert(Family::Ipv6, hooks.into());
        let table = render(&[namespace]);
        let widths = table
            .lines()
            .filter(|line| !line.contains("cookie"))
            .map(str::len);
        assert_eq!(widths.collect::<Vec<_>>(), [LABEL + 5 * 21; 4]);
        assert!(table.contains("n1, also-n1  cookie"));
        assert!(table.contains(" 18446744073709551615 "));
    }

    #[test]
    fn ages_have_two_units() {
        let second = 1_000_000_000;
        for (nanoseconds, text) in [
            (0, "0.0s"),
            (59_990_000_000, "59.9s"),
            (60 * second, "1m00s"),
            (3599 * second, "59m59s"),
            (3600 * second, "1h00m"),
            (86399 * second, "23h59m"),
            (90000 * second, "1d01h"),
            (u64::MAX, "213503d23h"),
        ] {
            assert_eq!(age(nanoseconds), text);
        }
    }
}
