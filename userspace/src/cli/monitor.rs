// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet monitor`: what happens to namespaces.

use anyhow::Result;
use clap::Args;

use super::output;
use crate::monitor::{self, text};
use crate::netlink::pernet::NoModule;
use crate::netns::Reference;
use crate::stat::Reader;
use crate::stat::model::Source;

/// Watch namespaces: how things are, and then what happens to them, as it happens
///
/// Nothing that happens in between is missed, and what would have to be left out
/// because it was too much is reported, and followed by how things are then.
///
/// The kernel module pernet tells of namespaces that are born and die, of devices
/// that come, go, move and are brought up or down, and of what is counted. Without
/// it, files that namespaces are bound to, their ids and, of NS, the end are all there
/// is to tell.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Watch these until they are gone: nodes' names, pid:N, paths, ...
    ns: Vec<Reference>,
    /// Whose word to go by. The module's, if it is loaded, where nothing is said
    #[arg(long, value_enum)]
    source: Option<Source>,
    /// How much of what happens may wait to be read
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    buffer: usize,
    /// End after N things, of which the state is the first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Print JSON, a line for each thing; see docs/json.md
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
Times are of the day, in UTC. An event that falls into the moment in which the state
is read may tell what the state says already.

Example: pernet monitor --json | jq --unbuffered 'select(.event == \"died\") | .teardown_ns'
         pernet monitor n1

Exit status: 3 where --source module is said and the module is not loaded.";

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut reader = Reader::open(arguments.source)?.ok_or(NoModule)?;
    if reader.source() == Source::Kernel && arguments.source.is_none() {
        output::complain(
            "pernet: note",
            "without the module pernet only names, mounts and ids of namespaces can be watched, and the end of NS",
        );
    }
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let note = |text| output::complain("pernet: note", text);
    let show = |piece: &_| {
        left -= 1;
        let is_read = match arguments.json {
            true => output::print_line(piece)?,
            false => output::print_more(&text::render(piece))?,
        };
        Ok(is_read && left > 0)
    };
    monitor::watch(&mut reader, &arguments.ns, arguments.buffer, note, show)
}
