// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet node`: making, listing and deleting nodes.

use std::ffi::OsString;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output;
use crate::netns::{Name, Reference};
use crate::node::life::{self, Description, Member, Until};
use crate::node::reference;
use crate::text::legible;

#[derive(Subcommand, Debug)]
#[command(after_help = "Example: pernet node add n1 n2 && pernet node ls && pernet node del --all")]
pub enum Verb {
    /// Make nodes: all of those named, or none
    ///
    /// A node has network, pid, mount, UTS and IPC namespaces of its own, and a
    /// first process that reaps what is left over and takes commands over a
    /// control channel (`vcmd -c /run/pernet/control/NODE`). Its loopback device
    /// is up, its host name is its name, /proc and /sys show what is in it, and
    /// files of /etc/netns/NODE take the place of those in /etc, as with `ip
    /// netns`, which sees it too.
    #[command(after_help = "Example: pernet node add n1 n2")]
    Add(Add),
    /// Make a node of a network namespace that is there already
    ///
    /// It gets the name, and keeps living when the node is deleted. Without NS it
    /// is the namespace that has the name.
    #[command(
        after_help = "Examples:\n  pernet node adopt web pid:4711\n  ip netns add blue && pernet node adopt blue"
    )]
    Adopt(Adopt),
    /// List the nodes
    #[command(after_help = "Example: pernet node ls --json | jq -r '.nodes[].name'")]
    Ls(Ls),
    /// Show one node, with the processes in it
    #[command(after_help = "Example: pernet node show n1 --json | jq .pid")]
    Show(Show),
    /// End the processes of nodes, which keep their network namespace and links
    ///
    /// They are asked to end, and killed when they have not after two seconds.
    #[command(after_help = "Example: pernet node stop n1 && pernet node start n1")]
    Stop(Stop),
    /// Give stopped nodes a first process again
    #[command(after_help = "Example: pernet node start n1")]
    Start(Stop),
    /// Wait until the first process of a node has ended
    ///
    /// By itself, by `stop` or by `del`. Returns at once where it has already.
    #[command(after_help = "Example: pernet node wait n1 && pernet node start n1")]
    Wait(Wait),
    /// Delete nodes
    ///
    /// Their processes are ended as by `stop`, and their links go with them: this
    /// waits until the ends here are gone, but not for a process from elsewhere
    /// that runs in a node. Nothing is deleted when one of the nodes is not
    /// pernet's.
    #[command(after_help = "Example: pernet node del n1 n2")]
    Del(Del),
}

/// Of every verb that takes a node that is there.
const NODE: &str =
    "Its name, or any form of NS that `pernet --help` lists: the node whose namespace that is";

/// A name that something new gets. As in NS, it may be said that it is one.
fn new_name(text: &str) -> Result<Name> {
    text.strip_prefix("name:").unwrap_or(text).parse()
}

#[derive(Args, Debug)]
pub struct Add {
    /// Names of the nodes
    #[arg(required = true, value_parser = new_name)]
    name: Vec<Name>,
    /// Make a network namespace with a name, and nothing else
    #[arg(long)]
    net_only: bool,
    /// Make it in a user namespace of its own: so an ordinary user can have nodes,
    /// which nobody else sees, and is root in them
    #[arg(long, conflicts_with = "net_only")]
    user: bool,
}

#[derive(Args, Debug)]
pub struct Adopt {
    /// What the node is called, such as web
    #[arg(value_parser = new_name)]
    name: Name,
    /// The namespace: NAME, pid:N, cookie:N, nsid:N, inode:N or a path
    #[arg(value_name = "NS")]
    netns: Option<Reference>,
}

#[derive(Args, Debug)]
pub struct Ls {
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub struct Show {
    #[arg(value_name = "NODE", help = NODE)]
    node: Reference,
    /// Print JSON, as docs/json.md describes it
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub struct Stop {
    #[arg(required = true, value_name = "NODE", help = NODE)]
    node: Vec<Reference>,
}

#[derive(Args, Debug)]
pub struct Wait {
    #[arg(value_name = "NODE", help = NODE)]
    node: Reference,
}

#[derive(Args, Debug)]
pub struct Del {
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "NODE", help = NODE)]
    node: Vec<Reference>,
    /// Delete every node that pernet made, and print their names
    #[arg(long)]
    all: bool,
    /// Wait until the kernel has nothing left of the namespaces; for ever, if
    /// something keeps one alive
    #[arg(long)]
    wait: bool,
    /// Print the names that --all prints as JSON, as docs/json.md describes it
    #[arg(long, requires = "all")]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    description: Description,
    processes: Vec<Member>,
}

