// SPDX-License-Identifier: MIT OR Apache-2.0

//! What CORE's programs have in common on the command line, which they read as
//! getopt(3) does: options may come after other words, up to `--`.

use std::ffi::OsString;

use anyhow::Result;
use lexopt::{Arg, Parser};

use super::super::output;

/// A program's name, and what `-h` prints.
pub struct Manual {
    pub name: &'static str,
    pub usage: &'static str,
}

/// What a program is to do.
pub enum Task {
    Run,
    /// It has been done; this is the exit status.
    Done(u8),
}

impl Manual {
    /// Reads the options: `take` is given each that is not common to all, and
    /// says whether it knows it; what is no option is collected in `rest`. An
    /// option that nobody knows prints the usage, and is no failure, with CORE.
    pub fn read(
        &self,
        mut parser: Parser,
        rest: &mut Vec<OsString>,
        mut take: impl FnMut(char, &mut Parser) -> Result<bool, lexopt::Error>,
    ) -> Result<Task> {
        loop {
            let option = match parser.next() {
                Ok(None) => return Ok(Task::Run),
                Ok(Some(Arg::Value(word))) => {
                    rest.push(word);
                    continue;
                }
                Ok(Some(Arg::Short(option))) => option,
                // getopt_long(3) takes beginnings, too.
                Ok(Some(Arg::Long(word))) if begins("help", word) => 'h',
                Ok(Some(Arg::Long(word))) if begins("version", word) => 'V',
                Ok(Some(Arg::Long(word))) if begins("daemon", word) => 'd',
                Ok(Some(Arg::Long(word))) => {
                    let word = format!("--{word}");
                    return self.refuse(&format!("unrecognized option '{word}'"));
                }
                Err(error) => return self.refuse(&error.to_string()),
            };
            match option {
                'h' => {
                    output::print(self.usage)?;
                    return Ok(Task::Done(0));
                }
                'V' => {
                    let version = env!("CARGO_PKG_VERSION");
                    output::print(&format!("{} version {version}\n", self.name))?;
                    return Ok(Task::Done(0));
                }
                option => match take(option, &mut parser) {
                    Ok(true) => {}
                    Ok(false) => return self.refuse(&format!("invalid option -- '{option}'")),
                    Err(error) => return self.refuse(&error.to_string()),
                },
            }
        }
    }

    /// An option is wrong.
    fn refuse(&self, reason: &str) -> Result<Task> {
        output::complain(self.name, reason);
        output::print(self.usage)?;
        Ok(Task::Done(0))
    }

    /// Something is missing, or there is too much of it.
    pub fn wrong_usage(&self, reason: &str, status: u8) -> Result<u8> {
        eprint!("\n{reason}\n{}", self.usage);
        Ok(status)
    }
}

fn begins(whole: &str, word: &str) -> bool {
    !word.is_empty() && whole.starts_with(word)
}
