// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet doctor`: whether this machine is fit for pernet.

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use clap::Args;

use super::output;
use crate::doctor::{self, Finding, Level, Report};
use crate::text::legible;

/// Say whether this machine is fit for network namespaces and for pernet
///
/// Looks at the kernel, its options and what is known to be wrong with it, at the
/// module, at the namespaces that the caller may make, at limits, and at firewall
/// rules that would drop frames on bridges. Each line is ok, a warning or a failure;
/// below it is what to do. Nothing is changed but that a namespace is made and goes
/// at once. Anybody may ask; what only root may see is a warning then.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Print JSON; see docs/json.md
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Example: pernet doctor --json | jq -r '.findings[] | select(.level != \"ok\").advice'

Exit status: 1 where there is a failure, 0 where there is none.";

/// The check's name in the first column after the level.
const LEVEL: usize = 8;
const CHECK: usize = 19;

/// Whether pernet can do here what it is for.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let report = doctor::examine();
    match arguments.json {
        true => output::print_document(&report)?,
        false => output::print_styled(&render(&report))?,
    }
    Ok(report.worst() < Level::Failure)
}

fn render(report: &Report) -> String {
    report.findings.iter().map(paragraph).collect()
}

fn paragraph(finding: &Finding) -> String {
    let (word, colour) = match finding.level {
        Level::Ok => ("ok", AnsiColor::Green),
        Level::Warning => ("warning", AnsiColor::Yellow),
        Level::Failure => ("failure", AnsiColor::Red),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    let (check, found) = (finding.check, legible(&finding.found));
    let head = format!("{style}{word:LEVEL$}{style:#} {check:CHECK$} {found}\n");
    match &finding.advice {
        Some(advice) => {
            let advice = legible(advice);
            format!("{head}{:LEVEL$} {:CHECK$} -> {advice}\n", "", "")
        }
        None => head,
    }
}
