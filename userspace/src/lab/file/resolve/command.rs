// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is set and started in a node: whether it can be there.

use std::collections::HashSet;
use std::path::Path;

use super::super::draft::Node;
use super::super::problem::Report;
use crate::lab::model::{Command, Kind};

/// The commands of a node, each with a name.
pub fn all(node: &Node, report: &Report) -> Vec<Command> {
    let name = &node.name.value;
    let drafts = &node.settings.commands;
    if let Some(first) = drafts
        .first()
        .filter(|_| node.settings.kind == Kind::NetOnly)
    {
        let what =
            format!("node `{name}` is net-only, so there is nothing in it that runs commands");
        report.add(first.at, what);
    }
    let mut taken = HashSet::new();
    for command in drafts
        .iter()
        .filter(|command| !command.value.name.is_empty())
    {
        if !taken.insert(command.value.name.clone()) {
            let what = format!(
                "node `{name}`: a second command called `{}`",
                command.value.name
            );
            report.add(command.at, what);
        }
    }
    let commands = drafts.iter().map(|command| {
        let mut command = command.value.clone();
        if command.name.is_empty() {
            let word = word(&command);
            let numbered = (2..).map(|number| format!("{word}-{number}"));
            let mut candidates = std::iter::once(word.clone()).chain(numbered);
            command.name = (candidates.find(|name| taken.insert(name.clone()))).unwrap_or_default();
        }
        command
    });
    commands.collect()
}

/// What a command is called that has no name: its program, of a line for the
/// shell the first word.
fn word(command: &Command) -> String {
    let text = match &command.run[..] {
        [shell, option, line] if shell == "sh" && option == "-c" => {
            line.split_whitespace().next().unwrap_or(shell)
        }
        run => &run[0],
    };
    let name = Path::new(text).file_name().and_then(|name| name.to_str());
    let name: String = (name.unwrap_or_default().chars())
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .collect();
    match name.trim_matches('.') {
        "" => "command".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether there is what the node's sysctls are about.
pub fn check_sysctls<'a>(
    node: &Node,
    devices: impl Iterator<Item = &'a str> + Clone,
    report: &Report,
) {
    let name = &node.name.value;
    for (path, value) in &node.settings.sysctls {
        let parts: Vec<_> = path.split('/').collect();
        let ["net", "ipv4" | "ipv6", "conf" | "neigh", device, _] = parts[..] else {
            continue;
        };
        let known = ["all", "default", "lo"].into_iter().chain(devices.clone());
        if !known.clone().any(|known| known == device) {
            let meant = report.suggestion(device, known);
            let what = format!("node `{name}`: it has no device `{device}`{meant}");
            report.add(value.at, what);
        }
    }
}
