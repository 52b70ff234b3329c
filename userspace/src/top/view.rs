// SPDX-License-Identifier: MIT OR Apache-2.0

//! The list of namespaces, and what is around it.

use std::collections::VecDeque;
use std::fmt::Write;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::detail;
use super::history::Row;
use super::look::{Look, fitting, short};
use super::rates::Sort;
use super::state::{Extent, Page, State};
use crate::stat::model::Source;

/// Characters of each column but the first, which has the rest up to `LONGEST_NAME`,
/// and the last, which has what is left then.
const NUMBER: usize = 7;
const DEVICES: usize = 4;
const LONGEST_NAME: usize = 40;
const SHORTEST_NAME: usize = 12;
const SPARKLINE: usize = 12;

/// All of it; returns how much there is.
pub fn draw(frame: &mut Frame, state: &State, look: Look) -> Extent {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(state, look), head);
    let mut end = 0;
    match state.page {
        Page::List => list(frame, state, look, body),
        Page::Help => frame.render_widget(Paragraph::new(HELP), body),
        Page::Of(cookie, tab) => end = detail::draw(frame, state, look, body, (cookie, tab)),
    }
    frame.render_widget(footline(state, look), foot);
    let page = usize::from(body.height.saturating_sub(2)).max(1);
    Extent { page, end }
}

fn headline(state: &State, look: Look) -> Line<'static> {
    let mut text = "pernet top".to_owned();
    if let Some(snapshot) = state.history.latest() {
        let source = match snapshot.source {
            Source::Module => "counted by the module",
            Source::Kernel => "counted by the kernel itself",
        };
        let (all, every) = (snapshot.namespaces.len(), state.interval.as_secs_f64());
        let plural = if all == 1 { "" } else { "s" };
        let _ = write!(text, "  {all} namespace{plural}, {source}, every {every} s");
    }
    if state.paused {
        text += ", PAUSED";
    }
    let mut spans = vec![Span::raw(text)];
    if let Some(trouble) = &state.trouble {
        spans.push(Span::styled(format!("  {trouble}"), look.trouble()));
    }
    Line::from(spans)
}

fn footline(state: &State, look: Look) -> Line<'static> {
    if state.typing {
        return Line::from(format!("filter: {}_", state.filter));
    }
    let keys = match state.page {
        Page::List => {
            "q quit  Enter look into  < > sort by  I invert  / filter  Space pause  ? help"
        }
        Page::Help => "q quit  any other key: back",
        Page::Of(..) => "q quit  Esc back  Tab hooks, devices, drops  Space pause  ? help",
    };
    Line::styled(keys, look.faint())
}

/// The widths of the first column and of the last one.
fn widths(area: Rect) -> (usize, usize) {
    let numbers = 5 * (NUMBER + 1) + DEVICES + 1;
    let rest = usize::from(area.width).saturating_sub(numbers + 1);
    let name = rest
        .saturating_sub(SPARKLINE)
        .clamp(SHORTEST_NAME, LONGEST_NAME);
    (name, rest.saturating_sub(name))
}

