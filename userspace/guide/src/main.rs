// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make docs`: mdBook runs this as a preprocessor, and scripts/docs to check the
//! links of the book that came of it.

use std::env;
use std::io::{stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail, ensure};
use pernet_guide::{links, preprocessor, repository};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match run(&arguments.iter().map(|it| &**it).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pernet-guide: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => preprocessor::run(&repository(), stdin().lock(), stdout().lock()),
        // mdBook asks whether a renderer is supported: any is.
        ["supports", _] => Ok(()),
        ["check-links", folder] => {
            let broken = links::broken_in_html(Path::new(folder))?;
            ensure!(
                broken.is_empty(),
                "links that lead nowhere:\n{}",
                broken.join("\n")
            );
            Ok(())
        }
        _ => bail!("usage: pernet-guide [check-links FOLDER]"),
    }
}
