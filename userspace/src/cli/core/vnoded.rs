// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vnoded`: a node with a control channel, as CORE makes it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lexopt::Parser;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sched::CloneFlags;
use nix::unistd::{getpid, setsid};

use super::options::{Manual, Task};
use crate::channel::{Access, Draft, Listener, Place};
use crate::cli::output;
use crate::kernel::process;
use crate::node::exec::user;
use crate::node::init::birth::{Unborn, go_to, settle};
use crate::node::init::environment::Environment;
use crate::node::init::pid_file::PidFile;
use crate::node::init::server::{self, Parts, Server};
use crate::node::vnoded::Entry;

const MANUAL: Manual = Manual {
    name: "vnoded",
    usage: "
Usage: vnoded [-h|-V] [-v] [-n] [-g <group>] [-C <chdir>] [-l <logfile>]
              [-p <pidfile>] -c <control channel>

Makes a node: network, pid, mount, UTS and IPC namespaces with a first process,
which runs what clients of the control channel (vcmd) ask for. Prints the pid of
that process, and returns when it is ready.

Options:
  -h, --help     show this help and exit
  -V, --version  show the version and exit
  -v             log what it does
  -n             make no namespaces, and stay in the foreground
  -g             also let members of <group> use the control channel
  -C             change to the directory <chdir>
  -l             write the output of commands and daemon to <logfile>
  -p             write the pid to <pidfile>
  -c             path of the control channel
",
};

#[derive(Default)]
struct Options {
    channel: Option<PathBuf>,
    log: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    directory: Option<PathBuf>,
    group: Option<String>,
    foreground: bool,
    verbose: bool,
}

pub fn run(parser: Parser) -> Result<u8> {
    let mut options = Options::default();
    let mut rest = Vec::new();
    let task = MANUAL.read(parser, &mut rest, |option, parser| {
        match option {
            'c' => options.channel = Some(parser.value()?.into()),
            'l' => options.log = Some(parser.value()?.into()),
            'p' => options.pid_file = Some(parser.value()?.into()),
            'C' => options.directory = Some(parser.value()?.into()),
            'g' => options.group = Some(parser.value()?.to_string_lossy().into_owned()),
            'n' => options.foreground = true,
            'v' => options.verbose = true,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if let Task::Done(status) = task {
        return Ok(status);
    }
    let Some(channel) = options.channel.clone() else {
        return MANUAL.wrong_usage("no control channel given", 0);
    };
    for word in rest {
        let word = word.to_string_lossy();
        output::complain(
            "vnoded",
            format!("ignoring command line argument: '{word}'"),
        );
    }
    start(&options, &channel)?;
    Ok(0)
}

fn start(options: &Options, channel: &Path) -> Result<()> {
    let access = Access {
        group: options.group.as_deref().map(user::group).transpose()?,
    };
    let log = open_log(options.log.as_deref().unwrap_or(Path::new("/dev/null")))?;
    let draft = Draft::draw()?;
    let mut entry = match options.foreground {
        true => None,
        false => Entry::begin(&draft, channel, options.pid_file.as_deref())?,
    };
    let made = make(options, channel, access, log, &draft, entry.as_mut());
    if let (Err(_), Some(entry)) = (&made, entry) {
        entry.withdraw()?;
    }
    made
}

fn make(
    options: &Options,
    channel: &Path,
    access: Access,
    log: File,
    draft: &Draft,
    mut entry: Option<&mut Entry>,
) -> Result<()> {
    let pid_file = options.pid_file.as_deref();
    let pid_file = pid_file
        .map(|path| PidFile::draft(path, draft))
        .transpose()?;
    let mut files: Vec<Place> = (pid_file.as_ref())
        .map_or(Ok(None), PidFile::place)?
        .into_iter()
        .collect();
    files.extend(entry.as_ref().map(|entry| entry.place()).transpose()?);
    let bound = |socket: &Place| match &mut entry {
        Some(entry) => entry.has_socket(socket),
        None => Ok(()),
    };
    let parts = Parts {
        listener: Listener::bind(channel, access, draft, bound)?,
        files,
        verbose: options.verbose,
    };
    // Not before: the node that holds the channel may write to it.
    if log.metadata().is_ok_and(|found| found.is_file()) {
        log.set_len(0).context("cannot empty the log")?;
    }
    match options.foreground {
        true => {
            let files = parts.places()?;
            stay(options, parts, &log, pid_file).inspect_err(|_| {
                for place in files {
                    let _ = place.remove();
                }
            })
        }
        false => leave(options, parts, log, pid_file, entry),
    }
}

/// What commands without descriptors of their own write goes to its end. It is
/// emptied later.
fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .mode(0o644)
        .custom_flags(OFlag::O_APPEND.bits())
        .open(path)
        .with_context(|| format!("cannot open log {}", path.display()))
}

/// Leaves a node behind that lives on its own.
fn leave(
    options: &Options,
    parts: Parts,
    log: File,
    pid_file: Option<PidFile>,
    entry: Option<&mut Entry>,
) -> Result<()> {
    // A caller's terminal is not the node's.
    let _ = setsid();
    let unborn = Unborn {
        namespaces: CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET,
        environment: Environment::default(),
        server: parts,
        log,
        directory: options.directory.clone(),
    };
    let record = |pid| {
        entry.map_or(Ok(()), |entry| entry.has_process(pid))?;
        pid_file.map_or(Ok(()), |file| file.publish(pid))
    };
    let files = unborn.server.places()?;
    let born = unborn.bear(record, |note| output::complain("vnoded: note", note))?;
    // Nobody could find a node whose pid nobody knows.
    output::print(&format!("{}\n", born.pid)).inspect_err(|_| {
        let _ = process::kill(born.pid, libc::SIGKILL);
        let _ = process::reap(Some(born.pid), 0);
        files.iter().for_each(|place| {
            let _ = place.remove();
        });
    })
}

/// Serves here, in the namespaces that there are.
fn stay(options: &Options, parts: Parts, log: &File, pid_file: Option<PidFile>) -> Result<()> {
    server::signals()
        .thread_block()
        .context("cannot hold signals back")?;
    go_to(options.directory.as_deref())?;
    let pid = getpid();
    pid_file.map_or(Ok(()), |file| file.publish(pid))?;
    let null = File::open("/dev/null").context("cannot open /dev/null")?;
    let server = Server::new(parts)?;
    output::print(&format!("{pid}\n"))?;
    settle(&null, log)?;
    server.run()
}
