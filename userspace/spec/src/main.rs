// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make spec`: brings the generated constants up to the specification.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pernet-spec: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<()> {
    let root = pernet_spec::repository();
    for output in pernet_spec::generate(&root)? {
        let path = root.join(output.path);
        // An unchanged file keeps its time, so that nothing is built again.
        if fs::read_to_string(&path).is_ok_and(|text| text == output.text) {
            println!("{} is up to date", output.path);
            continue;
        }
        fs::write(&path, output.text).with_context(|| format!("cannot write {}", output.path))?;
        println!("{} written", output.path);
    }
    Ok(())
}
