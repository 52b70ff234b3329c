// SPDX-License-Identifier: MIT OR Apache-2.0

//! The lab file: TOML, read into a checked [`Lab`], and written from one.
//!
//! A file goes through three steps. [`read`] finds values in its tables, each
//! right by itself; [`expand`] puts the parts of shapes beside those that are
//! written; [`resolve`] fits all of them together. Whatever is wrong at any step
//! is collected with its place, and told all at once. docs/lab.md describes the
//! file.

mod draft;
mod expand;
mod problem;
mod read;
mod resolve;
mod schema;
mod table;
#[cfg(test)]
mod tests;
pub mod units;
mod write;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::de::DeTable;

#[cfg(test)]
pub use self::problem::Problem;
pub use self::problem::Problems;
use self::problem::Report;
pub use self::schema::SCHEMA;
pub use self::units::{write_duration, write_rate};
pub use self::write::write;
use super::model::Lab;

/// Reads and checks the lab file at `path`; nothing is looked at but the file. The
/// error is [`Problems`] where what it says is wrong.
pub fn load(path: &Path) -> Result<Lab> {
    let name = path.display().to_string();
    let bytes = fs::read(path).with_context(|| format!("cannot read {name}"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        anyhow::anyhow!("{name}:{line}: there are bytes that are not UTF-8, and so no TOML")
    })?;
    Ok(parse(&text, &name)?)
}

/// Reads and checks a lab file's text; `file` is what it is called in errors, and
/// names the lab if the text does not.
pub fn parse(text: &str, file: &str) -> Result<Lab, Problems> {
    let report = Report::on(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let word = text.get(span.clone()).unwrap_or_default();
        let what = match error.message() {
            // One word of several; which one it does not say.
            "duplicate key" => format!("`{word}` is there twice"),
            message => message.replace('\n', "; "),
        };
        report.add(span.start, what);
    }
    // Half of a document would have faults that the file has not.
    if !report.is_empty() {
        return Err(report.into_problems(file, text));
    }
    let draft = read::file(document.get_ref(), &report);
    let name = match &draft.name {
        Some(name) => Some(name.value.clone()),
        None => name_of(file, &report),
    };
    let name = name.unwrap_or_else(|| "lab".parse().expect("it is a name"));
    let lab = resolve::lab(draft, name, &report);
    match report.is_empty() {
        true => Ok(lab),
        false => Err(report.into_problems(file, text)),
    }
}

/// The name of a lab whose file does not say it: the file's, up to a dot.
fn name_of(file: &str, report: &Report) -> Option<crate::netns::Name> {
    let name = Path::new(file).file_name().and_then(|name| name.to_str());
    let name = name
        .and_then(|name| name.split('.').next())
        .unwrap_or_default();
    match read::check_lab_name(name).and_then(|()| name.parse()) {
        Ok(name) => Some(name),
        Err(error) => {
            report.add(
                0,
                format!("{error:#}; give it a `name`, which is the file's otherwise"),
            );
            None
        }
    }
}
