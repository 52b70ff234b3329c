// SPDX-License-Identifier: MIT OR Apache-2.0

//! Commands that nodes start, and how one sees that they are ready.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::problem::At;
use super::super::table::{Keys, Table, Value};
use super::super::units;
use crate::lab::model::{Command, Ready};

pub const COMMAND: Keys = &[
    "name",
    "run",
    "environment",
    "directory",
    "ready",
    "timeout",
];
pub const READY: Keys = &["tcp", "udp", "file", "output", "command"];

/// How long a command may take to be ready, where it does not say.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn all(table: &Table) -> Vec<At<Command>> {
    let values = table.list("commands").into_iter().flatten();
    values.filter_map(|value| one(table, value)).collect()
}

fn one(table: &Table, value: &Value) -> Option<At<Command>> {
    let at = value.span().start;
    // A string alone says what runs, and nothing else.
    if value.get_ref().is_str() {
        let run = words(table, "commands", value)?;
        return Some(At::new(command(String::new(), run), at));
    }
    let table = Table::read(value, COMMAND, table.subject, table.report)?;
    let Some(run) = table.get("run") else {
        table.problem(
            at,
            "a command needs a `run`: a line for the shell, or a list of words",
        );
        return None;
    };
    let run = words(&table, "run", run)?;
    let name = table.parsed("name", name).map(|name| name.value);
    Some(At::new(
        Command {
            environment: environment(&table),
            directory: (table.parsed("directory", absolute)).map(|directory| directory.value),
            ready: ready(&table).unwrap_or(Ready::Started),
            timeout: (table.parsed("timeout", units::duration))
                .map_or(PATIENCE, |timeout| timeout.value),
            ..command(name.unwrap_or_default(), run)
        },
        at,
    ))
}

/// Its name, where it is empty, is chosen when all of the node's are known.
fn command(name: String, run: Vec<String>) -> Command {
    Command {
        name,
        run,
        environment: BTreeMap::new(),
        directory: None,
        ready: Ready::Started,
        timeout: PATIENCE,
    }
}

/// A line for the shell, or program and arguments.
fn words(table: &Table, key: &str, value: &Value) -> Option<Vec<String>> {
    let at = value.span().start;
    let words: Vec<String> = match value.get_ref().as_array() {
        Some(values) => (values.iter())
            .map(|value| Some(table.text_of(key, value)?.value.to_owned()))
            .collect::<Option<_>>()?,
        None => {
            let line = table.text_of(key, value)?.value;
            match line.trim() {
                "" => Vec::new(),
                _ => ["sh", "-c", line].map(str::to_owned).into(),
            }
        }
    };
    if words.first().is_none_or(|program| program.is_empty()) {
        table.problem(at, format!("`{key}` has no program to run"));
        return None;
    }
    if words.iter().any(|word| word.contains('\0')) {
        table.problem(
            at,
            format!("`{key}` has a NUL in it, which no argument can have"),
        );
        return None;
    }
    Some(words)
}

/// A name that can be part of a file's.
fn name(text: &str) -> Result<String> {
    let name: crate::netns::Name = text.parse()?;
    Ok(name.to_string())
}

fn absolute(text: &str) -> Result<PathBuf> {
    let path = Path::new(text);
    ensure!(
        path.is_absolute() && !text.contains('\0'),
        "`{text}` is not an absolute path"
    );
    Ok(path.to_owned())
}

fn environment(table: &Table) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for (key, value) in table.map("environment").into_iter().flatten() {
        let name: &str = key.get_ref();
        if name.is_empty() || name.contains(['=', '\0']) {
            table.problem(key.span().start, format!("{name:?} is no variable's name"));
        }
        if let Some(text) = table.text_of("environment", value) {
            environment.insert(name.to_owned(), text.value.to_owned());
        }
    }
    environment
}

fn ready(table: &Table) -> Option<Ready> {
    let value = table.get("ready")?;
    let at = value.span().start;
    if let Some(word) = value.get_ref().as_str() {
        return match word {
            "started" => Some(Ready::Started),
            "exit" => Some(Ready::Exit),
            _ => {
                let what = format!("`ready` is \"started\", \"exit\" or a table, not `{word}`");
                table.problem(at, what);
                None
            }
        };
    }
    let table = table.table("ready", READY)?;
    let checks = [
        (table.number("tcp", 1..=65535)).map(|port| Ready::Tcp(port.value)),
        (table.number("udp", 1..=65535)).map(|port| Ready::Udp(port.value)),
        (table.parsed("file", absolute)).map(|path| Ready::File(path.value)),
        (table.text("output")).map(|text| Ready::Output(text.value.to_owned())),
        (table.get("command"))
            .and_then(|value| words(&table, "command", value))
            .map(Ready::Command),
    ];
    let said = READY.iter().filter(|key| table.get(key).is_some()).count();
    if said != 1 {
        let keys = READY.join(", ");
        table.problem(at, format!("`ready` has one key of {keys}, not {said}"));
        return None;
    }
    checks.into_iter().flatten().next()
}
