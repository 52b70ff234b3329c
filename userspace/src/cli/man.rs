// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet man`: manual pages, from the definitions of the commands.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::exit;

/// Write a manual page for each command
///
/// `make install` puts them where man(1) finds them.
#[derive(Args)]
#[command(after_help = "Example: pernet man /tmp/man && man -l /tmp/man/pernet-node-add.1")]
pub struct Arguments {
    /// The folder that they are written to, which is made if it is not there
    directory: PathBuf,
}

/// Who wrote it, as the pages' footer says it.
const SOURCE: &str = concat!("pernet ", env!("CARGO_PKG_VERSION"));

/// How a paragraph of a help begins that has a section of its own.
const EXAMPLE: &str = "Example";
const STATUS: &str = "Exit status:";
/// And the one that lists those of all commands, which every page does.
const STATUSES: &str = "Exit status, ";

pub fn run(arguments: &Arguments, mut all: Command) -> Result<()> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    all = all.disable_help_subcommand(true);
    all.build();
    write_with_subcommands(&all, directory)
}

fn write_with_subcommands(command: &Command, directory: &Path) -> Result<()> {
    let man = Man::new(command.clone()).source(SOURCE).manual("pernet");
    let path = directory.join(man.get_filename());
    let writing = || format!("cannot write {}", path.display());
    fs::write(&path, page(command, &man).with_context(writing)?).with_context(writing)?;
    let mut subcommands = command.get_subcommands();
    subcommands.try_for_each(|command| write_with_subcommands(command, directory))
}

fn page(command: &Command, man: &Man) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    let help = command.get_after_long_help().or(command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    sections(&mut rest, &help);
    rest.control("SH", ["EXIT STATUS"]);
    for own in help.split("\n\n").filter_map(|it| it.strip_prefix(STATUS)) {
        rest.text([roman(own.split_whitespace().collect::<Vec<_>>().join(" "))]);
        rest.control("PP", []);
        rest.text([roman("Of all commands:")]);
    }
    for (status, meaning) in exit::meanings() {
        rest.control("TP", []);
        rest.text([bold(status)]);
        rest.text([roman(meaning)]);
    }
    rest.control("SH", ["SEE ALSO"]);
    rest.text([roman(see_also(command).join(", "))]);
    rest.to_writer(&mut page)?;
    Ok(page)
}

/// What follows the options of a help, line by line as it is there: examples, and
/// what else there is to know.
fn sections(page: &mut Roff, help: &str) {
    let mut section = "";
    for paragraph in help.split("\n\n") {
        let next = match paragraph {
            "" => continue,
            _ if paragraph.starts_with(STATUS) || paragraph.starts_with(STATUSES) => continue,
            _ if paragraph.starts_with(EXAMPLE) => "EXAMPLES",
            _ => "NOTES",
        };
        match section == next {
            true => page.control("PP", []),
            false => page.control("SH", [next]),
        };
        section = next;
        page.control("nf", []);
        for line in paragraph.lines() {
            page.text([roman(line)]);
        }
        page.control("fi", []);
    }
}

/// The page of the command that this is part of, and that of a program which is
/// called by the same name.
fn see_also(command: &Command) -> Vec<String> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let above = name.strip_suffix(command.get_name());
    let above = above.map_or("pernet", |above| above.trim_end_matches('-'));
    let mut pages = vec![match above {
        "" => "ip-netns(8)".to_owned(),
        above => format!("{above}(1)"),
    }];
    if super::core::Program::named(command.get_name()).is_some() {
        pages.push(format!("{}(1)", command.get_name()));
    }
    pages
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_page_has_the_commands_own_exit_statuses_and_those_of_all() {
        let mut all = crate::cli::Arguments::command();
        all.build();
        let page = |command: &Command| {
            let page = page(command, &Man::new(command.clone())).unwrap();
            let page = String::from_utf8(page).unwrap();
            page.split_once("EXIT STATUS").unwrap().1.to_owned()
        };
        let doctor = page(all.find_subcommand("doctor").unwrap());
        assert!(
            doctor.contains("1 where there is a failure, 0 where there is none."),
            "{doctor}"
        );
        assert!(doctor.contains("wrong usage"), "{doctor}");
        let pernet = page(&all);
        assert_eq!(pernet.matches("wrong usage").count(), 1, "{pernet}");
        assert!(!pernet.contains("Of all commands"), "{pernet}");
    }
}
