// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files and what becomes of them.

mod address;
pub mod example;
mod problem;
mod round_trip;
mod structure;

use super::parse;
use crate::lab::model::{End, Lab};

/// The lab of a file that is right.
fn lab(text: &str) -> Lab {
    parse(text, "lab.toml").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// What is wrong with a file: `LINE:COLUMN: WHAT`.
fn wrong(text: &str) -> Vec<String> {
    let problems = parse(text, "lab.toml").expect_err(text).problems;
    let problem =
        |problem: &super::Problem| format!("{}:{}: {}", problem.line, problem.column, problem.what);
    problems.iter().map(problem).collect()
}

/// The ends in nodes as `NODE:DEVICE ADDRESS...`, in the order of the file.
fn ends(lab: &Lab) -> Vec<String> {
    let end = |end: &End| {
        let addresses = end.addresses.iter().map(|address| format!(" {address}"));
        format!("{}{}", end.place(), addresses.collect::<String>())
    };
    lab.ends().map(|(_, found)| end(found)).collect()
}
