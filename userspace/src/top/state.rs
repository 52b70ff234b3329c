// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is shown, and what keys make of it.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Error, Result};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::history::{Devices, History};
use super::rates::Sort;
use crate::stat::model::{Namespace, Snapshot};
use crate::text::summary;

/// How often one may want to read: from four times a second to once an hour.
pub const INTERVALS: RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(3600);

/// All that is shown.
pub struct State {
    pub history: History,
    pub devices: Devices,
    pub sort: Sort,
    pub reversed: bool,
    /// Namespaces are shown with this in one of their names.
    pub filter: String,
    pub selected: Option<u64>,
    pub page: Page,
    /// What is being typed goes into the filter.
    pub typing: bool,
    pub paused: bool,
    pub interval: Duration,
    /// Why the last reading came to nothing, or not to all.
    pub trouble: Option<String>,
    pub devices_trouble: Option<String>,
    /// The first line of a page that is longer than the screen.
    pub scroll: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    List,
    Help,
    /// One namespace.
    Of(u64, Tab),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Hooks,
    Devices,
    Drops,
}

impl Tab {
    pub const ALL: [Tab; 3] = [Tab::Hooks, Tab::Devices, Tab::Drops];

    fn beside(self, right: bool) -> Self {
        let at = Tab::ALL.iter().position(|&tab| tab == self).unwrap_or(0);
        let step = if right { 1 } else { Tab::ALL.len() - 1 };
        Tab::ALL[(at + step) % Tab::ALL.len()]
    }
}

/// How much there is of what is shown, in lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// What keys that turn a page turn.
    pub page: usize,
    /// How far a page that is longer than the screen can be scrolled.
    pub end: usize,
}

/// What is to be done after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Draw,
    /// At once, and not only at the next turn.
    Read,
    /// The same, of the devices alone.
    ReadDevices,
    /// The terminal goes back to the shell, until it gives it again.
    Stop,
    Quit,
}

impl State {
    pub fn new(sort: Sort, interval: Duration) -> Self {
        State {
            history: History::default(),
            devices: Devices::default(),
            sort,
            reversed: false,
            filter: String::new(),
            selected: None,
            page: Page::List,
            typing: false,
            paused: false,
            interval,
            trouble: None,
            devices_trouble: None,
            scroll: 0,
        }
    }

    /// Takes what was read.
    pub fn add(&mut self, snapshot: Result<Snapshot>) {
        self.trouble = match snapshot {
            Ok(snapshot) => {
                let trouble = summary(&snapshot.unread);
                self.history.add(snapshot);
                trouble
            }
            Err(error) => Some(said(&error)),
        };
    }

    /// Takes what was read of the devices of the namespace that is looked into.
    pub fn add_devices(&mut self, snapshot: Result<Snapshot>) {
        self.devices_trouble = self.devices.add(snapshot).err().map(|error| said(&error));
    }

    /// The namespace whose devices are to be read: for each it is entered.
    pub fn shows_devices_of(&self) -> Option<u64> {
        match self.page {
            Page::Of(cookie, Tab::Devices) => Some(cookie),
            _ => None,
        }
    }

    pub fn shows(&self, namespace: &Namespace) -> bool {
        let has = |text: &String| text.contains(&self.filter);
        self.filter.is_empty()
            || has(&namespace.title())
            || namespace.names.iter().any(has)
            || namespace.lab.as_ref().is_some_and(has)
            || namespace.node.as_ref().is_some_and(has)
    }

