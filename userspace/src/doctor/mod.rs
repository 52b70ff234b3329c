// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a machine is fit for network namespaces and for pernet: its kernel
//! ([`kernel`], [`options`]), the module ([`module`]), the namespaces that one may
//! make ([`namespaces`]), what there may be of things ([`limits`]) and what stands
//! in the way of packets ([`firewall`]). Nothing is changed, and whoever may not
//! see something is told so.
//!
//! Serialised, this is the JSON of `pernet doctor`, which docs/json.md describes.

mod firewall;
mod kernel;
mod limits;
mod module;
mod namespaces;
mod options;
mod problems;

use anyhow::{Error, Result};
use serde::Serialize;

/// All that was found, in the order in which it is best read.
#[derive(Debug, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
}

/// How one thing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub level: Level,
    pub found: String,
    pub advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// Something will not work, or could not be looked at; most does.
    Warning,
    /// What pernet is for does not work here.
    Failure,
}

/// Looks at everything.
pub fn examine() -> Report {
    let kernel = kernel::Kernel::running();
    let parts: [(&str, Result<Vec<Finding>>); 6] = [
        ("kernel", kernel.examine()),
        ("kernel-options", options::examine(&kernel.release)),
        ("module", module::examine(&kernel)),
        ("namespaces", namespaces::examine()),
        ("limits", limits::examine()),
        ("firewall", firewall::examine()),
    ];
    let findings = (parts.into_iter())
        .flat_map(|(check, part)| part.unwrap_or_else(|error| vec![unseen(check, &error)]));
    Report {
        findings: findings.collect(),
    }
}

impl Report {
    pub fn worst(&self) -> Level {
        let levels = self.findings.iter().map(|finding| finding.level);
        levels.max().unwrap_or(Level::Ok)
    }
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    Finding {
        check,
        level: Level::Ok,
        found: found.into(),
        advice: None,
    }
}

fn warning(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        check,
        level: Level::Warning,
        found: found.into(),
        advice: Some(advice.into()),
    }
}

fn failure(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        level: Level::Failure,
        ..warning(check, found, advice)
    }
}

/// Something could not be looked at, which may hide anything.
fn unseen(check: &'static str, error: &Error) -> Finding {
    warning(
        check,
        format!("not looked at: {error:#}"),
        "run `pernet doctor` as root, outside of containers",
    )
}
