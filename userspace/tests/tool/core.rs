// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes as CORE's programs make them, for the tests of each program; and those
//! programs, ours and CORE's own, with each other.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::lab::{Lab, Outcome, PERNET, eventually, run};
use crate::{channel, terminal};

/// Names the folder that holds CORE's own vnoded, vcmd and netns.
const CORE_BIN: &str = "CORE_BIN";

/// The folder with ours, by the same names.
const OURS: &str = "/run/bin";

/// A folder with programs of CORE's names.
#[derive(Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// Links to the tool under test.
    pub fn ours() -> Self {
        let folder = PathBuf::from(OURS);
        fs::create_dir_all(&folder).unwrap();
        for name in ["vnoded", "vcmd", "netns"] {
            let link = folder.join(name);
            if !link.exists() {
                std::os::unix::fs::symlink(PERNET, link).unwrap();
            }
        }
        Programs(folder)
    }

    /// CORE's own, where somebody says where they are.
    pub fn cores() -> Option<Self> {
        let folder = PathBuf::from(env::var_os(CORE_BIN)?);
        ["vnoded", "vcmd", "netns"]
            .iter()
            .all(|name| folder.join(name).is_file())
            .then_some(Programs(folder))
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// What its vcmd makes of a command that a signal ended: CORE's says no more
    /// than that there is no status.
    pub fn status_of_killed(&self, signal: Signal) -> i32 {
        match self.0.starts_with(OURS) {
            true => 128 + signal as i32,
            false => 255,
        }
    }

    pub fn run(&self, name: &str, arguments: &[&str]) -> Outcome {
        run(&self.path(name), arguments)
    }

    /// A node, with its files in /run.
    pub fn node(&self, name: &str, options: &[&str]) -> Node {
        let node = Node {
            pid: Pid::from_raw(0),
            channel: format!("/run/{name}.ctl"),
            log: format!("/run/{name}.log"),
            pid_file: format!("/run/{name}.pid"),
        };
        let mut arguments = vec!["-c", &node.channel, "-l", &node.log, "-p", &node.pid_file];
        arguments.extend(options);
        let outcome = self.run("vnoded", &arguments);
        assert_eq!((outcome.status, &*outcome.err), (0, ""));
        let pid = outcome.out.strip_suffix('\n').unwrap().parse().unwrap();
        Node {
            pid: Pid::from_raw(pid),
            ..node
        }
    }
}

/// Who may use a file.
pub fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A node, by its files. It ends with the test's pid namespace at the latest.
pub struct Node {
    pub pid: Pid,
    pub channel: String,
    pub log: String,
    pub pid_file: String,
}

impl Node {
    pub fn of_ours(name: &str) -> Self {
        Programs::ours().node(name, &[])
    }

    /// Runs a command in it.
    pub fn vcmd(&self, command: &[&str]) -> Outcome {
        self.vcmd_with(&[], command)
    }

    pub fn vcmd_with(&self, options: &[&str], command: &[&str]) -> Outcome {
        let arguments = [&["-c", &self.channel], options, &["--"], command].concat();
        Programs::ours().run("vcmd", &arguments)
    }

    /// What a command prints, which must succeed.
    pub fn says(&self, command: &[&str]) -> String {
        let outcome = self.vcmd(command);
        assert_eq!((outcome.status, &*outcome.err), (0, ""), "{command:?}");
        outcome.out
    }

    /// A command that runs on, with these pipes.
    pub fn spawn(&self, options: &[&str], command: &[&str]) -> Child {
        Command::new(Programs::ours().path("vcmd"))
            .args(["-c", &self.channel])
            .args(options)
            .arg("--")
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid, signal).unwrap();
    }

    /// Waits for its end; its parent has ended, so the test is that now.
    pub fn wait(&self) -> WaitStatus {
        let mut status = None;
        eventually("the node ends", || {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => {}
                Ok(ended) => status = Some(ended),
                Err(Errno::EINTR) => {}
                Err(error) => panic!("{error}"),
            }
            status.is_some()
        });
        status.unwrap()
    }

    pub fn stop(&self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.wait(), WaitStatus::Exited(self.pid, 0));
        assert!(!self.has_files(), "files are left");
    }

    /// Its socket or its pid file is there.
    pub fn has_files(&self) -> bool {
        Path::new(&self.channel).exists() || Path::new(&self.pid_file).exists()
    }

    /// Its descriptors, as what they are open on.
    pub fn descriptors(&self) -> Vec<String> {
        let folder = format!("/proc/{}/fd", self.pid);
        let mut found: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| fs::read_link(entry.unwrap().path()).unwrap())
            .map(|target| target.display().to_string())
            .collect();
        found.sort();
        found
    }

    /// Its processes besides the first one that are its children.
    pub fn children(&self) -> Vec<Pid> {
        let path = format!("/proc/{0}/task/{0}/children", self.pid);
        let text = fs::read_to_string(path).unwrap();
        text.split_whitespace()
            .map(|pid| Pid::from_raw(pid.parse().unwrap()))
            .collect()
    }
}

