// SPDX-License-Identifier: MIT OR Apache-2.0

//! One namespace: its past, and its hooks, devices or drops.

use std::cmp::Reverse;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::look::{Look, fitting, folded, short};
use super::rates::per_second;
use super::state::{State, Tab};
use crate::netlink::pernet::uapi::{Family, Hook};
use crate::stat::difference::cause;
use crate::stat::model::{Count, Counted, Kernel, Namespace, Protocol};
use crate::stat::{reason, table};
use crate::text::legible;

/// Characters of a column of numbers, and of what is beside the past.
const NUMBER: usize = 9;
const BESIDE: usize = 20;

/// Draws it; returns how far its lines can be scrolled.
pub fn draw(
    frame: &mut Frame,
    state: &State,
    look: Look,
    area: Rect,
    (cookie, tab): (u64, Tab),
) -> usize {
    let Some(namespace) = state.history.namespace(cookie) else {
        let gone = format!("the namespace with cookie {cookie} is gone; Esc leads back");
        frame.render_widget(Paragraph::new(gone), area);
        return 0;
    };
    let [head, body] = Layout::vertical([Constraint::Length(5), Constraint::Min(1)]).areas(area);
    let mut lines = vec![title(namespace)];
    lines.extend(past(state, look, cookie, area.width.into()));
    lines.push(tabs(tab, look));
    frame.render_widget(Paragraph::new(lines), head);
    let interval = state.history.interval;
    let since = state.history.since(cookie);
    let width = usize::from(body.width);
    let lines = match tab {
        Tab::Hooks => hooks(namespace, since, interval, look),
        Tab::Devices => of_devices(state, look, width),
        Tab::Drops => drops(namespace, since, interval, look, width),
    };
    let end = lines.len().saturating_sub(usize::from(body.height));
    let scroll = u16::try_from(state.scroll.min(end)).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), body);
    end
}

fn title(namespace: &Namespace) -> Line<'static> {
    let Namespace {
        cookie,
        inode,
        lab,
        node,
        ..
    } = namespace;
    let title = namespace.title();
    let mut text = format!("{}  cookie {cookie}, inode {inode}", legible(&title));
    if let (Some(lab), Some(node)) = (lab, node) {
        text += &format!(", node {node} of lab {lab}");
    }
    text += &format!(", {} devices", namespace.devices().unwrap_or(0));
    Line::raw(text)
}

/// What came in and went out until now, and the drops.
fn past(state: &State, look: Look, cookie: u64, width: usize) -> Vec<Line<'static>> {
    let width = width.saturating_sub(BESIDE);
    let past = || state.history.past(cookie).into_iter().flatten();
    let now = past().next_back().copied().unwrap_or_default();
    let line = |what: &str, now: f64, values: String| {
        Line::raw(format!("{what:11}{:>NUMBER$}{values}", short(now)))
    };
    vec![
        line(
            "packets in",
            now.packets_in,
            look.sparkline(past().map(|it| it.packets_in), width),
        ),
        line(
            "packets out",
            now.packets_out,
            look.sparkline(past().map(|it| it.packets_out), width),
        ),
        line(
            "drops",
            now.drops,
            look.sparkline(past().map(|it| it.drops), width),
        ),
    ]
}

fn tabs(chosen: Tab, look: Look) -> Line<'static> {
    let mut spans = Vec::new();
    for tab in Tab::ALL {
        let name = match tab {
            Tab::Hooks => " Hooks ",
            Tab::Devices => " Devices ",
            Tab::Drops => " Drops ",
        };
        let style = match tab == chosen {
            true => look.chosen(),
            false => look.heading(),
        };
        spans.extend([Span::styled(name, style), Span::raw(" ")]);
    }
    Line::from(spans)
}

fn heading(first: &str, width: usize, others: &[&str], look: Look) -> Line<'static> {
    let others = others.iter().map(|title| format!(" {title:>NUMBER$}"));
    Line::styled(
        format!("{first:width$}{}", others.collect::<String>()),
        look.faint(),
    )
}

fn numbers(first: &str, width: usize, values: &[String]) -> Line<'static> {
    let values = values.iter().map(|value| format!(" {value:>NUMBER$}"));
    let first = fitting(first, width);
    Line::raw(format!("{first:width$}{}", values.collect::<String>()))
}

/// Hooks of each family or, where there are none, what the IP layer counts.
fn hooks(
    namespace: &Namespace,
    since: Option<&Namespace>,
    interval: Duration,
    look: Look,
) -> Vec<Line<'static>> {
    let titles = ["packet/s", "byte/s", "packets", "bytes"];
    let mut lines = vec![heading("", COUNTED, &titles, look)];
    if let Some(counted) = &namespace.counted {
        if !counted.counting.traffic {
            let how = "traffic is not counted; `pernet set NS --traffic on` changes that";
            lines.push(Line::raw(how));
        }
        let since = since.and_then(|it| it.counted.as_ref());
        lines.extend(of_module(counted, since, interval));
    }
    if let Some(kernel) = &namespace.kernel {
        let since = since.and_then(|it| it.kernel.as_ref());
        lines.extend(of_kernel(kernel, since, interval));
    }
    lines
}

