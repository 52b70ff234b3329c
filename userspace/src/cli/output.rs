// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writing to standard output, and to standard error.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::text::{legible_lines, summary};

/// Writes to standard error what a program has to say, on a line of its own. Words of
/// others in it do nothing to a terminal, and where nobody listens nothing ends.
pub fn complain(program: &str, text: impl Display) {
    let text = text.to_string();
    let _ = writeln!(io::stderr(), "{program}: {}", legible_lines(&text));
}

/// The same of what went wrong while the rest was done.
pub fn remark(troubles: &[String]) {
    if let Some(text) = summary(troubles) {
        complain("pernet: note", text);
    }
}

/// Writes `text`. A reader that has seen enough, as `head` has, is no error.
pub fn print(text: &str) -> Result<()> {
    print_more(text).map(drop)
}

/// Writes `text`; false where the reader has seen enough.
pub fn print_more(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .context("cannot write to standard output"),
    }
}

/// Writes text with colours in it, where the reader wants them: at a terminal, and
/// without NO_COLOR.
pub fn print_styled(text: &str) -> Result<()> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => print(&strip_str(text).to_string()),
        _ => print(text),
    }
}

/// Writes `value` as JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(value).context("cannot write JSON")?;
    print(&(json + "\n"))
}

/// The version of what `--json` prints, as docs/json.md describes it. Fields that
/// are added do not change it.
pub const VERSION: u32 = 1;

/// A value as it is printed, or kept in a file to be read again.
#[derive(Serialize, Deserialize)]
pub struct Document<T> {
    pub version: u32,
    #[serde(flatten)]
    pub body: T,
}

/// Writes `value`, which has fields, as JSON with the version in front.
pub fn print_document(value: &impl Serialize) -> Result<()> {
    print_json(&document(value))
}

/// The same on one line, of more that follow; false where the reader has seen enough.
pub fn print_line(value: &impl Serialize) -> Result<bool> {
    let json = serde_json::to_string(&document(value)).context("cannot write JSON")?;
    print_more(&(json + "\n"))
}

fn document<T>(body: T) -> Document<T> {
    Document {
        version: VERSION,
        body,
    }
}

/// Writes a document that is one list, under its name.
pub fn print_list(name: &str, list: &impl Serialize) -> Result<()> {
    print_document(&BTreeMap::from([(name, list)]))
}

/// Rows of text below a heading, in columns.
pub fn columns<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    columns::render(&[&[heading], rows].concat(), |_| false)
}
