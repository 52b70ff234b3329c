// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec`: running a command in one namespace or in several.

mod several;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail, ensure};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::ErrorKind;

use super::{alone, argument, output, parse_alone};
use crate::kernel::process::Pidfd;
use crate::netns::Reference;
use crate::node::exec::several::Told;
use crate::node::exec::{self, Manner, Order, Target, User};
use crate::node::life;
use crate::terminal::is_interactive;

/// Run a command in nodes, or any other network namespaces
///
/// In a node with a first process, named by its name, the command sees what the
/// node's other processes see: its network, processes, mounts and host name. In any
/// other namespace, or by another form than the name, it sees the network and, in
/// /sys, its devices; where NS is a name, files of /etc/netns/NAME take the place of
/// those in /etc.
///
/// In a node, the command has a terminal of its own if pernet is typed at one, and
/// else pernet's input and output; signals that reach pernet reach all of the
/// command's process group, and the command ends when pernet does. In any other
/// namespace the command takes the place of pernet, unless an option needs pernet
/// to stay.
///
/// The command's environment is the caller's, HOME and PATH included, with what
/// --env adds. It runs in the caller's directory, or in / where the node has no
/// such directory.
///
/// The first `--` ends the namespaces. Where there is none, the first word is the
/// namespace and the rest is the command. Options of pernet come before both.
///
/// In several namespaces the command reads nothing, and each line that it writes
/// follows `NS: `. With --json there is a document at the end, in place of the lines,
/// as docs/json.md describes it.
///
/// Exit status: the command's, 128 + N if signal N ended it; 127 where there is no
/// such command, 126 where it cannot be run, 124 when its time was up, 1 where the
/// namespace cannot be entered. Of several, the largest.
#[derive(Args, Debug, Default)]
#[command(
    after_help = EXAMPLES,
    override_usage = "pernet exec [OPTIONS] NS [--] COMMAND [ARGUMENT]...\n       \
                      pernet exec [OPTIONS] NS... -- COMMAND [ARGUMENT]...\n       \
                      pernet exec [OPTIONS] --all -- COMMAND [ARGUMENT]..."
)]
pub struct Arguments {
    /// In every node (`pernet node ls`)
    #[arg(short, long)]
    all: bool,
    /// Give the command a terminal of its own, whatever pernet has
    #[arg(short, long, overrides_with = "no_tty")]
    tty: bool,
    /// Give it pernet's input and output, even at a terminal
    #[arg(short = 'T', long)]
    no_tty: bool,
    /// Print the command's pid and leave it running, writing to the node's log
    #[arg(short, long, conflicts_with_all = ["tty", "timeout", "json"])]
    detach: bool,
    /// End the command after so long: SIGTERM, then SIGKILL 2 seconds later
    #[arg(long, value_name = "SECONDS", value_parser = timeout)]
    timeout: Option<Duration>,
    /// Add to the command's environment; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = OsStringValueParser::new().try_map(parse_variable))]
    env: Vec<(OsString, OsString)>,
    /// Begin with an empty environment, not with the caller's
    #[arg(long)]
    clear_env: bool,
    /// Run the command in this directory, inside
    #[arg(short = 'C', long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// Run it as this user, named as in the node's /etc/passwd, or a number
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<User>,
    /// Run it in at most so many namespaces at a time [default: in all, as far as
    /// there are descriptors]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Collect the output, and print it as JSON with each exit status
    #[arg(long, conflicts_with = "tty")]
    json: bool,
    /// The namespaces, each a node's name, pid:N, a path, ... (see `pernet --help`);
    /// `--`; the command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "WORD"
    )]
    words: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  pernet exec n1 -- ping -c 3 10.0.0.2
  pernet exec --user nobody --timeout 2.5 n1 -- curl http://10.0.0.2/
  pernet exec --detach n2 -- iperf3 -s
  pernet exec n1 n2 -- ip -br address
  pernet exec --all --json -- cat /proc/net/dev";

/// What it is called.
const VERB: &str = "exec";

/// What the words are.
struct Request {
    namespaces: Vec<Reference>,
    command: Vec<OsString>,
    /// Output says whose it is.
    is_several: bool,
}

