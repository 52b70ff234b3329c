// SPDX-License-Identifier: MIT OR Apache-2.0

//! What all commands have in common. Which there are is taken from their manual
//! pages, so that none is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Output, Stdio};

use nix::unistd::pipe;
use serde_json::Value;

use crate::lab::{Lab, PERNET, run as run_program, succeeds};

const PAGES: &str = "/run/man";

/// The option in a page's synopsis.
const JSON: &str = "\\fB\\-\\-json\\fR";

/// Every command that prints what it knows, and with which arguments it does: where
/// there are a lab `l` of the file and a node `n`.
const TELLING: &[(&str, &str)] = &[
    ("ls", ""),
    ("holders", "n"),
    ("stat", "n"),
    ("monitor", "--count 1 --source kernel"),
    ("doctor", ""),
    ("node ls", ""),
    ("node show", "n"),
    ("node del", "--all"),
    ("exec", "n -- echo x"),
    ("link add", "n:eth7 --bridge b"),
    ("bridge ls", ""),
    ("lab ls", ""),
    ("lab show", "l"),
    ("up", "/run/manners.toml"),
    ("plan", "/run/manners.toml"),
    ("check", "/run/manners.toml"),
    ("cleanup", ""),
];

/// Every command that prints what another program reads, in that one's language.
const WRITING: &[(&str, &str)] = &[
    ("export", "--print"),
    ("lab export", "l"),
    ("graph", "/run/manners.toml"),
    ("import", "tree,depth=1,fanout=2"),
    ("schema", ""),
    ("completions", "bash"),
];

/// Every command that prints nothing, draws on the screen, or prints as CORE's
/// program of its name does.
const SILENT: &[&str] = &[
    "node add",
    "node adopt",
    "node stop",
    "node start",
    "node wait",
    "link set",
    "link del",
    "bridge add",
    "bridge del",
    "lab restart",
    "down",
    "set",
    "reset",
    "top",
    "man",
    "vnoded",
    "vcmd",
    "netns",
    "core-cleanup",
];

/// The manual pages of commands that have no others below them. In the name of a page
/// hyphens stand for the spaces in that of the command.
fn pages(lab: &Lab) -> BTreeMap<String, String> {
    lab.pernet(&["man", PAGES]);
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(PAGES).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        if let Some(command) = name.strip_prefix("pernet-") {
            if !text.contains(".SH SUBCOMMANDS") {
                pages.insert(command.strip_suffix(".1").unwrap().to_owned(), text);
            }
        }
    }
    pages
}

fn page_of(command: &str) -> String {
    command.replace(' ', "-")
}

fn set_up(lab: &Lab) {
    let text = "name = \"l\"\n[nodes.a]\nkind = \"net-only\"\n[bridges.sw]\n[[links]]\nends = [\"a\", \"sw\"]\n";
    fs::write("/run/manners.toml", text).unwrap();
    lab.run(&["cleanup"]);
    lab.pernet(&["up", "--quiet", "/run/manners.toml"]);
    lab.pernet(&["node", "add", "n"]);
    lab.pernet(&["bridge", "add", "b"]);
}

fn words<'a>(command: &'a str, options: &[&'a str], rest: &'a str) -> Vec<&'a str> {
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(options);
    words.extend(rest.split_whitespace());
    words
}

/// Every command is one of those above, and has a page with all that a page has.
pub fn every_command_has_a_page(lab: &Lab) {
    let pages = pages(lab);
    let known = (TELLING.iter().chain(WRITING)).map(|(command, _)| command);
    let known: BTreeSet<String> = known
        .chain(SILENT)
        .map(|command| page_of(command))
        .collect();
    let there: BTreeSet<String> = pages.keys().cloned().collect();
    assert_eq!(there, known, "commands, and those that are tested here");
    for (command, page) in &pages {
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "EXAMPLES",
            "EXIT STATUS",
            "SEE ALSO",
        ] {
            assert!(page.contains(section), "{command} has no {section}");
        }
    }
    let all = fs::read_to_string(format!("{PAGES}/pernet.1")).unwrap();
    assert!(all.contains("pernet\\-node(1)"), "{all}");
}

/// What typesets pages finds nothing to complain of.
pub fn pages_are_well_formed(lab: &Lab) {
    pages(lab);
    for entry in fs::read_dir(PAGES).unwrap().flatten() {
        let page = entry.path().display().to_string();
        let outcome = run_program("groff", &["-man", "-ww", "-z", "-Tutf8", &page]);
        assert_eq!((outcome.status, &*outcome.err), (0, ""), "{page}");
    }
}