/// What any vnoded and any vcmd do together.
fn converse(servers: &Programs, clients: &Programs) {
    let node = servers.node("n1", &[]);
    let vcmd = |options: &[&str], command: &[&str]| {
        let arguments = [&["-c", &node.channel], options, &["--"], command].concat();
        clients.run("vcmd", &arguments)
    };
    for options in [&[][..], &["-I"]] {
        let outcome = vcmd(options, &["sh", "-c", "echo out; echo err >&2; exit 7"]);
        assert_eq!(
            (outcome.status, &*outcome.out, &*outcome.err),
            (7, "out\n", "err\n")
        );
    }
    let outcome = vcmd(&["-q"], &["sh", "-c", "echo logged; exit 3"]);
    assert_eq!((outcome.status, &*outcome.out), (3, ""));
    let log = || fs::read_to_string(&node.log).unwrap();
    eventually("it is logged", || log().contains("logged\n"));
    let outcome = vcmd(&["-i"], &["sh", "-c", "tty; exit 9"]);
    assert!(outcome.out.contains("/dev/pts/"), "{}", outcome.out);
    assert_eq!(outcome.status, 9);
    let pid_in_node: u32 = vcmd(&[], &["sh", "-c", "echo $$"])
        .out
        .trim()
        .parse()
        .unwrap();
    assert!(pid_in_node < 100, "a pid of its own namespace");

    the_longest_commands_arrive(&vcmd);
    many_clients_at_once(&node, clients);
    signals_arrive(&node, clients);
    terminal::the_size_follows(&node, clients);
    channel::a_server_does_as_documented(&node.channel);
    node.stop();
}

/// A thousand and some words, and as many bytes as a packet can have.
fn the_longest_commands_arrive(vcmd: &dyn Fn(&[&str], &[&str]) -> Outcome) {
    let script = ["sh", "-c", "echo $#; eval echo \\${#$#}", "sh"];
    let mut command = script.to_vec();
    command.resize(1023, "word");
    assert_eq!(vcmd(&[], &command).out, "1019\n4\n");

    // The header and the id take 20 bytes, each word 9 besides itself.
    let others: usize = script.iter().map(|word| word.len() + 9).sum();
    let long = "x".repeat(65535 - 20 - others - 9);
    let outcome = vcmd(&[], &[&script[..], &[&long]].concat());
    assert_eq!(outcome.out, format!("1\n{}\n", long.len()));
}

