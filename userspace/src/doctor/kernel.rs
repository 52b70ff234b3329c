// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which kernel runs, and what is known to be wrong with it.

use std::fs;

use anyhow::{Context, Result};
use nix::sys::utsname::uname;

use super::problems::{PROBLEMS, Version};
use super::{Finding, failure, ok, warning};

/// Namespaces have a cookie since then (`SO_NETNS_COOKIE`), by which pernet knows
/// them, and processes a descriptor that can be waited for.
const OLDEST: Version = (5, 14, 0);
/// The module can be built since then.
pub const OLDEST_FOR_MODULE: Version = (7, 2, 0);

/// The kernel that runs.
pub struct Kernel {
    /// As uname(1) says it, after which the folder of its modules is called.
    pub release: String,
    /// What it was made of, which a distribution's release does not always tell.
    pub version: Option<Version>,
}

impl Kernel {
    pub fn running() -> Self {
        let release = uname().map(|name| name.release().to_string_lossy().into_owned());
        let release = release.unwrap_or_default();
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let version = distributions(&read("/proc/version"), &read("/proc/version_signature"))
            .or_else(|| parse(&release));
        Kernel { release, version }
    }

    pub fn examine(&self) -> Result<Vec<Finding>> {
        let version = (self.version)
            .with_context(|| format!("the release `{}` begins with no version", self.release))?;
        let mut findings = vec![self.judge(version)];
        let problems = PROBLEMS.iter().filter(|problem| problem.is_in(version));
        findings.extend(problems.map(|problem| {
            let cure = problem.cure(version).map(written).unwrap_or_default();
            warning(
                "kernel-problem",
                format!("{}: {}", problem.name, problem.says),
                format!("update to Linux {cure} or later, unless your distribution says that it mended this one"),
            )
        }));
        Ok(findings)
    }

    fn judge(&self, version: Version) -> Finding {
        let found = format!("Linux {} ({})", written(version), self.release);
        match version {
            _ if version < OLDEST => failure(
                "kernel",
                format!("{found}, where namespaces have no cookie"),
                format!("update to Linux {} or later", written(OLDEST)),
            ),
            _ => ok("kernel", found),
        }
    }
}

pub fn written((major, minor, patch): Version) -> String {
    match patch {
        0 => format!("{major}.{minor}"),
        _ => format!("{major}.{minor}.{patch}"),
    }
}

/// The numbers that `text` begins with: two at least, three if there are.
fn parse(text: &str) -> Option<Version> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let mut numbers = text[..end.unwrap_or(text.len())].split('.');
    let mut number = || numbers.next()?.parse().ok();
    let (major, minor) = (number()?, number()?);
    Some((major, minor, number().unwrap_or(0)))
}

/// What the kernels of some distributions were made of: Debian's say it in
/// /proc/version, Ubuntu's in a file of its own.
fn distributions(version: &str, signature: &str) -> Option<Version> {
    let debian = version.split(" Debian ").nth(1).and_then(parse);
    debian.or_else(|| parse(signature.split_whitespace().last()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_version_is_what_the_release_begins_with() {
        for (release, version) in [
            ("7.3.4-pernet", Some((7, 3, 4))),
            ("6.19.0-rc3+", Some((6, 19, 0))),
            ("5.14.0-427.el9.x86_64", Some((5, 14, 0))),
            ("6.1", Some((6, 1, 0))),
            ("7", None),
            ("", None),
            ("six.one", None),
        ] {
            assert_eq!(parse(release), version, "{release:?}");
        }
    }

    #[test]
    fn distributions_say_what_their_kernel_was_made_of() {
        let debian = "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)";
        assert_eq!(distributions(debian, ""), Some((6, 1, 76)));
        let ubuntu = "Ubuntu 5.15.0-91.101-generic 5.15.131\n";
        assert_eq!(
            distributions("Linux version 5.15.0-91-generic", ubuntu),
            Some((5, 15, 131))
        );
        assert_eq!(distributions("Linux version 7.3.4", ""), None);
    }

    #[test]
    fn a_kernel_is_judged_by_its_age_and_its_problems() {
        let examine = |release: &str| {
            let kernel = Kernel {
                release: release.to_owned(),
                version: parse(release),
            };
            kernel.examine().unwrap()
        };
        let new = examine("7.3.4");
        assert_eq!(new, [ok("kernel", "Linux 7.3.4 (7.3.4)")]);
        let old = examine("5.4.1");
        assert_eq!(old[0].level, Level::Failure);
        let bad = examine("6.1.75-1");
        assert_eq!(bad[0].level, Level::Ok);
        let worst = &bad[1];
        assert!(worst.found.starts_with("CVE-2024-1086: "), "{worst:?}");
        let advice = worst.advice.as_deref().unwrap();
        assert!(advice.contains("Linux 6.1.76 or later"), "{advice}");
        assert!(
            bad[1..]
                .iter()
                .all(|finding| finding.level == Level::Warning)
        );
    }
}
