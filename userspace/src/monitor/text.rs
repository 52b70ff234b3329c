// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `pernet monitor` prints for people: a line for each thing, with the time of
//! day in UTC.

use std::fmt::Write;

use super::model::{Event, Piece};
use crate::netlink::pernet::Counting;
use crate::stat::model::{Namespace, Snapshot};
use crate::text::{legible, summary};

pub fn render(piece: &Piece) -> String {
    match piece {
        Piece::State(snapshot) => state(snapshot),
        Piece::Event(event) => self::event(event),
        Piece::Overrun { time } => format!(
            "{} events were lost: there were more than there was room for; how things are now follows\n",
            clock(*time)
        ),
    }
}

fn state(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    if let Some(trouble) = summary(&snapshot.unread) {
        let _ = writeln!(out, "{} {}", clock(snapshot.time), legible(&trouble));
    }
    for namespace in &snapshot.namespaces {
        let _ = writeln!(
            out,
            "{} {} cookie {}: {}",
            clock(snapshot.time),
            legible(&namespace.title()),
            namespace.cookie,
            present(namespace)
        );
    }
    out
}

fn present(namespace: &Namespace) -> String {
    match (&namespace.counted, &namespace.kernel) {
        (Some(counted), _) => format!(
            "is there, {} devices, counts {}",
            counted.devices.present,
            counting(counted.counting)
        ),
        (None, Some(kernel)) => {
            let names: Vec<_> = kernel
                .links
                .iter()
                .map(|link| legible(&link.name))
                .collect();
            format!("is there, devices {}", names.join(" "))
        }
        (None, None) => "is there".to_owned(),
    }
}

fn event(event: &Event) -> String {
    let mut out = clock(event.time);
    match (&event.name, event.inode) {
        (Some(name), _) => out = format!("{out} {}", legible(name)),
        (None, Some(inode)) => out = format!("{out} net:[{inode}]"),
        (None, None) => {}
    }
    if let Some(cookie) = event.cookie {
        let _ = write!(out, " cookie {cookie}");
    }
    if let (None, Some(nsid)) = (event.inode, event.nsid) {
        let _ = write!(out, " nsid {nsid}");
    }
    let _ = write!(out, ": {}", event.kind);
    if let Some(device) = &event.device {
        let _ = write!(out, " {}", legible(&device.name));
    }
    if let Some(path) = &event.path {
        let _ = write!(out, " {}", legible(&path.to_string_lossy()));
    }
    if let Some(teardown) = event.teardown {
        let _ = write!(out, ", cleared away in {:.1} ms", teardown as f64 / 1e6);
    }
    if let Some(settings) = event.counting {
        let _ = write!(out, ", counts {}", counting(settings));
    }
    if let Some(epoch) = event.epoch {
        let _ = write!(out, ", epoch {epoch}");
    }
    out + "\n"
}

fn counting(counting: Counting) -> &'static str {
    match (counting.traffic, counting.drops) {
        (true, true) => "traffic and drops",
        (true, false) => "traffic",
        (false, true) => "drops",
        (false, false) => "nothing",
    }
}

/// The time of day.
fn clock(time: u64) -> String {
    let (seconds, milliseconds) = (time / 1_000_000_000, time / 1_000_000 % 1000);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!(
        "{hours:02}:{minutes:02}:{:02}.{milliseconds:03}",
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::super::model::Device;
    use super::*;
    use crate::stat::model::{Counted, Source};

    const TIME: u64 = 1_795_544_044_430_621_339;

    #[test]
    fn each_thing_is_a_line() {
        let named = Event {
            time: TIME,
            name: Some("n1".to_owned()),
            cookie: Some(12),
            inode: Some(4026),
            ..Event::default()
        };
        let device = Event {
            kind: "device-up",
            device: Some(Device {
                index: 2,
                name: "eth0\u{9b}2J".to_owned(),
            }),
            ..named.clone()
        };
        let died = Event {
            kind: "died",
            name: None,
            teardown: Some(12_340_000),
            ..named.clone()
        };
        let settings = Event {
            kind: "settings",
            counting: Some(Counting {
                traffic: false,
                drops: true,
            }),
            ..named
        };
        let assigned = Event {
            time: TIME,
            kind: "nsid-assigned",
            nsid: Some(3),
            ..Event::default()
        };
        for (event, line) in [
            (device, "18:14:04.430 n1 cookie 12: device-up eth0?2J\n"),
            (
                died,
                "18:14:04.430 net:[4026] cookie 12: died, cleared away in 12.3 ms\n",
            ),
            (
                settings,
                "18:14:04.430 n1 cookie 12: settings, counts drops\n",
            ),
            (assigned, "18:14:04.430 nsid 3: nsid-assigned\n"),
        ] {
            assert_eq!(render(&Piece::Event(event)), line);
        }
    }

    #[test]
    fn the_state_is_a_line_for_each_namespace() {
        let namespace = Namespace {
            inode: 4026,
            cookie: 12,
            counted: Some(Counted::default()),
            ..Namespace::default()
        };
        let snapshot = Snapshot {
            source: Source::Module,
            boot: String::new(),
            time: TIME,
            uptime: 0,
            namespaces: vec![namespace],
            unread: Vec::new(),
        };
        assert_eq!(
            render(&Piece::State(snapshot)),
            "18:14:04.430 net:[4026] cookie 12: is there, 0 devices, counts nothing\n"
        );
    }
}
