// SPDX-License-Identifier: MIT OR Apache-2.0

//! What people type, and what they get back. One file per verb, each with its
//! arguments and what it does with them.

mod argument;
mod bridge;
mod check;
mod cleanup;
mod completions;
mod core;
mod doctor;
mod exec;
mod exit;
mod export;
mod graph;
mod holders;
mod import;
mod lab;
mod link;
mod ls;
mod man;
mod monitor;
mod node;
mod output;
mod reset;
mod schema;
mod set;
mod stat;
mod top;
mod up;

use std::env;
use std::ffi::OsString;
use std::iter;
use std::path::Path;

use anyhow::{Error, Result};
use clap::{Args, Command, CommandFactory, Parser, Subcommand};
use nix::unistd::geteuid;

use self::core::Program;
use crate::forbidden;
use crate::node::exec::NotStarted;

/// Make network namespaces, wire them together, run things in them, and show
/// what each one counts
#[derive(Parser)]
#[command(name = "pernet", version, max_term_width = WIDTH)]
#[command(after_help = AFTER, after_long_help = format!("{NAMESPACES}\n\n{AFTER}\n\n{}", exit::help()))]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// No line of a help is longer.
const WIDTH: usize = 100;

const NAMESPACES: &str = "\
A network namespace, NS in the commands' help, is written in any of these ways:
  n1 or name:n1       its name: a node's, or any other that `ip netns` lists
  pid:4711            a process in it
  cookie:12           its cookie, which no other gets until the next boot
  nsid:0              its id in the namespace pernet runs in (`ip netns list-id`)
  inode:4026532131    the number of its file; so is net:[4026532131]
  /proc/4711/ns/net   a file it is bound to, with a / in it: ./FILE if it is here
  12                  a number alone: a name, pid, cookie, nsid or inode. If it
                      could mean several namespaces, pernet lists them and stops
A name that looks like another form follows `name:`, as in name:pid:5. By cookie,
nsid or inode any namespace is found that `pernet ls` lists.";

const AFTER: &str = "\
Example: two nodes, one bridge, a ping, and who saw its packets
  pernet node add n1 n2
  pernet bridge add b.1.1
  pernet link add n1:eth0=10.0.0.1/24 --bridge b.1.1
  pernet link add n2:eth0=10.0.0.2/24 --bridge b.1.1
  pernet exec n1 -- ping -c 3 10.0.0.2
  pernet stat n1 n2
  pernet node del n1 n2
  pernet bridge del b.1.1";

#[derive(Subcommand)]
enum Verb {
    /// Make, list and delete nodes
    #[command(subcommand)]
    Node(node::Verb),
    Exec(exec::Arguments),
    Up(up::Up),
    Down(up::Down),
    Plan(up::Plan),
    /// Look at labs that are there, and change one thing of them
    #[command(subcommand)]
    Lab(lab::Verb),
    /// Make and delete links between nodes
    #[command(subcommand)]
    Link(link::Verb),
    /// Make, list and delete bridges
    #[command(subcommand)]
    Bridge(bridge::Verb),
    Ls(ls::Arguments),
    Holders(holders::Arguments),
    Stat(stat::Arguments),
    Monitor(monitor::Arguments),
    Set(set::Arguments),
    Reset(reset::Arguments),
    Top(top::Arguments),
    Export(export::Arguments),
    Doctor(doctor::Arguments),
    Check(check::Arguments),
    Graph(graph::Arguments),
    Import(import::Arguments),
    Schema(schema::Arguments),
    Cleanup(cleanup::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    /// CORE's program of this name: make a node with a control channel
    #[command(
        disable_help_flag = true,
        after_help = "Example: pernet vnoded -c /tmp/n1.ctl"
    )]
    Vnoded(Words),
    /// CORE's program of this name: run a command over a control channel
    #[command(
        disable_help_flag = true,
        after_help = "Example: pernet vcmd -c /tmp/n1.ctl -- ip link"
    )]
    Vcmd(Words),
    /// CORE's program of this name: run a command in new namespaces
    #[command(
        disable_help_flag = true,
        after_help = "Example: pernet netns -w -- ip link"
    )]
    Netns(Words),
    /// CORE's program of this name: what `cleanup` does
    #[command(disable_help_flag = true, after_help = "Example: pernet core-cleanup")]
    CoreCleanup(Words),
}

/// The command line of a program that reads it itself.
#[derive(Args)]
struct Words {
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENT"
    )]
    words: Vec<OsString>,
}

/// Does what the command line says, and returns the exit status; prints an error
/// once, here.
pub fn run() -> u8 {
    if let Some(program) = called_as() {
        return program.run(env::args_os().skip(1));
    }
    // Wrong usage ends here, with status 2 and clap's own words.
    match dispatch(shortcut().unwrap_or_else(|| Arguments::parse().verb)) {
        Ok(status) => status,
        Err(error) => fail(&error),
    }
}

