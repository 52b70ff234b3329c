// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet graph`: a picture of a lab.

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::output;
use super::up::Which;
use crate::lab;
use crate::lab::graph::{Counters, Counts, mermaid, svg};
use crate::lab::model::Lab;
use crate::netlink::pernet::Filter;
use crate::netlink::pernet::uapi::Hook;
use crate::netns::Name;
use crate::stat::Reader;
use crate::stat::model::{Namespace, Source};

/// Draw a lab: its nodes, bridges and links, with addresses and impairments
///
/// Of a lab that runs, named as `pernet lab ls` does, it is drawn how it is now and,
/// if the kernel module is loaded, what its nodes counted: packets that came in or
/// were sent, and those dropped where drops are counted.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// The lab's name, or its file
    lab: String,
    /// What to draw it as
    #[arg(long, value_enum, default_value_t = Format::Svg)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A picture, for light and dark surroundings
    Svg,
    /// Text that GitHub, GitLab and others make a picture of
    Mermaid,
}

const AFTER: &str = "\
Examples:
  pernet graph lab.toml > lab.svg
  pernet graph lab --format mermaid";

pub fn run(arguments: &Arguments) -> Result<()> {
    let (lab, counters) = match Which::of(&arguments.lab)? {
        Which::Described(lab) => (lab, Counters::new()),
        Which::Named(name) => {
            let lab = lab::find(&name)?.lab;
            let counters = counters(&lab)?;
            (lab, counters)
        }
    };
    output::print(&match arguments.format {
        Format::Svg => svg::render(&lab, &counters),
        Format::Mermaid => mermaid::render(&lab, &counters),
    })
}

/// What the module counted in the nodes of a lab, if it is loaded.
fn counters(lab: &Lab) -> Result<Counters> {
    let Some(mut reader) = Reader::open(Some(Source::Module))? else {
        return Ok(Counters::new());
    };
    let snapshot = reader.read(&[], &Filter::default())?;
    let is_of = |name: &Name, said: &Option<String>| said.as_deref() == Some(name.as_str());
    let inside = snapshot.namespaces.into_iter();
    let inside = inside.filter(|namespace| is_of(&lab.name, &namespace.lab));
    Ok(inside.filter_map(counts).collect())
}

fn counts(namespace: Namespace) -> Option<(String, Counts)> {
    let drops = namespace.dropped();
    let counted = namespace.counted?;
    let hooks = counted.traffic.values().flatten();
    // Each packet comes in or is sent; on its way it may pass other hooks.
    let begins = hooks.filter(|(hook, _)| matches!(hook, Hook::Prerouting | Hook::LocalOut));
    let counts = Counts {
        packets: begins.map(|(_, count)| count.packets).sum(),
        drops: counted.counting.drops.then_some(drops),
    };
    Some((namespace.node?, counts))
}
