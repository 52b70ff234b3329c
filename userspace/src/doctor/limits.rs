// SPDX-License-Identifier: MIT OR Apache-2.0

//! What there may be of things, and how much of that is taken: what runs out first
//! in large labs.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::geteuid;

use super::{Finding, failure, ok, unseen, warning};
use crate::netlink::{Socket, link};
use crate::netns::{discover, sysctl};

/// `BR_MAX_PORTS` of net/bridge/br_private.h, less the number zero, which no port gets.
const BRIDGE_PORTS: u64 = 1023;

/// A lab of a few hundred nodes has that many files open at once.
const FEW_FILES: u64 = 4096;

pub fn examine() -> Result<Vec<Finding>> {
    let limits: [(&str, Result<Vec<Finding>>); 6] = [
        ("limit-namespaces", namespaces()),
        ("limit-neighbours", neighbours()),
        ("limit-bridge-ports", bridge_ports()),
        ("limit-inotify", inotify()),
        ("limit-files", files()),
        ("limit-processes", processes()),
    ];
    Ok((limits.into_iter())
        .flat_map(|(check, found)| found.unwrap_or_else(|error| vec![unseen(check, &error)]))
        .collect())
}

/// A limit that is judged by what is taken of it.
struct Limit {
    check: &'static str,
    what: String,
    taken: u64,
    most: u64,
    advice: String,
}

impl Limit {
    fn judge(self) -> Finding {
        let Limit {
            check,
            what,
            taken,
            most,
            advice,
        } = self;
        let found = format!("{taken} of {most} {what}");
        match () {
            () if taken >= most => failure(check, found, advice),
            // Four fifths.
            () if taken.saturating_mul(5) >= most.saturating_mul(4) => {
                warning(check, found, advice)
            }
            () => ok(check, found),
        }
    }
}

fn number(name: &str) -> Result<u64> {
    let value = sysctl::read(name)?;
    (value.trim().parse()).with_context(|| format!("sysctl {name} is {value:?}, not a number"))
}

fn namespaces() -> Result<Vec<Finding>> {
    let taken = discover::all()?.len() as u64;
    let limit = Limit {
        check: "limit-namespaces",
        what: "network namespaces, as far as seen (user.max_net_namespaces)".to_owned(),
        taken,
        most: number("user/max_net_namespaces")?,
        advice: "delete what is not needed, or `sysctl -w user.max_net_namespaces=` with more"
            .to_owned(),
    };
    Ok(vec![limit.judge()])
}

/// Neighbour tables are the kernel's, not a namespace's: all of a lab's nodes fill
/// the same one.
fn neighbours() -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (family, statistics) in [("ipv4", "arp_cache"), ("ipv6", "ndisc_cache")] {
        let name = format!("net/{family}/neigh/default/gc_thresh3");
        if !Path::new(&format!("/proc/sys/net/{family}")).exists() {
            continue;
        }
        if !sysctl::exists(&name) {
            bail!("the neighbour tables' limits can be read in the initial namespace only");
        }
        let path = format!("/proc/net/stat/{statistics}");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let table = Neighbours::parse(&text).with_context(|| format!("cannot read {path}"))?;
        findings.push(table.judge(family, number(&name)?));
    }
    Ok(findings)
}

/// What a file of /proc/net/stat tells of a table: a line for each CPU, the first
/// column about all of them.
struct Neighbours {
    entries: u64,
    overflows: u64,
}

impl Neighbours {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next()?.split_whitespace().collect();
        let place = |name| columns.iter().position(|&column| column == name);
        let (entries, fulls) = (place("entries")?, place("table_fulls"));
        let mut table = Neighbours {
            entries: 0,
            overflows: 0,
        };
        for line in lines {
            let values: Vec<&str> = line.split_whitespace().collect();
            let value = |at: usize| u64::from_str_radix(values.get(at)?, 16).ok();
            table.entries = value(entries)?;
            table.overflows += fulls.and_then(value).unwrap_or(0);
        }
        Some(table)
    }

    fn judge(&self, family: &str, most: u64) -> Finding {
        let check = "limit-neighbours";
        let advice = format!(
            "`sysctl -w net.{family}.neigh.default.gc_thresh3=` with more than the neighbours that all nodes have together"
        );
        let what = format!("{family} neighbours of all namespaces together");
        if self.overflows > 0 {
            let found = format!(
                "{} of {most} {what}; the table overflowed {} times, and packets were lost",
                self.entries, self.overflows
            );
            return warning(check, found, advice);
        }
        let limit = Limit {
            check,
            what,
            taken: self.entries,
            most,
            advice,
        };
        limit.judge()
    }
}

