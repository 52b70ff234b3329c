// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reading TOML: values of the kind that is expected, or a problem at their place.

use std::fmt;
use std::ops::RangeInclusive;

use anyhow::Result;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{At, Report};

pub type Value<'a> = Spanned<DeValue<'a>>;

/// The keys that a table may have.
pub type Keys = &'static [&'static str];

/// What a problem is about; the beginning of its sentence.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    File,
    Defaults(&'static str),
    Pool(&'a str),
    Node(&'a str),
    Bridge(&'a str),
    /// Links and shapes have numbers, from 1.
    Link(usize),
    Shape(usize),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Subject::File => Ok(()),
            Subject::Defaults(of) => write!(f, "defaults of {of}: "),
            Subject::Pool(name) => write!(f, "pool `{name}`: "),
            Subject::Node(name) => write!(f, "node `{name}`: "),
            Subject::Bridge(name) => write!(f, "bridge `{name}`: "),
            Subject::Link(number) => write!(f, "link {number}: "),
            Subject::Shape(number) => write!(f, "shape {number}: "),
        }
    }
}

/// A table that has no other keys than it may.
pub struct Table<'a> {
    entries: &'a DeTable<'a>,
    keys: Keys,
    pub subject: Subject<'a>,
    pub report: &'a Report,
    pub at: usize,
}

impl<'a> Table<'a> {
    /// Reads `value` as a table; reports keys that are not known.
    pub fn read(
        value: &'a Value<'a>,
        keys: Keys,
        subject: Subject<'a>,
        report: &'a Report,
    ) -> Option<Self> {
        let at = value.span().start;
        let Some(entries) = value.get_ref().as_table() else {
            let kind = kind_of(value);
            report.add(at, format!("{subject}expected a table, not {kind}"));
            return None;
        };
        Some(Self::of(entries, at, keys, subject, report))
    }

    pub fn of(
        entries: &'a DeTable<'a>,
        at: usize,
        keys: Keys,
        subject: Subject<'a>,
        report: &'a Report,
    ) -> Self {
        for key in entries.keys() {
            let word = key.get_ref().as_ref();
            if !keys.contains(&word) {
                let meant = report.suggestion(word, keys.iter().copied());
                let meant = match meant.is_empty() {
                    true => format!("; there are {}", keys.join(", ")),
                    false => meant,
                };
                let what = format!("{subject}there is no key `{word}`{meant}");
                report.add(key.span().start, what);
            }
        }
        Table {
            entries,
            keys,
            subject,
            report,
            at,
        }
    }

    /// The same table, where problems with a part of it are that part's.
    pub fn about(&self, subject: Subject<'a>) -> Table<'a> {
        Table { subject, ..*self }
    }

    pub fn get(&self, key: &str) -> Option<&'a Value<'a>> {
        debug_assert!(self.keys.contains(&key), "`{key}` is not in the list");
        self.entries.get(key)
    }

    /// Where the key is, or else the table.
    pub fn place_of(&self, key: &str) -> usize {
        let entry = self.entries.get_key_value(key);
        entry.map_or(self.at, |(key, _)| key.span().start)
    }

    pub fn problem(&self, at: usize, what: impl fmt::Display) {
        self.report.add(at, format!("{}{what}", self.subject));
    }

    /// That the value of `key` is of another kind than `expected`.
    fn mismatch(&self, key: &str, expected: &str, value: &Value) {
        let kind = kind_of(value);
        self.problem(
            value.span().start,
            format!("`{key}` takes {expected}, not {kind}"),
        );
    }

    pub fn boolean(&self, key: &str) -> Option<At<bool>> {
        let value = self.get(key)?;
        let read = value.get_ref().as_bool();
        if read.is_none() {
            self.mismatch(key, "true or false", value);
        }
        Some(At::new(read?, value.span().start))
    }

    pub fn number<T: TryFrom<i128>>(&self, key: &str, range: RangeInclusive<u32>) -> Option<At<T>> {
        self.number_of(key, self.get(key)?, range)
    }

    pub fn number_of<T: TryFrom<i128>>(
        &self,
        key: &str,
        value: &Value,
        range: RangeInclusive<u32>,
    ) -> Option<At<T>> {
        let at = value.span().start;
        let expected = format!("a whole number, {} to {}", range.start(), range.end());
        let Some(number) = integer(value) else {
            self.mismatch(key, &expected, value);
            return None;
        };
        let fits = u32::try_from(number).is_ok_and(|number| range.contains(&number));
        let read = T::try_from(number).ok().filter(|_| fits);
        if read.is_none() {
            self.problem(at, format!("`{key}` takes {expected}, not {number}"));
        }
        Some(At::new(read?, at))
    }

    pub fn text(&self, key: &str) -> Option<At<&'a str>> {
        self.text_of(key, self.get(key)?)
    }

    pub fn text_of(&self, key: &str, value: &'a Value<'a>) -> Option<At<&'a str>> {
        let read = value.get_ref().as_str();
        if read.is_none() {
            self.mismatch(key, "a string", value);
        }
        Some(At::new(read?, value.span().start))
    }

    /// A string in which `parse` finds a value.
    pub fn parsed<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T>) -> Option<At<T>> {
        let text = self.text(key)?;
        self.parse(text, parse)
    }

    pub fn parse<T>(&self, text: At<&str>, parse: impl FnOnce(&str) -> Result<T>) -> Option<At<T>> {
        match parse(text.value) {
            Ok(value) => Some(At::new(value, text.at)),
            Err(error) => {
                self.problem(text.at, format!("{error:#}"));
                None
            }
        }
    }

    /// The values of a list; none where there is no list.
    pub fn list(&self, key: &str) -> Option<impl Iterator<Item = &'a Value<'a>> + use<'a>> {
        let value = self.get(key)?;
        let read = value.get_ref().as_array();
        if read.is_none() {
            self.mismatch(key, "a list", value);
        }
        Some(read?.iter())
    }

    /// The strings of a list; none where there is no list.
    pub fn texts(&self, key: &str) -> Option<Vec<At<&'a str>>> {
        let values = self.list(key)?;
        Some(
            values
                .filter_map(|value| self.text_of(key, value))
                .collect(),
        )
    }

    /// A table with any keys.
    pub fn map(&self, key: &str) -> Option<&'a DeTable<'a>> {
        let value = self.get(key)?;
        let read = value.get_ref().as_table();
        if read.is_none() {
            self.mismatch(key, "a table", value);
        }
        read
    }

    pub fn table(&self, key: &str, keys: Keys) -> Option<Table<'a>> {
        Table::read(self.get(key)?, keys, self.subject, self.report)
    }
}

/// The number that a value is, in whichever base it is written.
pub fn integer(value: &Value) -> Option<i128> {
    let integer = value.get_ref().as_integer()?;
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn kind_of(value: &Value) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