impl Verb {
    /// `node add [--net-only] NAME...`, what follows `node` being this: nodes are made
    /// often, and the time that it takes to describe all verbs to clap is a part of
    /// that which can be seen.
    pub fn plain_add(rest: &[OsString]) -> Option<Self> {
        let [verb, words @ ..] = rest else {
            return None;
        };
        let (net_only, names): (Vec<_>, Vec<_>) =
            words.iter().partition(|word| *word == "--net-only");
        if verb != "add" || net_only.len() > 1 || names.is_empty() {
            return None;
        }
        let name = |word: &OsString| {
            let word = word.to_str().filter(|word| !word.starts_with('-'))?;
            new_name(word).ok()
        };
        // What is no name, clap explains.
        let name = names.into_iter().map(name).collect::<Option<_>>()?;
        Some(Verb::Add(Add {
            name,
            net_only: !net_only.is_empty(),
            user: false,
        }))
    }
}

pub fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Add(Add {
            name,
            net_only,
            user,
        }) => {
            let request = life::Request {
                names: name,
                net_only,
                user,
            };
            life::add(&request, note)
        }
        Verb::Adopt(Adopt { name, netns }) => life::adopt(&name, netns.as_ref()),
        Verb::Ls(Ls { json }) => list(json),
        Verb::Show(Show { node, json }) => show(&reference::node(&node)?, json),
        Verb::Stop(Stop { node }) => life::stop(&names(&node)?),
        Verb::Start(Stop { node }) => {
            let names = names(&node)?;
            names.iter().try_for_each(|name| life::start(name, note))
        }
        Verb::Wait(Wait { node }) => life::wait(&reference::node(&node)?),
        Verb::Del(arguments) => delete(&arguments),
    }
}

fn names(nodes: &[Reference]) -> Result<Vec<Name>> {
    nodes.iter().map(reference::node).collect()
}

pub fn note(text: String) {
    output::complain("pernet: note", text);
}

fn delete(arguments: &Del) -> Result<()> {
    let until = match arguments.wait {
        true => Until::NamespacesAreGone,
        false => Until::LinksAreGone,
    };
    if !arguments.all {
        return life::delete(&names(&arguments.node)?, until, note);
    }
    let deleted = life::delete_all(until, note)?;
    if arguments.json {
        return output::print_list("deleted", &deleted);
    }
    let lines: Vec<_> = deleted.iter().map(|name| format!("{name}\n")).collect();
    output::print(&lines.concat())
}

fn list(json: bool) -> Result<()> {
    let nodes = life::list()?;
    if json {
        return output::print_list("nodes", &nodes);
    }
    let rows: Vec<_> = (nodes.into_iter())
        .map(|node| {
            [
                node.name.to_string(),
                node.kind.to_string(),
                node.state.to_owned(),
                number(node.pid),
                number(node.cookie),
                number(node.inode),
            ]
        })
        .collect();
    let heading = ["NODE", "KIND", "STATE", "PID", "COOKIE", "INODE"];
    output::print(&output::columns(heading, &rows))
}

fn number(number: Option<impl ToString>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

fn show(name: &Name, json: bool) -> Result<()> {
    let (description, processes) = life::show(name)?;
    if json {
        return output::print_document(&Shown {
            description,
            processes,
        });
    }
    let path = |path: Option<std::path::PathBuf>| {
        path.map_or("-".to_owned(), |path| path.display().to_string())
    };
    let mut rows = vec![
        ["name", &description.name.to_string()].map(str::to_owned),
        ["kind", &description.kind.to_string()].map(str::to_owned),
        ["state", description.state].map(str::to_owned),
        ["pid", &number(description.pid)].map(str::to_owned),
        ["cookie", &number(description.cookie)].map(str::to_owned),
        ["inode", &number(description.inode)].map(str::to_owned),
        ["netns", &path(description.netns)].map(str::to_owned),
        ["control", &path(description.control)].map(str::to_owned),
        ["log", &path(description.log)].map(str::to_owned),
    ];
    rows.extend((processes.into_iter()).map(|process| {
        let text = format!("{} {}", process.pid, process.command);
        ["process".to_owned(), text]
    }));
    let lines: Vec<_> = rows
        .iter()
        .map(|[what, value]| format!("{what:<8} {}\n", legible(value)))
        .collect();
    output::print(&lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(subcommand)]
        verb: Verb,
    }

    #[test]
    fn for_plain_nodes_clap_is_not_needed() {
        for (line, is_plain) in [
            ("node add n1", true),
            ("node add n1 pid:5 name:n3", true),
            ("node add n1 --net-only", true),
            ("node add --net-only n1 n2", true),
            ("node add --net-only n1 --net-only", false),
            ("node add --net-only", false),
            ("node add --user n1", false),
            ("node add -- n1", false),
            ("node add a/b", false),
            ("node add", false),
            ("node ls", false),
            ("node", false),
        ] {
            let rest: Vec<_> = line.split(' ').skip(1).map(OsString::from).collect();
            let plain = Verb::plain_add(&rest);
            assert_eq!(plain.is_some(), is_plain, "{line}");
            if let Some(plain) = plain {
                let by_clap = Line::try_parse_from(line.split(' ')).unwrap().verb;
                assert_eq!(format!("{plain:?}"), format!("{by_clap:?}"), "{line}");
            }
        }
    }
}
