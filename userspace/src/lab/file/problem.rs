// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is wrong with a file: all of it, each with its place.

use std::cell::RefCell;
use std::fmt;

use strsim::{jaro_winkler, osa_distance};

/// How many problems are shown; who has more begins with these.
const SHOWN: usize = 50;

/// How like each other two words are, at least, for one to be meant by the other.
const LIKE: f64 = 0.8;

/// Something that was read, with the offset at which it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    pub value: T,
    pub at: usize,
}

impl<T> At<T> {
    pub fn new(value: T, at: usize) -> Self {
        At { value, at }
    }
}

/// Collects what is wrong while a file is read and checked.
#[derive(Debug)]
pub struct Report {
    /// Where the lines of the file begin.
    lines: Vec<usize>,
    found: RefCell<Vec<At<String>>>,
}

impl Report {
    pub fn on(text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Report {
            lines: std::iter::once(0).chain(after_breaks).collect(),
            found: RefCell::default(),
        }
    }

    pub fn add(&self, at: usize, what: impl Into<String>) {
        self.found.borrow_mut().push(At::new(what.into(), at));
    }

    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// The line that an offset is in, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|&begin| begin <= at)
    }

    /// Which of the words that are known may be meant by one that is not, as the
    /// end of a sentence.
    pub fn suggestion<'a>(&self, word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
        // Nobody reads so far, and to compare with every word takes time.
        if self.found.borrow().len() >= SHOWN {
            return String::new();
        }
        let mut best: Option<(f64, &str)> = None;
        for candidate in known {
            let mut like = jaro_winkler(word, candidate);
            // One slip of the finger; most often the word is as long as it should be.
            if word.len() > 1 && osa_distance(word, candidate) == 1 {
                like += if word.len() == candidate.len() {
                    2.0
                } else {
                    1.0
                };
            }
            // Words come in any order; of those that are alike it is always the same.
            let better = |(most, other)| like > most || like == most && candidate < other;
            if like >= LIKE && best.is_none_or(better) {
                best = Some((like, candidate));
            }
        }
        best.map_or(String::new(), |(_, candidate)| {
            format!("; did you mean `{candidate}`?")
        })
    }

    /// The problems in the order of the file, which is called `file`.
    pub fn into_problems(self, file: &str, text: &str) -> Problems {
        let mut found = self.found.take();
        found.sort_by_key(|problem| problem.at);
        found.dedup();
        let problem = |At { value, at }| {
            let line = self.line(at);
            let before = text.get(self.lines[line - 1]..at).unwrap_or_default();
            Problem {
                line,
                column: before.chars().count() + 1,
                what: value,
            }
        };
        Problems {
            file: file.to_owned(),
            problems: found.into_iter().map(problem).collect(),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Both count from 1, columns in characters.
    pub line: usize,
    pub column: usize,
    pub what: String,
}

/// Everything that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    pub file: String,
    pub problems: Vec<Problem>,
}

/// As compilers write it, so that editors find the places.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Problems { file, problems } = self;
        match problems.len() {
            1 => write!(f, "{file} has an error:")?,
            many => write!(f, "{file} has {many} errors:")?,
        }
        for Problem { line, column, what } in problems.iter().take(SHOWN) {
            write!(f, "\n{file}:{line}:{column}: {what}")?;
        }
        match problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}
