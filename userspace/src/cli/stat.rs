// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet stat`: what is counted in each namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use super::argument;
use super::output::{self, Document};
use crate::netlink::pernet::Filter;
pub use crate::netlink::pernet::NoModule;
use crate::netns::Reference;
use crate::stat::measure::{Column, Measure};
use crate::stat::model::{Namespace, Snapshot, Source};
use crate::stat::select::{Condition, Selection};
use crate::stat::{Reader, columns, table};

/// Show what each namespace counts
///
/// The kernel module pernet counts packets and bytes at the five netfilter hooks,
/// for IPv4 and IPv6, and dropped packets by the kernel's reason, where that is
/// switched on. Without it the kernel's own counters are shown, of devices and
/// protocols, for which each namespace is entered. Without NS every namespace is
/// shown that the caller may see.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The namespaces: nodes' names, pid:N, paths, ...; see `pernet --help`
    ns: Vec<Reference>,
    /// Of all namespaces, show those with a device of this name
    #[arg(long, value_name = "NAME", conflicts_with = "ns")]
    device: Option<String>,
    /// Of all namespaces, show those that dropped N packets or more since their reset
    #[arg(long, value_name = "N", conflicts_with = "ns", value_parser = argument::count)]
    min_drops: Option<u64>,
    /// Whose counts to show: the module's, or those that the kernel has by itself.
    /// The module's, if it is loaded, where nothing is said
    #[arg(long, value_enum)]
    source: Option<Source>,
    /// Show what was counted since then: FILE is what `--json` printed before
    #[arg(long, value_name = "FILE", conflicts_with = "interval")]
    since: Option<PathBuf>,
    /// Show every so many seconds what came, per second; in JSON, what came in all
    #[arg(long, value_name = "SECONDS", value_parser = interval)]
    interval: Option<Duration>,
    /// Do so N times, and not for ever
    #[arg(long, value_name = "N", requires = "interval", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// A line for each namespace, with these columns; see below
    #[arg(
        long,
        value_name = "COLUMN,...",
        value_delimiter = ',',
        conflicts_with = "json"
    )]
    columns: Vec<Column>,
    /// Show only namespaces like that: COLUMN, one of = != < <= > >=, and a number, or
    /// a word with `*` for any characters. All of several have to hold
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<Condition>,
    /// The largest first, or by the alphabet
    #[arg(long, value_name = "COLUMN")]
    sort: Option<Column>,
    /// Show N namespaces, those with the most bytes unless --sort says otherwise
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Print JSON, with everything that is counted; see docs/json.md
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Columns: name, names, lab, node, cookie, inode, userns, nsid; packets, bytes (both
  ways); received, delivered, forwarded, originated, sent: packets at the hooks
  prerouting, local-in, forward, local-out, postrouting, or as the kernel counts them
  itself; received-bytes, sent-bytes; drops; devices; from the module age (seconds),
  registered, unregistered, up, down, moved-in, moved-out, renamed; from the kernel
  rx-packets, rx-bytes, rx-errors, rx-dropped and the same with tx, of all devices
  but lo.

Example: pernet stat n1 --json | jq '.namespaces[0].traffic.ipv4.local_in.packets'
         pernet stat --min-drops 1
         pernet stat --interval 1 --top 10 --where 'name=lab.*'
         pernet stat --columns name,rx-bytes,tx-bytes,drops --sort drops
         pernet stat --json >before; ...; pernet stat --since before

Exit status: 3 where --source module is said and the module is not loaded.";

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut reader = Reader::open(arguments.source)?.ok_or(NoModule)?;
    if let Some(interval) = arguments.interval {
        return repeat(arguments, &mut reader, interval);
    }
    let earlier = arguments.since.as_deref().map(load).transpose()?;
    let mut snapshot = arguments.read(&mut reader)?;
    output::remark(&snapshot.unread);
    let selection = arguments.selection();
    match earlier {
        Some(earlier) => {
            let mut since = snapshot.since(&earlier)?;
            selection.apply(&mut since.namespaces);
            show(arguments, &since, since.source, &since.namespaces)
        }
        None => {
            selection.apply(&mut snapshot.namespaces);
            show(arguments, &snapshot, snapshot.source, &snapshot.namespaces)
        }
    }
}