fn list(frame: &mut Frame, state: &State, look: Look, area: Rect) {
    let (name, spark) = widths(area);
    let rows = (state.history).rows(state.sort, state.reversed, |it| state.shows(it));
    let height = usize::from(area.height.saturating_sub(1));
    let at = state.selection().map_or(0, |(at, _)| at);
    // As few lines go out of sight at the top as can be.
    let first = (at + 1).saturating_sub(height);
    let mut lines = vec![heading(state, look, name, spark)];
    for (index, row) in rows.iter().enumerate().skip(first).take(height) {
        let style = match index == at {
            true => look.selected(),
            false => Style::new(),
        };
        lines.push(Line::styled(
            written(row, state.sort, look, name, spark),
            style,
        ));
    }
    if rows.is_empty() && state.history.latest().is_some() {
        lines.push(Line::raw(
            "no namespace has that in its name; Esc shows all",
        ));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn heading(state: &State, look: Look, name: usize, spark: usize) -> Line<'static> {
    let mut spans = Vec::new();
    let titles = [
        "NAMESPACE",
        "PKT IN",
        "PKT OUT",
        "BYTE IN",
        "BYT OUT",
        "DROPS",
        "DEVS",
    ];
    for (sort, title) in Sort::ALL.into_iter().zip(titles) {
        let style = match sort == state.sort {
            true => look.chosen(),
            false => look.heading(),
        };
        let text = match sort {
            Sort::Name => format!("{title:name$}"),
            Sort::Devices => format!("{title:>DEVICES$}"),
            _ => format!("{title:>NUMBER$}"),
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::styled(" ", look.heading()));
    }
    let what = match state.sort.is_of_drops() {
        true => "drops",
        false => "packets",
    };
    spans.push(Span::styled(
        fitting(&format!("{what:spark$}"), spark),
        look.heading(),
    ));
    Line::from(spans)
}

fn written(row: &Row, sort: Sort, look: Look, name: usize, spark: usize) -> String {
    let title = fitting(&row.namespace.title(), name);
    let mut text = format!("{title:name$}");
    let rates = &row.rates;
    for rate in [
        rates.packets_in,
        rates.packets_out,
        rates.bytes_in,
        rates.bytes_out,
        rates.drops,
    ] {
        let _ = write!(text, " {:>NUMBER$}", short(rate));
    }
    let _ = write!(text, " {:>DEVICES$} ", row.namespace.devices().unwrap_or(0));
    let empty = VecDeque::new();
    let past = row.past.unwrap_or(&empty).iter();
    text + &match sort.is_of_drops() {
        true => look.sparkline(past.map(|it| it.drops), spark),
        false => look.sparkline(past.map(|it| it.packets_in + it.packets_out), spark),
    }
}

const HELP: &str = "\
Rates are those of a second, since the last reading. PKT and BYTE are what comes
in and goes out at the netfilter hooks or, without the module, what the IP layer
counts; the line at the end of a row is its past, the newest to the right.

 Up Down j k, PgUp PgDn, Home End g G   move
 Enter                                  look into the namespace; Esc leads back
 Tab, Left, Right                       there: hooks, devices, drops by reason
 < >                                    sort by the column beside, or by
 n p P b B d D                            name, packets in, out, bytes in, out,
                                          drops, devices
 I or R                                 invert the order
 / or \\, F3, F4                         show those with this in a name; Esc: all
 Space or Z                             pause
 + -                                    read half as often, twice as often
 Ctrl-L                                 read now, and draw anew
 Ctrl-Z                                 give the terminal back to the shell
 q, F10, Ctrl-C                         quit
";

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::netlink::pernet::Dropped;
    use crate::netlink::pernet::uapi::{Family, Hook};
    use crate::stat::model::{Count, Counted, Kernel, Link, Namespace, Snapshot, Way};

    fn namespace(cookie: u64, name: &str, packets: u64, drops: u64) -> Namespace {
        let count = Count {
            packets,
            bytes: packets * 100,
        };
        Namespace {
            name: Some(name.to_owned()),
            names: vec![name.to_owned()],
            cookie,
            counted: Some(Counted {
                traffic: BTreeMap::from([(
                    Family::Ipv4,
                    BTreeMap::from([(Hook::Prerouting, count), (Hook::LocalIn, count)]),
                )]),
                ..Counted::default()
            }),
            drops: vec![Dropped {
                subsystem: "core".into(),
                reason: Some(3),
                name: Some("NO_SOCKET".to_owned()),
                packets: drops,
            }],
            ..Namespace::default()
        }
    }

    /// Two, a second apart: n1 gets 10 packets, n2 gets 2000, n3 drops 5.
    pub fn snapshots() -> [Snapshot; 2] {
        let snapshot = |second: u64, namespaces| Snapshot {
            source: Source::Module,
            boot: "boot".to_owned(),
            time: 0,
            uptime: second * 1_000_000_000,
            namespaces,
            unread: Vec::new(),
        };
        [
            snapshot(
                1,
                vec![
                    namespace(11, "n1", 0, 0),
                    namespace(12, "n2", 5, 0),
                    namespace(13, "n3", 7, 1),
                ],
            ),
            snapshot(
                2,
                vec![
                    namespace(11, "n1", 10, 0),
                    namespace(12, "n2", 2005, 0),
                    namespace(13, "n3", 7, 6),
                ],
            ),
        ]
    }

    fn screen(state: &State, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let look = Look {
            colours: true,
            unicode: true,
        };
        let drawn = terminal.draw(|frame| {
            draw(frame, state, look);
        });
        drawn.unwrap();
        let cells = terminal.backend().buffer().content.chunks(width.into());
        let line =
            |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect();
        let lines: Vec<String> = cells.map(line).collect();
        lines
            .iter()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect()
    }

    fn state() -> State {
        let mut state = State::new(Sort::PacketsIn, Duration::from_secs(2));
        snapshots().into_iter().for_each(|it| state.add(Ok(it)));
        state
    }

    fn press(state: &mut State, key: KeyCode) {
        let extent = Extent { page: 10, end: 100 };
        state.press(KeyEvent::new(key, KeyModifiers::NONE), extent);
    }

    #[test]
    fn a_list_fits_80_columns() {
        let shown = screen(&state(), 80, 24);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines[0],
            "pernet top  3 namespaces, counted by the module, every 2 s"
        );
        assert_eq!(
            lines[1],
            "NAMESPACE               PKT IN PKT OUT BYTE IN BYT OUT   DROPS DEVS packets"
        );
        assert_eq!(
            lines[2],
            "n2                       2.00k       0    200k       0       0    0            █"
        );
        assert!(
            lines[3].starts_with("n1                          10 "),
            "{shown}"
        );
        assert!(lines[4].contains("5.0"), "{shown}");
        assert!(lines[23].starts_with("q quit"), "{shown}");
    }

    #[test]
    fn any_size_will_do() {
        for (width, height) in [(1, 1), (10, 3), (40, 5), (80, 24), (300, 100)] {
            let mut state = state();
            for key in [
                KeyCode::Esc,
                KeyCode::Char('?'),
                KeyCode::Esc,
                KeyCode::Enter,
                KeyCode::Tab,
                KeyCode::Tab,
            ] {
                screen(&state, width, height);
                press(&mut state, key);
            }
            screen(&state, width, height);
        }
    }

    #[test]
    fn what_is_selected_is_in_sight() {
        let mut state = state();
        press(&mut state, KeyCode::End);
        let shown = screen(&state, 80, 4);
        assert!(shown.lines().nth(2).unwrap().starts_with("n3"), "{shown}");
    }

    #[test]
    fn a_namespace_is_looked_into() {
        let mut state = state();
        press(&mut state, KeyCode::Char('d'));
        press(&mut state, KeyCode::Enter);
        let hooks = screen(&state, 80, 24);
        assert!(hooks.contains("n3  cookie 13"), "{hooks}");
        assert!(hooks.contains("prerouting"), "{hooks}");
        press(&mut state, KeyCode::Tab);
        let link = |bytes| Link {
            name: "eth0".to_owned(),
            rx: Way {
                bytes,
                ..Way::default()
            },
            ..Link::default()
        };
        for (uptime, bytes) in [(1, 0), (2_000_000_001, 6000)] {
            state.add_devices(Ok(Snapshot {
                source: Source::Kernel,
                boot: "boot".to_owned(),
                time: 0,
                uptime,
                namespaces: vec![Namespace {
                    cookie: 13,
                    kernel: Some(Kernel {
                        links: vec![link(bytes)],
                        ..Kernel::default()
                    }),
                    ..Namespace::default()
                }],
                unread: Vec::new(),
            }));
        }
        let devices = screen(&state, 80, 24);
        let line = devices
            .lines()
            .find(|line| line.starts_with("eth0"))
            .unwrap();
        assert!(line.contains("3.00k"), "{devices}");
        press(&mut state, KeyCode::Tab);
        let drops = screen(&state, 80, 24);
        assert!(drops.contains("NO_SOCKET"), "{drops}");
        assert!(drops.contains("No socket wants the packet"), "{drops}");
    }

    #[test]
    fn the_end_of_a_page_can_be_seen_and_not_more() {
        let mut state = state();
        for key in [KeyCode::Char('d'), KeyCode::Enter, KeyCode::BackTab] {
            press(&mut state, key);
        }
        // The sentence on a reason is longer than this is wide.
        let mut terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
        let look = Look {
            colours: false,
            unicode: false,
        };
        let mut extent = Extent::default();
        terminal
            .draw(|frame| extent = draw(frame, &state, look))
            .unwrap();
        assert!(extent.end > 0, "{extent:?}");
        state.scroll = usize::MAX;
        let shown = screen(&state, 40, 10);
        let meaning = "connection is unknown.";
        let last = shown.lines().nth(8).unwrap();
        assert!(
            meaning.ends_with(last.trim()) && !last.is_empty(),
            "{shown}"
        );
    }

    #[test]
    fn a_namespace_that_goes_says_so() {
        let mut state = state();
        press(&mut state, KeyCode::Enter);
        let mut last = snapshots()[1].clone();
        last.uptime += 1;
        last.namespaces.retain(|namespace| namespace.cookie != 12);
        state.add(Ok(last));
        let shown = screen(&state, 80, 24);
        assert!(shown.contains("is gone"), "{shown}");
    }

    #[test]
    fn trouble_is_in_the_first_line() {
        let mut state = state();
        state.add(Err(anyhow::anyhow!("cannot read the counters")));
        assert!(
            screen(&state, 100, 24)
                .lines()
                .next()
                .unwrap()
                .contains("cannot read")
        );
    }
}
