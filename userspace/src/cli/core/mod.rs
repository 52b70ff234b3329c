// SPDX-License-Identifier: MIT OR Apache-2.0

//! The programs of CORE, by their names: `vnoded`, `vcmd`, `netns` and
//! `core-cleanup`, with CORE's options, output and exit statuses, so that they can take the place of
//! CORE's own. Where they differ, for safety's sake, their manual says so.

mod cleanup;
mod netns;
mod options;
mod vcmd;
mod vnoded;

use std::ffi::OsString;

use anyhow::Result;

/// One of CORE's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Vnoded,
    Vcmd,
    Netns,
    CoreCleanup,
}

impl Program {
    pub const ALL: [Program; 4] = [
        Program::Vnoded,
        Program::Vcmd,
        Program::Netns,
        Program::CoreCleanup,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Program::Vnoded => "vnoded",
            Program::Vcmd => "vcmd",
            Program::Netns => "netns",
            Program::CoreCleanup => "core-cleanup",
        }
    }

    /// The program of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.name() == name)
    }

    /// Does what its command line says, and returns the exit status; prints an error
    /// once, here.
    pub fn run(self, arguments: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> u8 {
        let arguments = lexopt::Parser::from_args(arguments);
        let run: fn(lexopt::Parser) -> Result<u8> = match self {
            Program::Vnoded => vnoded::run,
            Program::Vcmd => vcmd::run,
            Program::Netns => netns::run,
            Program::CoreCleanup => cleanup::run,
        };
        match run(arguments) {
            Ok(status) => status,
            Err(error) => {
                super::output::complain(self.name(), format!("{error:#}"));
                1
            }
        }
    }
}