impl Arguments {
    fn read(&self, reader: &mut Reader) -> Result<Snapshot> {
        let filter = Filter {
            device: self.device.clone(),
            min_drops: self.min_drops,
        };
        reader.read(&self.ns, &filter)
    }

    fn selection(&self) -> Selection {
        let most = self.top.map(|_| Column::Measure(Measure::Bytes));
        Selection {
            conditions: self.conditions.clone(),
            sort: self.sort.or(most),
            first: self.top,
        }
    }

    /// A line for each, where it is to be compared with others.
    fn columns(&self) -> Option<&[Column]> {
        let compared = self.interval.is_some() || self.top.is_some() || self.sort.is_some();
        match &self.columns[..] {
            [] => compared.then_some(&Column::USUAL),
            columns => Some(columns),
        }
    }
}

/// Shows what comes, again and again.
fn repeat(arguments: &Arguments, reader: &mut Reader, interval: Duration) -> Result<()> {
    let selection = arguments.selection();
    let columns = arguments.columns().unwrap_or(&Column::USUAL);
    let mut before = arguments.read(reader)?;
    let mut due = Instant::now();
    for round in 1.. {
        due = next(due, interval, Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let now = arguments.read(reader)?;
        output::remark(&now.unread);
        let mut since = now.since(&before)?;
        selection.apply(&mut since.namespaces);
        let seconds = Duration::from_nanos(since.interval).as_secs_f64();
        let goes_on = match arguments.json {
            true => output::print_line(&since)?,
            false => {
                let gap = if round > 1 { "\n" } else { "" };
                let namespaces = &since.namespaces;
                let table = columns::render(since.source, columns, namespaces, Some(seconds));
                output::print_more(&format!("{gap}{table}"))?
            }
        };
        if !goes_on || arguments.count == Some(round) {
            break;
        }
        before = now;
    }
    Ok(())
}

fn show(
    arguments: &Arguments,
    document: &impl Serialize,
    source: Source,
    namespaces: &[Namespace],
) -> Result<()> {
    if arguments.json {
        return output::print_document(document);
    }
    output::print(&match arguments.columns() {
        Some(columns) => columns::render(source, columns, namespaces, None),
        None => table::render(source, namespaces),
    })
}

fn interval(text: &str) -> Result<Duration> {
    argument::seconds(
        text,
        Duration::from_millis(10)..=Duration::from_secs(1_000_000),
    )
}

/// When to read again: what takes long does not shift what follows, but what was
/// missed, while the program was stopped say, is not made up for.
fn next(due: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(due);
    let missed = late.as_nanos() / interval.as_nanos().max(1);
    let turns = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
    due.checked_add(interval.saturating_mul(turns))
        .unwrap_or(now)
}

/// A snapshot that was kept.
fn load(path: &Path) -> Result<Snapshot> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let document: Document<Snapshot> = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not what `pernet stat --json` prints", path.display()))?;
    ensure!(
        document.version == output::VERSION,
        "{} is of version {}, and this pernet knows {}",
        path.display(),
        document.version,
        output::VERSION
    );
    Ok(document.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_keep_their_beat_and_those_that_were_missed_are_not_made_up_for() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let at = |millis| begin + Duration::from_millis(millis);
        for (now, due) in [
            (0, 1000),
            (300, 1000),
            (999, 1000),
            (1000, 2000),
            (5700, 6000),
        ] {
            assert_eq!(next(begin, second, at(now)), at(due), "{now}");
        }
        // A clock that was read before it is due says nothing else.
        assert_eq!(next(at(1000), second, begin), at(2000));
    }
}
