// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet stat`: what is counted in each namespace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use super::output::{self, Document};
use crate::netlink::pernet::Filter;
pub use crate::netlink::pernet::NoModule;
use crate::netns::Reference;
use crate::stat::model::{Namespace, Snapshot, Source};
use crate::stat::{Reader, table};

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
    #[arg(long, value_name = "N", conflicts_with = "ns")]
    min_drops: Option<u64>,
    /// Whose counts to show: the module's, or those that the kernel has by itself.
    /// The module's, if it is loaded, where nothing is said
    #[arg(long, value_enum)]
    source: Option<Source>,
    /// Show what was counted since then: FILE is what `--json` printed before
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Print JSON, with everything that is counted; see docs/json.md
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Example: pernet stat n1 --json | jq '.namespaces[0].traffic.ipv4.local_in.packets'
         pernet stat --min-drops 1
         pernet stat --json >before; ...; pernet stat --since before

Exit status: 3 where --source module is said and the module is not loaded.";

pub fn run(arguments: &Arguments) -> Result<()> {
    let filter = Filter {
        device: arguments.device.clone(),
        min_drops: arguments.min_drops,
    };
    let mut reader = Reader::open(arguments.source)?.ok_or(NoModule)?;
    let earlier = arguments.since.as_deref().map(load).transpose()?;
    let snapshot = reader.read(&arguments.ns, &filter)?;
    let Some(earlier) = earlier else {
        return show(arguments, &snapshot, snapshot.source, &snapshot.namespaces);
    };
    let since = snapshot.since(&earlier)?;
    show(arguments, &since, since.source, &since.namespaces)
}

fn show(
    arguments: &Arguments,
    document: &impl Serialize,
    source: Source,
    namespaces: &[Namespace],
) -> Result<()> {
    match arguments.json {
        true => output::print_document(document),
        false => output::print(&table::render(source, namespaces)),
    }
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
