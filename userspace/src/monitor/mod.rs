// SPDX-License-Identifier: MIT OR Apache-2.0

//! Watching namespaces: how things are first, and then what happens to them,
//! without a gap. One listens before one looks, and what one heard is compared with
//! what one saw.

pub mod model;
mod source;
pub mod text;

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use self::model::{Event, Piece};
use self::source::{Heard, Source};
use crate::netlink::pernet::Filter;
use crate::netns::{Netns, Reference};
use crate::node::label::Labels;
use crate::node::reference;
use crate::stat::model::Snapshot;
use crate::stat::{Reader, now};

/// Shows everything that happens to the namespaces that are `wanted`, or to all
/// where none is, until `show` wants no more or those that were wanted are gone.
/// `room` is how many bytes of events may wait; `note` hears of what cannot be heard of.
pub fn watch(
    reader: &mut Reader,
    wanted: &[Reference],
    room: usize,
    note: impl Fn(String),
    mut show: impl FnMut(&Piece) -> Result<bool>,
) -> Result<()> {
    let mut source = Source::open(reader.module(), room)?;
    let wanted = watched(&mut source, wanted, note)?;
    loop {
        let mut state = reader.read(&[], &Filter::default())?;
        (state.namespaces).retain(|it| wanted.is_empty() || wanted.contains(&it.cookie));
        let mut known = Known::of(&state, !wanted.is_empty());
        if !show(&Piece::State(state))? {
            return Ok(());
        }
        loop {
            if known.are_gone() {
                return Ok(());
            }
            let events = match source.hear()? {
                Heard::Events(events) => events,
                Heard::Overrun => break,
            };
            for event in known.news(events)? {
                if !show(&Piece::Event(event))? {
                    return Ok(());
                }
            }
        }
        if !show(&Piece::Overrun { time: now()? })? {
            return Ok(());
        }
        // What was told before the state is in it.
        source.forget()?;
    }
}

/// The cookies of namespaces whose end is heard of from now on. None of them is held.
fn watched(
    source: &mut Source,
    wanted: &[Reference],
    note: impl Fn(String),
) -> Result<HashSet<u64>> {
    let namespaces: Vec<Netns> = (wanted.iter())
        .map(|reference| Ok(reference::resolve(reference)?.netns))
        .collect::<Result<_>>()?;
    if !source.watch(&namespaces)? {
        note("without the module only root hears of the end of namespaces, so this goes on until it is stopped".into());
    }
    namespaces.iter().map(Netns::cookie).collect()
}

/// The namespaces that are there, and what they are called where that is known.
struct Known {
    names: HashMap<u64, Option<String>>,
    /// No other is of interest.
    closed: bool,
}

impl Known {
    fn of(state: &Snapshot, closed: bool) -> Self {
        let names = state.namespaces.iter();
        Known {
            names: names.map(|it| (it.cookie, it.name.clone())).collect(),
            closed,
        }
    }

    fn are_gone(&self) -> bool {
        self.closed && self.names.is_empty()
    }

    /// The events that tell something new, with names. Those that were told before
    /// the state was read may tell of a birth that it has already, or of a namespace
    /// that it has no more.
    fn news(&mut self, mut events: Vec<Event>) -> Result<Vec<Event>> {
        let is_nameless = |event: &Event| {
            let name = event.cookie.and_then(|cookie| self.names.get(&cookie));
            event.name.is_none() && !matches!(name, Some(Some(_)))
        };
        let labels = match events.iter().any(is_nameless) {
            true => Labels::read()?,
            false => Labels::default(),
        };
        events.retain_mut(|event| self.is_news(event, &labels));
        Ok(events)
    }

    fn is_news(&mut self, event: &mut Event, labels: &Labels) -> bool {
        let Some(cookie) = event.cookie else {
            return !self.closed;
        };
        match event.kind {
            "born" if self.closed || self.names.contains_key(&cookie) => return false,
            "born" | "bound" if !self.closed => drop(self.names.entry(cookie).or_insert(None)),
            _ if !self.names.contains_key(&cookie) => return false,
            _ => {}
        }
        let name = self.names.entry(cookie).or_insert(None);
        if event.name.is_some() {
            name.clone_from(&event.name);
        } else if name.is_none() {
            *name = labels.of(event.inode.unwrap_or(0), Some(cookie)).name;
        }
        event.name.clone_from(name);
        if event.kind == "died" {
            self.names.remove(&cookie);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &'static str, cookie: u64) -> Event {
        Event {
            kind,
            cookie: Some(cookie),
            ..Event::default()
        }
    }

    fn news(known: &mut Known, events: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
        let labels = Labels::default();
        let mut events: Vec<_> = (events.iter())
            .map(|&(kind, cookie)| event(kind, cookie))
            .collect();
        events.retain_mut(|event| known.is_news(event, &labels));
        let told = events
            .iter()
            .map(|event| (event.kind, event.cookie.unwrap()));
        told.collect()
    }

    #[test]
    fn what_the_state_has_already_is_no_news() {
        let mut known = Known {
            names: HashMap::from([(1, Some("n1".to_owned())), (2, None)]),
            closed: false,
        };
        // Of 3 everything was over when the state was read.
        let told = [
            ("born", 2),
            ("born", 3),
            ("device-up", 1),
            ("died", 3),
            ("died", 4),
            ("device-up", 4),
        ];
        let expected = [("born", 3), ("device-up", 1), ("died", 3)];
        assert_eq!(news(&mut known, &told), expected);
        let told = [("died", 1), ("device-down", 1), ("died", 1), ("born", 5)];
        assert_eq!(news(&mut known, &told), [("died", 1), ("born", 5)]);
        let mut left: Vec<_> = known.names.into_keys().collect();
        left.sort_unstable();
        assert_eq!(left, [2, 5]);
    }

    #[test]
    fn who_watches_some_hears_of_no_other() {
        let mut known = Known {
            names: HashMap::from([(1, None)]),
            closed: true,
        };
        let told = [("born", 2), ("device-up", 2), ("device-up", 1), ("died", 1)];
        assert_eq!(news(&mut known, &told), [("device-up", 1), ("died", 1)]);
        assert!(known.are_gone());
    }

    #[test]
    fn a_name_is_kept_to_the_end() {
        let mut known = Known {
            names: HashMap::from([(1, Some("n1".to_owned()))]),
            closed: false,
        };
        let mut died = event("died", 1);
        assert!(known.is_news(&mut died, &Labels::default()));
        assert_eq!(died.name.as_deref(), Some("n1"));
    }
}