pub fn run(arguments: &Arguments) -> Result<u8> {
    let mut request = arguments.request().unwrap_or_else(|error| {
        let usage =
            alone::<Arguments>(VERB).error(ErrorKind::ValueValidation, format!("{error:#}"));
        usage.exit()
    });
    if arguments.all {
        let nodes = life::list()?.into_iter();
        request.namespaces = nodes.map(|node| Reference::Name(node.name)).collect();
    }
    let order = Order {
        command: request.command,
        clear_environment: arguments.clear_env,
        environment: arguments.env.clone(),
        directory: arguments.cwd.clone(),
        user: arguments.user.clone(),
    };
    match &request.namespaces[..] {
        [one] if !request.is_several => {
            let told = arguments.run_one(one, &order, None)?;
            Ok(told.status)
        }
        all if arguments.json => arguments.run_for_json(all, &order),
        all => arguments.run_with_names(all, &order),
    }
}

impl Arguments {
    /// Reads what follows the verb. Commands are run more often than anything else
    /// is done, and the time that it takes to describe all the other verbs to clap,
    /// or these options, would be a good part of the whole.
    pub fn parse_alone(rest: Vec<OsString>) -> Self {
        Self::without_options(&rest).unwrap_or_else(|| parse_alone(VERB, rest))
    }

    /// What follows the verb, where no option does: options come first.
    fn without_options(rest: &[OsString]) -> Option<Self> {
        let is_option = rest.first()?.as_bytes().starts_with(b"-");
        (!is_option).then(|| Arguments {
            words: rest.to_vec(),
            ..Arguments::default()
        })
    }

    /// What the words say; namespaces are left out where all nodes are meant.
    fn request(&self) -> Result<Request> {
        let dashes = self.words.iter().position(|word| word == "--");
        let (before, command) = match dashes {
            Some(at) => (&self.words[..at], &self.words[at + 1..]),
            None if self.all => (&[][..], &self.words[..]),
            None => self.words.split_at(1),
        };
        ensure!(
            !self.all || before.is_empty(),
            "--all is every node, so nothing may come before the `--`; a `--` of the command's own follows another"
        );
        let mut namespaces = Vec::new();
        for word in before {
            let text = word.to_string_lossy();
            ensure!(
                !text.starts_with('-'),
                "`{text}` is no option of exec, see --help; a namespace of that name is written `name:{text}`"
            );
            let reference: Result<Reference> = text.parse();
            namespaces.push(reference.with_context(|| format!("{text:?} is no namespace"))?);
        }
        ensure!(
            !command.is_empty(),
            "there is no command to run; it follows the namespace, as in `pernet exec n1 -- ip link`"
        );
        Ok(Request {
            is_several: self.all || self.json || before.len() > 1,
            command: command.to_vec(),
            namespaces,
        })
    }

    /// In one namespace. Becomes the command, where it can.
    fn run_one(&self, ns: &Reference, order: &Order, client: Option<&Pidfd>) -> Result<Told> {
        let note = |error: Error| output::complain("pernet: note", format!("{error:#}"));
        let target = Target::find(ns)?;
        if self.detach {
            let pid = exec::detached(&target, order, note)?;
            output::print(&format!("{pid}\n"))?;
            return Ok(Told {
                status: 0,
                outcome: None,
            });
        }
        let is_own = target.takes_this_process();
        let manner = Manner {
            terminal: self.tty || (!self.no_tty && !is_own && client.is_none() && is_interactive()),
            timeout: self.timeout,
        };
        if is_own && !manner.terminal && self.timeout.is_none() {
            return Err(exec::become_command(&target, order, client, note));
        }
        let outcome = exec::attended(&target, order, manner, client, note)?;
        if let (true, Some(timeout)) = (outcome.timed_out, self.timeout) {
            let command = order.command[0].to_string_lossy();
            let seconds = timeout.as_secs_f64();
            let text = format!("{command} was not done within {seconds} s, and was ended");
            output::complain("pernet", text);
        }
        Ok(Told {
            status: outcome.exit_status(),
            outcome: Some(outcome),
        })
    }
}