    pub fn press(&mut self, key: KeyEvent, extent: Extent) -> Wish {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Wish::Quit,
                KeyCode::Char('z') => Wish::Stop,
                KeyCode::Char('l') => Wish::Read,
                _ => Wish::Draw,
            };
        }
        if self.typing {
            self.type_into_filter(key.code);
            return Wish::Draw;
        }
        match (key.code, self.page) {
            (KeyCode::Char('q') | KeyCode::F(10), _) => return Wish::Quit,
            (KeyCode::Char(' ' | 'Z'), _) => self.paused = !self.paused,
            (KeyCode::Char('+'), _) => self.interval = (self.interval * 2).min(*INTERVALS.end()),
            (KeyCode::Char('-'), _) => self.interval = (self.interval / 2).max(*INTERVALS.start()),
            (KeyCode::Char('h' | '?') | KeyCode::F(1), page) if page != Page::Help => {
                self.turn_to(Page::Help);
            }
            (_, Page::Help) => self.turn_to(Page::List),
            (code, Page::List) => return self.press_in_list(code, extent.page),
            (code, Page::Of(cookie, tab)) => return self.press_in_one(code, cookie, tab, extent),
        }
        Wish::Draw
    }

    fn press_in_list(&mut self, code: KeyCode, height: usize) -> Wish {
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.move_by(-1),
            KeyCode::Down | KeyCode::Char('j') => self.move_by(1),
            KeyCode::PageUp => self.move_by(-(height as isize)),
            KeyCode::PageDown => self.move_by(height as isize),
            KeyCode::Home | KeyCode::Char('g') => self.move_by(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.move_by(isize::MAX),
            KeyCode::Left | KeyCode::Char('<') => self.sort = self.sort.beside(false),
            KeyCode::Right | KeyCode::Char('>') => self.sort = self.sort.beside(true),
            KeyCode::Char('n') => self.sort = Sort::Name,
            KeyCode::Char('p') => self.sort = Sort::PacketsIn,
            KeyCode::Char('P') => self.sort = Sort::PacketsOut,
            KeyCode::Char('b') => self.sort = Sort::BytesIn,
            KeyCode::Char('B') => self.sort = Sort::BytesOut,
            KeyCode::Char('d') => self.sort = Sort::Drops,
            KeyCode::Char('D') => self.sort = Sort::Devices,
            KeyCode::Char('I' | 'R') => self.reversed = !self.reversed,
            KeyCode::Char('/' | '\\') | KeyCode::F(3 | 4) => self.typing = true,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Enter => self.look_into(),
            _ => {}
        }
        Wish::Draw
    }

    fn press_in_one(&mut self, code: KeyCode, cookie: u64, tab: Tab, extent: Extent) -> Wish {
        let Extent { page, end } = extent;
        // What is shown may have become shorter.
        let scroll = self.scroll.min(end);
        match code {
            KeyCode::Esc | KeyCode::Backspace => self.turn_to(Page::List),
            KeyCode::Tab | KeyCode::Right => self.turn_to(Page::Of(cookie, tab.beside(true))),
            KeyCode::BackTab | KeyCode::Left => self.turn_to(Page::Of(cookie, tab.beside(false))),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = (scroll + 1).min(end),
            KeyCode::PageUp => self.scroll = scroll.saturating_sub(page),
            KeyCode::PageDown => self.scroll = (scroll + page).min(end),
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = end,
            _ => {}
        }
        let was_shown = tab == Tab::Devices;
        match self.shows_devices_of() {
            Some(_) if !was_shown => Wish::ReadDevices,
            _ => Wish::Draw,
        }
    }

    fn type_into_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(c) => self.filter.push(c),
            _ => {}
        }
    }

    fn turn_to(&mut self, page: Page) {
        self.page = page;
        self.scroll = 0;
    }

    fn look_into(&mut self) {
        if let Some((_, cookie)) = self.selection() {
            self.devices = Devices::default();
            self.devices_trouble = None;
            self.turn_to(Page::Of(cookie, Tab::Hooks));
        }
    }

    /// The line that is selected, and its namespace: the first, where that is gone.
    pub fn selection(&self) -> Option<(usize, u64)> {
        let rows = self.cookies();
        let at = (rows.iter()).position(|&cookie| Some(cookie) == self.selected);
        let at = at.unwrap_or(0);
        rows.get(at).map(|&cookie| (at, cookie))
    }

    fn move_by(&mut self, lines: isize) {
        let rows = self.cookies();
        if let Some((at, _)) = self.selection() {
            let at = at.saturating_add_signed(lines).min(rows.len() - 1);
            self.selected = Some(rows[at]);
        }
    }

    fn cookies(&self) -> Vec<u64> {
        let rows = (self.history).rows(self.sort, self.reversed, |it| self.shows(it));
        rows.iter().map(|row| row.namespace.cookie).collect()
    }
}