pub fn what_is_told_can_be_had_as_json(lab: &Lab) {
    let pages = pages(lab);
    let documented = include_str!("../../../docs/json.md");
    for (command, rest) in TELLING {
        let page = &pages[&page_of(command)];
        assert!(page.contains(JSON), "{command} knows no --json");
        assert!(
            documented.contains(&format!("\n## `pernet {command}`\n")),
            "docs/json.md says nothing of {command}"
        );
        set_up(lab);
        if *command == "plan" {
            // There is something to do.
            lab.pernet(&["down", "l"]);
        }
        let outcome = lab.run(&words(command, &["--json"], rest));
        assert!(
            ended_well(command, outcome.status),
            "{command}: {outcome:?}"
        );
        let document: Value = serde_json::from_str(&outcome.out).unwrap();
        assert_eq!(document["version"], 1, "{command}: {document}");
    }
    for command in pages.keys() {
        let tells = TELLING.iter().any(|(known, _)| page_of(known) == *command);
        let has_json = pages[command].contains(JSON);
        assert_eq!(has_json, tells, "{command} and --json");
    }
}

/// As `head` does.
pub fn a_reader_that_stops_is_no_error(lab: &Lab) {
    for (command, rest) in TELLING.iter().chain(WRITING) {
        // Its output is the command's own, who is told.
        if *command == "exec" {
            continue;
        }
        let json = TELLING.contains(&(command, rest));
        for options in [&[][..], &["--json"]] {
            if !json && !options.is_empty() {
                continue;
            }
            set_up(lab);
            let output = unread(&words(command, options, rest));
            let status = output.status.code().unwrap_or(-1);
            assert!(
                ended_well(command, status) && output.stderr.is_empty(),
                "{command} {options:?}: {output:?}"
            );
        }
        let output = unread(&words(command, &["--help"], ""));
        assert!(output.status.success(), "{command} --help: {output:?}");
    }
}

/// Some say by their exit status what they tell.
fn ended_well(command: &str, status: i32) -> bool {
    match command {
        "plan" => [0, 4].contains(&status),
        "doctor" => [0, 1].contains(&status),
        _ => status == 0,
    }
}

/// What becomes of the tool where nobody reads what it prints.
fn unread(words: &[&str]) -> Output {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let tool = Command::new(PERNET)
        .args(words)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::piped())
        .output();
    tool.unwrap()
}

pub fn colours_are_for_terminals(lab: &Lab) {
    const ESCAPE: char = '\x1b';
    let at_a_terminal = |words: &[&str], no_color: &str| {
        let line = [&[PERNET][..], words].concat().join(" ");
        let line = format!("TERM=xterm NO_COLOR={no_color} {line}");
        run_program("script", &["-qec", &line, "/dev/null"]).out
    };
    for (command, rest) in TELLING.iter().chain(WRITING) {
        set_up(lab);
        for words in [words(command, &[], rest), words(command, &["--help"], "")] {
            let outcome = lab.run(&words);
            let said = outcome.out + &outcome.err;
            assert!(!said.contains(ESCAPE), "{words:?} to a file: {said}");
            set_up(lab);
            let said = at_a_terminal(&words, "1");
            assert!(!said.contains(ESCAPE), "{words:?} with NO_COLOR: {said}");
        }
    }
    assert!(at_a_terminal(&["--help"], "").contains(ESCAPE));
}

pub fn bash_completes_commands_and_options(lab: &Lab) {
    let script = lab.pernet(&["completions", "bash"]);
    fs::write("/run/completions", script).unwrap();
    let complete = |line: &str| {
        let script = format!(
            ". /run/completions; COMP_WORDS=({line} ''); COMP_WORDS[-1]=; COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1));
            _pernet pernet \"\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        succeeds("bash", &["-c", &script])
    };
    let verbs = complete("pernet");
    for verb in ["node", "up", "exec", "completions"] {
        assert!(verbs.lines().any(|word| word == verb), "{verbs}");
    }
    let options = complete("pernet node del");
    assert!(options.lines().any(|word| word == "--wait"), "{options}");
    for shell in ["zsh", "fish"] {
        let script = lab.pernet(&["completions", shell]);
        assert!(script.contains("completions"), "{script}");
    }
}
