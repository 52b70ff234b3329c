// SPDX-License-Identifier: MIT OR Apache-2.0

//! The namespaces a test runs in, and the tool in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::mount::{MsFlags, mount};
use serde_json::Value;

/// The tool under test.
pub const PERNET: &str = env!("CARGO_BIN_EXE_pernet");

/// Proof that the test is where it can do no harm.
pub struct Lab(());

/// What a command left behind.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Lab {
    /// To be called inside: gives the test a /run of its own.
    pub fn set_up() -> Self {
        mount_run("mode=755");
        Lab(())
    }

    /// Runs the tool.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        run(PERNET, arguments)
    }

    /// Runs the tool, which must do what it is asked and complain of nothing.
    pub fn pernet(&self, arguments: &[&str]) -> String {
        succeeds(PERNET, arguments)
    }

    /// Runs the tool and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let out = self.pernet(arguments);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// Runs the tool and reads the list of this name in its JSON.
    pub fn list(&self, name: &str, arguments: &[&str]) -> Value {
        let mut document = self.json(arguments);
        assert!(document[name].is_array(), "{arguments:?}: {document}");
        document[name].take()
    }

    /// Runs the tool, which must refuse: in one line that says this, and
    /// without changing anything.
    pub fn refuses(&self, arguments: &[&str], says: &str) {
        let before = self.state();
        let outcome = self.run(arguments);
        assert!(
            [1, 2, 3].contains(&outcome.status),
            "{arguments:?} exits with {}",
            outcome.status
        );
        assert!(
            outcome.err.contains(says),
            "{arguments:?} does not say {says:?} but: {}",
            outcome.err
        );
        assert_eq!(outcome.out, "", "{arguments:?}");
        if outcome.status == 1 {
            assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
        }
        assert_eq!(self.state(), before, "{arguments:?} changed something");
    }

    /// Runs the tool, which must fail after it began, say this, and leave what was
    /// there, at the latest when the kernel has cleared away the rest.
    pub fn refuses_and_is_as_before(&self, arguments: &[&str], says: &str) -> Outcome {
        let before = self.state();
        let outcome = self.run(arguments);
        assert_eq!(outcome.status, 1, "{arguments:?}: {}", outcome.err);
        assert!(outcome.err.contains(says), "{arguments:?}: {}", outcome.err);
        let what = format!("{arguments:?} is undone");
        eventually(&what, || self.state() == before);
        outcome
    }

    /// Runs any other command, which must succeed.
    pub fn command(&self, program: &str, arguments: &[&str]) -> String {
        succeeds(program, arguments)
    }

    /// A tool that keeps running.
    pub fn spawn(&self, arguments: &[&str]) -> std::process::Child {
        Command::new(PERNET)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Names of the nodes, by JSON.
    pub fn nodes(&self) -> Vec<String> {
        let nodes = self.list("nodes", &["node", "ls", "--json"]);
        let name = |node: &Value| node["name"].as_str().unwrap().to_owned();
        nodes.as_array().unwrap().iter().map(name).collect()
    }

    /// What is there that the tool could change: devices here and in every
    /// named namespace, names, records.
    pub fn state(&self) -> BTreeSet<String> {
        let mut state = files(Path::new("/run"));
        state.extend(devices(Path::new("/proc/net/dev")).map(|device| format!("here: {device}")));
        for name in names() {
            // By its name a node is entered whole, if it is not stopped.
            let netns = format!("/run/netns/{name}");
            let inside = succeeds(PERNET, &["exec", &netns, "--", "cat", "/proc/net/dev"]);
            state.extend(parse_devices(&inside).map(|device| format!("{name}: {device}")));
        }
        state
    }
}

/// Puts an empty file system on /run, with these options.
pub fn mount_run(options: &str) {
    mount(
        Some("run"),
        "/run",
        Some("tmpfs"),
        MsFlags::empty(),
        Some(options),
    )
    .unwrap();
}

/// Puts an empty file system on `directory`.
pub fn mount_over(directory: &str) {
    mount(
        Some("test"),
        directory,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )
    .unwrap();
}

/// Names in /run/netns.
pub fn names() -> Vec<String> {
    entries("/run/netns")
}

/// Names in a directory, in order; none where there is no such directory.
pub fn entries(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits for what the kernel does in the background.
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(in_time(condition), "not within 10 s: {what}");
}

/// Waits until it is so; whether it came to that within 10 s.
pub fn in_time(mut condition: impl FnMut() -> bool) -> bool {
    for _ in 0..2000 {
        if condition() {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    false
}

/// Runs a command to its end.
pub fn run(program: &str, arguments: &[&str]) -> Outcome {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    Outcome::of(output.unwrap_or_else(|error| panic!("{program}: {error}")))
}

impl Outcome {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Outcome {
            // A shell's way to say that it was a signal.
            status: output.status.code().unwrap_or_else(|| {
                use std::os::unix::process::ExitStatusExt;
                128 + output.status.signal().unwrap_or_default()
            }),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

pub fn succeeds(program: &str, arguments: &[&str]) -> String {
    let Outcome { status, out, err } = run(program, arguments);
    assert_eq!((status, &*err), (0, ""), "{program} {arguments:?}: {out}");
    out
}

fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string());
        }
    }
    found
}

fn devices(path: &Path) -> impl Iterator<Item = String> + use<> {
    let text = fs::read_to_string(path).unwrap();
    parse_devices(&text).collect::<Vec<_>>().into_iter()
}

fn parse_devices(text: &str) -> impl Iterator<Item = String> {
    (text.lines().skip(2)).filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
}