fn said(error: &Error) -> String {
    format!("{error:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::view::tests::snapshots;

    const EXTENT: Extent = Extent { page: 10, end: 3 };

    fn press(state: &mut State, keys: &[KeyCode]) -> Wish {
        let press = |key: &KeyCode| state.press(KeyEvent::new(*key, KeyModifiers::NONE), EXTENT);
        keys.iter().map(press).last().unwrap()
    }

    fn state() -> State {
        let mut state = State::new(Sort::PacketsIn, Duration::from_secs(1));
        snapshots().into_iter().for_each(|it| state.add(Ok(it)));
        state
    }

    #[test]
    fn keys_choose_the_order() {
        let mut state = state();
        assert_eq!(state.cookies(), [12, 11, 13]);
        press(&mut state, &[KeyCode::Char('d')]);
        assert_eq!(state.cookies(), [13, 11, 12]);
        press(&mut state, &[KeyCode::Char('I')]);
        assert_eq!(state.cookies(), [11, 12, 13]);
        press(&mut state, &[KeyCode::Char('I'), KeyCode::Char('n')]);
        assert_eq!(state.cookies(), [11, 12, 13]);
        press(&mut state, &[KeyCode::Char('>')]);
        assert_eq!(state.sort, Sort::PacketsIn);
    }

    #[test]
    fn the_selection_stays_with_its_namespace() {
        let mut state = state();
        assert_eq!(state.selection(), Some((0, 12)));
        press(&mut state, &[KeyCode::Down]);
        assert_eq!(state.selection(), Some((1, 11)));
        press(&mut state, &[KeyCode::Char('n')]);
        assert_eq!(state.selection(), Some((0, 11)));
        press(&mut state, &[KeyCode::End, KeyCode::PageDown]);
        assert_eq!(state.selection(), Some((2, 13)));
        press(&mut state, &[KeyCode::Home, KeyCode::Up]);
        assert_eq!(state.selection(), Some((0, 11)));
    }

    #[test]
    fn what_is_typed_filters() {
        let mut state = state();
        press(&mut state, &[KeyCode::Char('/'), KeyCode::Char('q')]);
        assert_eq!(state.cookies(), Vec::<u64>::new());
        assert_eq!(
            press(&mut state, &[KeyCode::Enter, KeyCode::Down]),
            Wish::Draw
        );
        assert_eq!(press(&mut state, &[KeyCode::Enter]), Wish::Draw);
        assert_eq!(state.page, Page::List);
        press(&mut state, &[KeyCode::Esc]);
        assert_eq!(state.cookies().len(), 3);
        press(
            &mut state,
            &[KeyCode::Char('/'), KeyCode::Char('n'), KeyCode::Char('2')],
        );
        assert_eq!(state.cookies(), [12]);
    }

    #[test]
    fn a_page_is_scrolled_to_its_end_and_no_further() {
        let mut state = state();
        press(&mut state, &[KeyCode::Enter]);
        press(&mut state, &[KeyCode::Down; 9]);
        assert_eq!(state.scroll, 3);
        press(&mut state, &[KeyCode::Up]);
        assert_eq!(state.scroll, 2);
        press(&mut state, &[KeyCode::PageDown, KeyCode::PageDown]);
        assert_eq!(state.scroll, 3);
        press(&mut state, &[KeyCode::Home, KeyCode::End]);
        assert_eq!(state.scroll, 3);
        let shorter = Extent { page: 10, end: 1 };
        state.press(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE), shorter);
        assert_eq!(state.scroll, 0);
    }

    #[test]
    fn intervals_stay_in_their_range() {
        let mut state = state();
        state.interval = Duration::from_secs(120);
        press(&mut state, &[KeyCode::Char('+')]);
        assert_eq!(state.interval, Duration::from_secs(240));
        press(&mut state, &[KeyCode::Char('+'); 9]);
        assert_eq!(state.interval, *INTERVALS.end());
        press(&mut state, &[KeyCode::Char('-'); 20]);
        assert_eq!(state.interval, *INTERVALS.start());
    }

    #[test]
    fn pages_lead_into_a_namespace_and_back() {
        let mut state = state();
        press(&mut state, &[KeyCode::Enter]);
        assert_eq!(state.page, Page::Of(12, Tab::Hooks));
        assert_eq!(state.shows_devices_of(), None);
        assert_eq!(press(&mut state, &[KeyCode::Tab]), Wish::ReadDevices);
        assert_eq!(state.shows_devices_of(), Some(12));
        assert_eq!(press(&mut state, &[KeyCode::Down]), Wish::Draw);
        press(&mut state, &[KeyCode::Tab, KeyCode::Tab, KeyCode::BackTab]);
        assert_eq!(state.page, Page::Of(12, Tab::Drops));
        press(&mut state, &[KeyCode::Esc]);
        assert_eq!(state.page, Page::List);
        press(&mut state, &[KeyCode::Char('?')]);
        assert_eq!(state.page, Page::Help);
        press(&mut state, &[KeyCode::Char('x')]);
        assert_eq!(state.page, Page::List);
        assert_eq!(press(&mut state, &[KeyCode::Char('q')]), Wish::Quit);
        let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(state.press(control, EXTENT), Wish::Quit);
    }
}
