// SPDX-License-Identifier: MIT OR Apache-2.0

//! Finds an item in a source file by how its first line begins, so that no source
//! has to carry marks for the guide.
//!
//! No parser is needed: rustfmt and the kernel's style leave an item's end at the
//! indentation of its beginning, and nothing else of it there.

use anyhow::{Context, Result, bail};

/// An item of a source file.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// The line that it begins on, its documentation included; the first is 1.
    pub line: usize,
    /// The item, with no more indentation than it needs.
    pub text: String,
}

/// Finds the item whose first line begins with `name`, a visibility and what it is
/// documented with left aside. `outer > inner` finds the inner one in the outer.
pub fn find(source: &str, name: &str) -> Result<Item> {
    let lines: Vec<_> = source.lines().collect();
    let (mut from, mut to) = (0, lines.len());
    let mut documented = 0;
    for name in name.split(" > ") {
        let head = only(&lines, from, to, name)?;
        documented = head - documentation(&lines[from..head], indentation(lines[head]));
        (from, to) = (head, end(&lines, head)?);
    }
    Ok(Item {
        line: documented + 1,
        text: dedented(&lines[documented..to]),
    })
}

/// What documents a whole file: its `//!` lines, as the Markdown that they are.
pub fn file_documentation(source: &str) -> String {
    let text: Vec<_> = (source.lines())
        .skip_while(|line| !line.starts_with("//!"))
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    text.join("\n")
}

/// The one line between `from` and `to` that begins with `name`.
fn only(lines: &[&str], from: usize, to: usize, name: &str) -> Result<usize> {
    let mut found = (from..to).filter(|&i| begins(lines[i], name));
    let first = found
        .next()
        .with_context(|| format!("no item begins with `{name}`"))?;
    if let Some(second) = found.next() {
        bail!(
            "`{name}` begins on line {} and on line {}: say more of it",
            first + 1,
            second + 1
        );
    }
    Ok(first)
}

fn begins(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let shown = ["pub(crate) ", "pub(super) ", "pub "]
        .iter()
        .find_map(|visibility| line.strip_prefix(visibility))
        .unwrap_or(line);
    let Some(rest) = shown.strip_prefix(name) else {
        return false;
    };
    // `fn init` is not the beginning of `fn init_callback`.
    !name.ends_with(word) || !rest.starts_with(word)
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many of the last lines are comments and attributes of this indentation.
fn documentation(lines: &[&str], depth: usize) -> usize {
    let documents = |line: &&&str| {
        indentation(line) / 2 == depth / 2
            && ["//", "#[", "/*", "* ", "*/"]
                .iter()
                .any(|mark| line.trim_start().starts_with(mark))
    };
    (lines.iter().rev())
        .take_while(documents)
        .take_while(|line| !line.trim_start().starts_with("//!"))
        .count()
}

/// Behind the last line of the item that begins at `head`.
fn end(lines: &[&str], head: usize) -> Result<usize> {
    if lines[head].ends_with(';') {
        return Ok(head + 1);
    }
    let depth = indentation(lines[head]);
    let last = (head + 1..lines.len())
        .find(|&i| {
            let text = lines[i].trim_start();
            !text.is_empty()
                && indentation(lines[i]) == depth
                && (text.starts_with('}') || text.ends_with(';'))
        })
        .with_context(|| format!("the item on line {} has no end", head + 1))?;
    Ok(last + 1)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn dedented(lines: &[&str]) -> String {
    let depth = (lines.iter())
        .filter(|line| !line.is_empty())
        .map(|line| indentation(line))
        .min()
        .unwrap_or(0);
    let lines: Vec<_> = (lines.iter())
        .map(|line| line.get(depth..).unwrap_or_default())
        .collect();
    lines.join("\n")
}