/// Characters of what is counted.
const COUNTED: usize = 20;

fn of_module(counted: &Counted, since: Option<&Counted>, interval: Duration) -> Vec<Line<'static>> {
    let count = |counted: &Counted, family: Family, hook: Hook| {
        let hooks = counted.traffic.get(&family);
        hooks
            .and_then(|hooks| hooks.get(&hook))
            .copied()
            .unwrap_or_default()
    };
    let mut lines = Vec::new();
    for &family in counted.traffic.keys() {
        for hook in Hook::ALL {
            let total = count(counted, family, hook);
            let came = since.map_or(Count::default(), |it| count(it, family, hook));
            let name = format!("{} {}", named(family), hook.name().unwrap_or_default());
            let values = [
                short(per_second(came.packets, interval)),
                short(per_second(came.bytes, interval)),
                short(total.packets as f64),
                short(total.bytes as f64),
            ];
            lines.push(numbers(&name, COUNTED, &values));
        }
    }
    lines
}

/// A count of the IP layer, and its bytes where it has some.
type OfProtocol = (
    &'static str,
    fn(&Protocol) -> u64,
    Option<fn(&Protocol) -> u64>,
);

const OF_PROTOCOL: [OfProtocol; 5] = [
    ("received", |it| it.received, Some(|it| it.received_bytes)),
    ("delivered", |it| it.delivered, None),
    ("forwarded", |it| it.forwarded, None),
    ("originated", |it| it.originated, None),
    ("sent", |it| it.sent.unwrap_or(0), Some(|it| it.sent_bytes)),
];

fn of_kernel(kernel: &Kernel, since: Option<&Kernel>, interval: Duration) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (family, total) in &kernel.protocols {
        let came = since.and_then(|it| it.protocols.get(family));
        let rate = |count: fn(&Protocol) -> u64| {
            short(came.map_or(0.0, |came| per_second(count(came), interval)))
        };
        for (what, packets, bytes) in OF_PROTOCOL {
            let values = [
                rate(packets),
                bytes.map(&rate).unwrap_or_default(),
                short(packets(total) as f64),
                bytes
                    .map(|bytes| short(bytes(total) as f64))
                    .unwrap_or_default(),
            ];
            let name = format!("{} {what}", named(*family));
            lines.push(numbers(&name, COUNTED, &values));
        }
    }
    lines
}

fn named(family: Family) -> &'static str {
    family.name().unwrap_or_default()
}

fn of_devices(state: &State, look: Look, width: usize) -> Vec<Line<'static>> {
    const FIRST: usize = 16;
    if let Some(trouble) = &state.devices_trouble {
        let lines = folded(trouble, width).into_iter();
        return lines.map(|it| Line::styled(it, look.trouble())).collect();
    }
    let titles = [
        "pkt/s in",
        "pkt/s out",
        "B/s in",
        "B/s out",
        "dropped",
        "errors",
    ];
    let mut lines = vec![heading("device", FIRST, &titles, look)];
    for device in state.devices.all() {
        let link = device.link;
        lines.push(numbers(
            &link.name,
            FIRST,
            &[
                short(device.packets_in),
                short(device.packets_out),
                short(device.bytes_in),
                short(device.bytes_out),
                short((link.rx.dropped + link.tx.dropped) as f64),
                short((link.rx.errors + link.tx.errors) as f64),
            ],
        ));
    }
    lines
}

/// The most frequent first, each with what it means.
fn drops(
    namespace: &Namespace,
    since: Option<&Namespace>,
    interval: Duration,
    look: Look,
    width: usize,
) -> Vec<Line<'static>> {
    const FIRST: usize = 40;
    if namespace
        .counted
        .as_ref()
        .is_some_and(|it| !it.counting.drops)
        && namespace.drops.is_empty()
    {
        return vec![Line::raw(
            "drops are not counted; `pernet set NS --drops on` changes that",
        )];
    }
    let mut drops: Vec<_> = namespace.drops.iter().collect();
    drops.sort_by_key(|dropped| Reverse(dropped.packets));
    let mut lines = vec![heading("reason", FIRST, &["packet/s", "packets"], look)];
    for dropped in drops {
        let came = since.and_then(|it| {
            let mut drops = it.drops.iter();
            drops.find(|other| cause(other) == cause(dropped))
        });
        lines.push(numbers(
            &table::cause(dropped),
            FIRST,
            &[
                short(per_second(came.map_or(0, |it| it.packets), interval)),
                short(dropped.packets as f64),
            ],
        ));
        let meaning = reason::meaning(dropped).unwrap_or_default();
        let meaning = folded(meaning, width.saturating_sub(2)).into_iter();
        lines.extend(meaning.map(|it| Line::styled(format!("  {it}"), look.faint())));
    }
    lines
}