/// What is done most often or has to be fast, read without a description of all that
/// could be done.
fn shortcut() -> Option<Verb> {
    let mut line = env::args_os().skip(1);
    let verb = line.next()?;
    let rest: Vec<_> = line.collect();
    match verb.to_str()? {
        "exec" => Some(Verb::Exec(exec::Arguments::parse_alone(rest))),
        "node" => node::Verb::plain_add(&rest).map(Verb::Node),
        "up" => Some(Verb::Up(parse_alone("up", rest))),
        "down" => Some(Verb::Down(parse_alone("down", rest))),
        _ => None,
    }
}

/// A verb, for clap, without all the others.
fn alone<A: Args>(verb: &'static str) -> Command {
    let command = Command::new(verb).bin_name(format!("pernet {verb}"));
    A::augment_args(command.max_term_width(WIDTH))
}

/// Reads what follows a verb.
fn parse_alone<A: Args>(verb: &'static str, rest: Vec<OsString>) -> A {
    let line = iter::once(verb.into()).chain(rest);
    let matches = alone::<A>(verb).get_matches_from(line);
    A::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Prints an error; returns the exit status that goes with it.
fn fail(error: &Error) -> u8 {
    output::complain("pernet", format!("{error:#}{}", advice(error)));
    exit::status(error)
}

/// The program of CORE that this is called as.
fn called_as() -> Option<Program> {
    let path = env::args_os().next()?;
    Program::named(Path::new(&path).file_name()?.to_str()?)
}

fn dispatch(verb: Verb) -> Result<u8> {
    match verb {
        Verb::Node(verb) => node::run(verb)?,
        Verb::Exec(arguments) => return exec::run(&arguments),
        Verb::Up(arguments) => up::up(&arguments)?,
        Verb::Down(arguments) => up::down(&arguments)?,
        Verb::Plan(arguments) if up::plan(&arguments)? => return Ok(exit::CHANGES),
        Verb::Plan(_) => {}
        Verb::Lab(verb) => lab::run(verb)?,
        Verb::Link(verb) => link::run(verb)?,
        Verb::Bridge(verb) => bridge::run(verb)?,
        Verb::Ls(arguments) => ls::run(&arguments)?,
        Verb::Holders(arguments) => holders::run(&arguments)?,
        Verb::Stat(arguments) => stat::run(&arguments)?,
        Verb::Monitor(arguments) => monitor::run(&arguments)?,
        Verb::Set(arguments) => set::run(&arguments)?,
        Verb::Reset(arguments) => reset::run(&arguments)?,
        Verb::Top(arguments) => return top::run(&arguments),
        Verb::Export(arguments) => export::run(&arguments)?,
        Verb::Doctor(arguments) => return Ok(u8::from(!doctor::run(&arguments)?)),
        Verb::Graph(arguments) => graph::run(&arguments)?,
        Verb::Import(arguments) => import::run(&arguments)?,
        Verb::Schema(arguments) => schema::run(&arguments)?,
        Verb::Check(arguments) => check::run(&arguments)?,
        Verb::Cleanup(arguments) => cleanup::run(&arguments)?,
        Verb::Completions(arguments) => completions::run(&arguments, Arguments::command())?,
        Verb::Man(arguments) => man::run(&arguments, Arguments::command())?,
        Verb::Vnoded(Words { words }) => return Ok(Program::Vnoded.run(words)),
        Verb::Vcmd(Words { words }) => return Ok(Program::Vcmd.run(words)),
        Verb::Netns(Words { words }) => return Ok(Program::Netns.run(words)),
        Verb::CoreCleanup(Words { words }) => return Ok(Program::CoreCleanup.run(words)),
    }
    Ok(exit::DONE)
}

/// What helps most often, where the kernel forbids something.
fn advice(error: &Error) -> &'static str {
    match forbidden::is(error) && !geteuid().is_root() && !error.is::<NotStarted>() {
        true => "; try it as root",
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_verb_explains_itself_alone_as_one_of_all() {
        let mut all = Arguments::command();
        all.build();
        for mut alone in [
            alone::<exec::Arguments>("exec"),
            alone::<up::Up>("up"),
            alone::<up::Down>("down"),
        ] {
            let among_others = all.find_subcommand_mut(alone.get_name()).unwrap();
            let others = among_others.render_long_help().to_string();
            alone.build();
            assert_eq!(alone.render_long_help().to_string(), others);
        }
    }

    #[test]
    fn every_argument_is_explained() {
        fn check(command: &clap::Command) {
            // CORE's programs explain themselves.
            let explained = !command.is_disable_help_flag_set();
            for argument in command.get_arguments().filter(|_| explained) {
                let help = argument.get_help().map(ToString::to_string);
                let what = format!("{} {}", command.get_name(), argument.get_id());
                assert!(help.is_some_and(|help| !help.is_empty()), "{what}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }

    #[test]
    fn every_help_has_an_example() {
        fn check(command: &clap::Command) {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }
}
