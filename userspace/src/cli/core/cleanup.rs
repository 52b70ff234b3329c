// SPDX-License-Identifier: MIT OR Apache-2.0

//! `core-cleanup`: removes what was left behind, but only what pernet made.

use anyhow::Result;
use lexopt::Parser;
use nix::unistd::geteuid;

use super::options::{Manual, Task};
use crate::cli::{node, output};
use crate::lab;

const MANUAL: Manual = Manual {
    name: "core-cleanup",
    usage: "
Usage: core-cleanup [-h|-V] [-d]

Ends every node that vnoded or pernet made, and removes its files, links and
bridges, which is what `pernet cleanup` does. Nothing else is touched: neither
devices nor processes of others, whatever their names.

Options:
  -h, --help     show this help and exit
  -V, --version  show the version and exit
  -d, --daemon   accepted; there is no daemon that could be running
",
};

pub fn run(parser: Parser) -> Result<u8> {
    let task = MANUAL.read(parser, &mut Vec::new(), |option, _| Ok(option == 'd'))?;
    if let Task::Done(status) = task {
        return Ok(status);
    }
    if !geteuid().is_root() {
        return MANUAL.wrong_usage("must be run as root", 1);
    }
    for remnant in lab::cleanup(true, node::note)? {
        output::print(&format!("removed {remnant}\n"))?;
    }
    Ok(0)
}