fn bridge_ports() -> Result<Vec<Finding>> {
    let links = link::all(&mut Socket::route()?)?;
    let mut ports: HashMap<i32, u64> = HashMap::new();
    for master in links.iter().filter_map(|link| link.master) {
        *ports.entry(master).or_default() += 1;
    }
    let largest = (links.iter())
        .filter(|link| link.is("bridge"))
        .map(|bridge| (ports.get(&bridge.index).copied().unwrap_or(0), &bridge.name))
        .max();
    let check = "limit-bridge-ports";
    let Some((taken, name)) = largest else {
        let found = format!("a bridge can have {BRIDGE_PORTS} ports, and there is no bridge here");
        return Ok(vec![ok(check, found)]);
    };
    let limit = Limit {
        check,
        what: format!("ports of bridge {name}, the largest here"),
        taken,
        most: BRIDGE_PORTS,
        advice: "divide it: two bridges that a veth connects".to_owned(),
    };
    Ok(vec![limit.judge()])
}

/// Each user has so many; what watches for namespaces takes one.
fn inotify() -> Result<Vec<Finding>> {
    let limit = Limit {
        check: "limit-inotify",
        what: "inotify instances of this user (fs.inotify.max_user_instances)".to_owned(),
        taken: inotify_instances(),
        most: number("fs/inotify/max_user_instances")?,
        advice: "`sysctl -w fs.inotify.max_user_instances=` with more".to_owned(),
    };
    Ok(vec![limit.judge()])
}

/// Those that can be seen, of processes of the caller's user.
fn inotify_instances() -> u64 {
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let own = |process: &fs::DirEntry| {
        (process.metadata()).is_ok_and(|process| process.uid() == geteuid().as_raw())
    };
    let is_inotify = |file: &fs::DirEntry| {
        (fs::read_link(file.path())).is_ok_and(|target| target.ends_with("anon_inode:inotify"))
    };
    (list(Path::new("/proc")).filter(own))
        .flat_map(|process| list(&process.path().join("fd")))
        .filter(is_inotify)
        .count() as u64
}

fn files() -> Result<Vec<Finding>> {
    let (now, most) =
        getrlimit(Resource::RLIMIT_NOFILE).context("cannot tell how many files may be open")?;
    let check = "limit-files";
    let found = format!("a process may have {now} files open, and up to {most} if it asks");
    let own = match most < FEW_FILES {
        true => warning(
            check,
            found,
            format!("`ulimit -Hn {FEW_FILES}` or more, before large labs"),
        ),
        false => ok(check, found),
    };
    let text = sysctl::read("fs/file-nr")?;
    let mut numbers = text.split_whitespace().map(str::parse);
    let (Some(Ok(taken)), _, Some(Ok(most))) = (numbers.next(), numbers.next(), numbers.next())
    else {
        bail!("sysctl fs/file-nr is {text:?}");
    };
    let all = Limit {
        check,
        what: "open files of the whole machine (fs.file-max)".to_owned(),
        taken,
        most,
        advice: "`sysctl -w fs.file-max=` with more".to_owned(),
    };
    Ok(vec![own, all.judge()])
}

/// Each node has a first process.
fn processes() -> Result<Vec<Finding>> {
    let load = fs::read_to_string("/proc/loadavg").context("cannot read /proc/loadavg")?;
    let taken = (load.split_whitespace().nth(3))
        .and_then(|counts| counts.split_once('/')?.1.parse().ok())
        .context("/proc/loadavg does not say how many threads there are")?;
    let limit = Limit {
        check: "limit-processes",
        what: "processes and threads (kernel.pid_max, kernel.threads-max)".to_owned(),
        taken,
        most: number("kernel/pid_max")?.min(number("kernel/threads-max")?),
        advice: "`sysctl -w kernel.pid_max=` and `kernel.threads-max=` with more".to_owned(),
    };
    Ok(vec![limit.judge()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_limit_is_near_at_four_fifths() {
        let level = |taken, most| {
            let limit = Limit {
                check: "limit",
                what: "things".to_owned(),
                taken,
                most,
                advice: "have fewer".to_owned(),
            };
            limit.judge().level
        };
        for (taken, most, expected) in [
            (0, 10, Level::Ok),
            (7, 10, Level::Ok),
            (8, 10, Level::Warning),
            (9, 10, Level::Warning),
            (10, 10, Level::Failure),
            (0, 0, Level::Failure),
            (1, u64::MAX, Level::Ok),
            (u64::MAX, u64::MAX, Level::Failure),
        ] {
            assert_eq!(level(taken, most), expected, "{taken} of {most}");
        }
    }

    #[test]
    fn a_neighbour_table_that_overflowed_is_too_small() {
        let text = "entries  allocs   table_fulls\n0000000a 000000da 00000000\n0000000a 000000e5 00000011\n";
        let table = Neighbours::parse(text).unwrap();
        assert_eq!((table.entries, table.overflows), (10, 17));
        let finding = table.judge("ipv4", 1024);
        assert_eq!(finding.level, Level::Warning);
        assert!(finding.found.contains("overflowed 17 times"), "{finding:?}");
        let text = text.replace("00000011", "00000000");
        assert_eq!(
            Neighbours::parse(&text).unwrap().judge("ipv4", 1024).level,
            Level::Ok
        );
        // Older kernels do not count it.
        let table = Neighbours::parse("entries  allocs\n00000003 00000000\n").unwrap();
        assert_eq!((table.entries, table.overflows), (3, 0));
        assert!(Neighbours::parse("").is_none());
        assert!(Neighbours::parse("entries\nx\n").is_none());
    }
}