/// From a millisecond to ten years.
fn timeout(text: &str) -> Result<Duration> {
    let allowed = Duration::from_millis(1)..=Duration::from_secs(10 * 365 * 24 * 3600);
    argument::seconds(text, allowed)
}

fn parse_variable(text: OsString) -> Result<(OsString, OsString)> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) if at > 0 => Ok((
            OsString::from_vec(bytes[..at].to_vec()),
            OsString::from_vec(bytes[at + 1..].to_vec()),
        )),
        _ => bail!("a variable is NAME=VALUE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn request(words: &str) -> Result<(Vec<String>, String, bool), String> {
        let line = Line::try_parse_from(words.split(' ')).map_err(|error| error.to_string())?;
        let request = line
            .arguments
            .request()
            .map_err(|error| format!("{error:#}"))?;
        let command: Vec<_> = request
            .command
            .iter()
            .map(|word| word.to_string_lossy())
            .collect();
        let namespaces = request
            .namespaces
            .iter()
            .map(Reference::to_string)
            .collect();
        Ok((namespaces, command.join(" "), request.is_several))
    }

    #[test]
    fn the_first_dashes_end_the_namespaces() {
        for (words, namespaces, command, is_several) in [
            ("exec n1 ip link", &["n1"][..], "ip link", false),
            ("exec n1 ip -c --json", &["n1"], "ip -c --json", false),
            ("exec n1 -- ip link", &["n1"], "ip link", false),
            ("exec n1 -- sh -- x", &["n1"], "sh -- x", false),
            ("exec -- n1 ip", &["n1"], "ip", false),
            ("exec -e A=B n1 ip", &["n1"], "ip", false),
            (
                "exec n1 pid:5 ./x -- ip -c",
                &["n1", "pid:5", "./x"],
                "ip -c",
                true,
            ),
            ("exec --json n1 ip", &["n1"], "ip", true),
        ] {
            let namespaces = namespaces.iter().map(ToString::to_string).collect();
            assert_eq!(
                request(words),
                Ok((namespaces, command.to_owned(), is_several)),
                "{words}"
            );
        }
    }

    #[test]
    fn without_options_clap_is_not_needed() {
        for (line, is_plain) in [
            ("exec n1 ip -c --json", true),
            ("exec n1 -- ip --all", true),
            ("exec n1 pid:5 -- -x -- --", true),
            ("exec n1", true),
            ("exec -- n1 ip", false),
            ("exec --all ip", false),
            ("exec", false),
        ] {
            let rest: Vec<_> = line.split(' ').skip(1).map(OsString::from).collect();
            let plain = Arguments::without_options(&rest);
            assert_eq!(plain.is_some(), is_plain, "{line}");
            if let Some(plain) = plain {
                let by_clap = Line::try_parse_from(line.split(' ')).unwrap().arguments;
                assert_eq!(format!("{plain:?}"), format!("{by_clap:?}"), "{line}");
            }
        }
    }

    #[test]
    fn a_wrong_line_says_what_is_wrong() {
        for (words, says) in [
            ("exec", "required"),
            ("exec n1", "no command to run"),
            ("exec n1 --", "no command to run"),
            ("exec n1 n2 --", "no command to run"),
            ("exec --detatch n1 ip", "`--detatch` is no option of exec"),
            ("exec -x n1 -- ip", "written `name:-x`"),
            ("exec n1 --json -- ip", "`--json` is no option of exec"),
            ("exec n1 pid:x -- ip", "\"pid:x\" is no namespace"),
            ("exec --all n1 -- ip", "every node"),
            ("exec --timeout 0 n1 ip", "from 0.001 to"),
            ("exec --timeout -1 n1 ip", "value"),
            ("exec --timeout x n1 ip", "`x` is no number of seconds"),
            ("exec --env A n1 ip", "NAME=VALUE"),
            ("exec --env =A n1 ip", "NAME=VALUE"),
            ("exec --user a:b:c n1 ip", "USER:GROUP"),
            ("exec --jobs 0 n1 ip", "0"),
            ("exec --detach --timeout 1 n1 ip", "cannot be used with"),
        ] {
            let error = request(words).unwrap_err();
            assert!(error.contains(says), "{words}: {error}");
        }
    }
}
