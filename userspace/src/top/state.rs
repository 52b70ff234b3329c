// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is shown, and what keys make of it.

use std::time::Duration;

use anyhow::{Error, Result};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::history::{Devices, History};
use super::rates::Sort;
use crate::stat::model::{Namespace, Snapshot};
use crate::text::summary;

/// How far `+` and `-` go.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

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

/// What is to be done after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Draw,
    /// At once, and not only at the next turn.
    Read,
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

    /// The namespace whose devices are to be read.
    pub fn looks_into(&self) -> Option<u64> {
        match self.page {
            Page::Of(cookie, _) => Some(cookie),
            Page::List | Page::Help => None,
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

    pub fn press(&mut self, key: KeyEvent, height: usize) -> Wish {
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
            (KeyCode::Char('+'), _) => self.interval = (self.interval * 2).min(LONGEST),
            (KeyCode::Char('-'), _) => self.interval = (self.interval / 2).max(SHORTEST),
            (KeyCode::Char('h' | '?') | KeyCode::F(1), page) if page != Page::Help => {
                self.turn_to(Page::Help);
            }
            (_, Page::Help) => self.turn_to(Page::List),
            (code, Page::List) => return self.press_in_list(code, height),
            (code, Page::Of(cookie, tab)) => self.press_in_one(code, cookie, tab, height),
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
            KeyCode::Enter => return self.look_into(),
            _ => {}
        }
        Wish::Draw
    }

    fn press_in_one(&mut self, code: KeyCode, cookie: u64, tab: Tab, height: usize) {
        match code {
            KeyCode::Esc | KeyCode::Backspace => self.turn_to(Page::List),
            KeyCode::Tab | KeyCode::Right => self.turn_to(Page::Of(cookie, tab.beside(true))),
            KeyCode::BackTab | KeyCode::Left => self.turn_to(Page::Of(cookie, tab.beside(false))),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(height),
            KeyCode::PageDown => self.scroll += height,
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            _ => {}
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

    fn look_into(&mut self) -> Wish {
        let Some(cookie) = self.selection().map(|(_, cookie)| cookie) else {
            return Wish::Draw;
        };
        self.devices = Devices::default();
        self.devices_trouble = None;
        self.turn_to(Page::Of(cookie, Tab::Hooks));
        Wish::Read
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

    fn press(state: &mut State, keys: &[KeyCode]) -> Wish {
        let press = |key: &KeyCode| state.press(KeyEvent::new(*key, KeyModifiers::NONE), 10);
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
    fn pages_lead_into_a_namespace_and_back() {
        let mut state = state();
        assert_eq!(press(&mut state, &[KeyCode::Enter]), Wish::Read);
        assert_eq!(state.looks_into(), Some(12));
        press(&mut state, &[KeyCode::Tab]);
        assert_eq!(state.page, Page::Of(12, Tab::Devices));
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
        assert_eq!(state.press(control, 10), Wish::Quit);
    }
}