fn many_clients_at_once(node: &Node, clients: &Programs) {
    let start = |number: i32| {
        Command::new(clients.path("vcmd"))
            .args(["-c", &node.channel, "--", "sh", "-c"])
            .arg(format!("sleep 0.1; echo {number}; exit {number}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = (1..=20).map(start).collect();
    for (number, child) in (1..).zip(children) {
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        assert_eq!(
            (outcome.status, outcome.out),
            (number, format!("{number}\n"))
        );
    }
}

fn signals_arrive(node: &Node, clients: &Programs) {
    let spawn = |script: &str| {
        Command::new(clients.path("vcmd"))
            .args(["-c", &node.channel, "--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1] {
        let number = signal as i32;
        let trap = format!("trap 'exit 33' {number}; echo; while :; do sleep 0.05; done");
        assert_eq!(signalled_when_ready(spawn(&trap), signal), 33, "{signal}");
    }
    let ended = signalled_when_ready(spawn("echo; exec sleep 60"), Signal::SIGTERM);
    assert_eq!(ended, clients.status_of_killed(Signal::SIGTERM));
}

/// Waits until `child` has printed something.
pub fn when_ready(mut child: Child) -> Child {
    use std::io::Read;
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child
}

/// Sends a signal to `child` when it has printed something; its exit status.
pub fn signalled_when_ready(child: Child, signal: Signal) -> i32 {
    let child = when_ready(child);
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    Outcome::of(child.wait_with_output().unwrap()).status
}

/// No signal is kept from a process of this `/proc/self/status`, but the two that
/// the C library keeps for itself, whose state comes from who runs the tests.
pub fn assert_has_every_signal(status: &str) {
    for word in ["SigBlk:\t", "SigIgn:\t"] {
        let line = status.lines().find_map(|line| line.strip_prefix(word));
        let kept = u64::from_str_radix(line.unwrap(), 16).unwrap();
        assert_eq!(kept & !(3 << 31), 0, "{word}{kept:x}");
    }
}

pub fn our_programs_with_each_other(_: &Lab) {
    converse(&Programs::ours(), &Programs::ours());
}

pub fn our_vnoded_with_cores_vcmd(_: &Lab) {
    let (ours, cores) = (Programs::ours(), Programs::cores().unwrap());
    converse(&ours, &cores);
    // What cannot be executed is said at once, and told from what fails.
    let node = ours.node("n2", &[]);
    let outcome = cores.run("vcmd", &["-c", &node.channel, "--", "no-such-command"]);
    assert_eq!(outcome.status, 127);
    assert!(
        outcome.err.contains("cannot run no-such-command"),
        "{}",
        outcome.err
    );
    node.stop();
}

pub fn cores_vnoded_with_our_vcmd(_: &Lab) {
    converse(&Programs::cores().unwrap(), &Programs::ours());
}

/// What scripts see of a program of one name, whosever it is.
pub fn our_programs_answer_as_cores_do(_: &Lab) {
    let (ours, cores) = (Programs::ours(), Programs::cores().unwrap());
    let is_pid = |text: &str| text.trim_end().parse::<u32>().is_ok() && text.ends_with('\n');
    for (name, arguments) in [
        ("vnoded", &["-h"][..]),
        ("vnoded", &["-V"]),
        ("vnoded", &["-x"]),
        ("vnoded", &[]),
        ("vnoded", &["-c", "/run/none/n1.ctl"]),
        ("vcmd", &["-h"]),
        ("vcmd", &["-V"]),
        ("vcmd", &["-x"]),
        ("vcmd", &[]),
        ("vcmd", &["-c", "/run/none.ctl", "--", "true"]),
        ("netns", &["-h"]),
        ("netns", &["-V"]),
        ("netns", &["-x"]),
        ("netns", &[]),
        ("netns", &["-w", "--", "true"]),
        ("netns", &["-w", "--", "sh", "-c", "exit 7"]),
        ("netns", &["--", "false"]),
    ] {
        let [our, their] = [&ours, &cores].map(|side| side.run(name, arguments));
        assert_eq!(our.status, their.status, "{name} {arguments:?}");
        let said = [&our, &their].map(|outcome| (outcome.out.is_empty(), is_pid(&outcome.out)));
        assert_eq!(
            said[0], said[1],
            "{name} {arguments:?}: {}, {}",
            our.out, their.out
        );
    }
}

pub fn netns_runs_a_first_process(_: &Lab) {
    let ours = Programs::ours();
    let netns = |arguments: &[&str]| ours.run("netns", arguments);
    let script = "for kind in net pid mnt uts ipc user; do readlink /proc/self/ns/$kind; done
        echo $$; ls /sys/class/net";
    let outcome = netns(&["-w", "--", "sh", "-c", script]);
    assert_eq!((outcome.status, &*outcome.err), (0, ""));
    // The pid is printed by another process, at any time.
    let said: Vec<&str> = outcome.out.lines().collect();
    assert_eq!(said.len(), 9, "{}", outcome.out);
    for kind in ["net", "pid", "mnt", "uts", "ipc"] {
        let here = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        assert!(!said.contains(&here.to_str().unwrap()), "{kind} is shared");
    }
    assert!(said.contains(&"1"), "it is not the first process: {said:?}");
    assert!(said.contains(&"lo"), "{said:?}");

    assert_has_every_signal(&netns(&["-w", "--", "cat", "/proc/self/status"]).out);
}

pub fn netns_has_cores_exit_statuses(_: &Lab) {
    let ours = Programs::ours();
    for (arguments, status, says) in [
        (&["-w", "--", "sh", "-c", "exit 7"][..], 7, ""),
        // A first process cannot kill itself, but what it becomes can fail.
        (&["-w", "--", "no-such-command"], 127, "cannot run"),
        (&["-w", "--", "/etc/passwd"], 126, "cannot run"),
        (&["--", "sh", "-c", "exit 7"], 0, ""),
        (&["-h"], 0, ""),
        (&["--help"], 0, ""),
        (&["-V"], 0, ""),
        (&["-x"], 0, "invalid option"),
        (&[], 1, "no command given"),
    ] {
        let outcome = ours.run("netns", arguments);
        assert_eq!(outcome.status, status, "{arguments:?}: {}", outcome.err);
        assert!(outcome.err.contains(says), "{arguments:?}: {}", outcome.err);
    }
}

pub fn netns_says_which_signal_ended_the_command(_: &Lab) {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(Programs::ours().path("netns"))
        .args(["-w", "--", "sleep", "60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut pid)
        .unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap());
    kill(pid, Signal::SIGKILL).unwrap();
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!(outcome.status, 255);
    assert!(
        outcome.err.contains("terminated by signal 9"),
        "{}",
        outcome.err
    );
}

pub fn netns_is_for_root(_: &Lab) {
    let netns = Programs::ours().path("netns");
    let outcome = run(
        "setpriv",
        &["--reuid", "65534", "--clear-groups", &netns, "--", "true"],
    );
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("as root"), "{}", outcome.err);
}
