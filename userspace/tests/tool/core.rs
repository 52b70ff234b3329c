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

use crate::channel;
use crate::lab::{Lab, Outcome, PERNET, eventually, run};

/// Names the folder that holds CORE's own vnoded, vcmd and netns.
const CORE_BIN: &str = "CORE_BIN";

/// A folder with programs of CORE's names.
#[derive(Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// Links to the tool under test.
    pub fn ours() -> Self {
        let folder = PathBuf::from("/run/bin");
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

    let arguments: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let mut command = vec!["sh", "-c", "echo $#", "sh"];
    command.extend(arguments.iter().map(String::as_str));
    assert_eq!(vcmd(&[], &command).out, "1000\n");

    let trap = "trap 'exit 33' TERM; echo; while :; do sleep 0.05; done";
    let child = Command::new(clients.path("vcmd"))
        .args(["-c", &node.channel, "--", "sh", "-c", trap])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(signalled_when_ready(child, Signal::SIGTERM), 33);

    channel::answers_are_as_documented(&node.channel);
    node.stop();
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
    converse(&Programs::ours(), &Programs::cores().unwrap());
}

pub fn cores_vnoded_with_our_vcmd(_: &Lab) {
    converse(&Programs::cores().unwrap(), &Programs::ours());
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
