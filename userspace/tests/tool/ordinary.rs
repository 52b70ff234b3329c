// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes of somebody who is not root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Command, Stdio};

use crate::lab::{Lab, Outcome, PERNET, eventually};

const NOBODY: u32 = 65534;

/// Runs the tool as somebody without rights, with a directory for what they run.
fn as_nobody(arguments: &[&str], own: Option<&str>) -> Outcome {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", PERNET]);
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("XDG_RUNTIME_DIR");
    command.envs(own.map(|own| ("XDG_RUNTIME_DIR", own)));
    Outcome::of(command.output().unwrap())
}

fn works(arguments: &[&str]) -> String {
    let outcome = as_nobody(arguments, Some("/run/user"));
    assert_eq!((outcome.status, &*outcome.err), (0, ""), "{arguments:?}");
    outcome.out
}

fn home() {
    fs::create_dir("/run/user").unwrap();
    fs::set_permissions("/run/user", fs::Permissions::from_mode(0o700)).unwrap();
    chown("/run/user", Some(NOBODY), Some(NOBODY)).unwrap();
}

pub fn an_ordinary_user_has_nodes_too(_: &Lab) {
    home();
    works(&["node", "add", "--user", "n1", "n2"]);
    let nodes: serde_json::Value = serde_json::from_str(&works(&["node", "ls", "--json"])).unwrap();
    assert_eq!(nodes[0]["name"], "n1");
    assert_eq!(nodes[0]["state"], "running");
    let control = nodes[0]["control"].as_str().unwrap();
    let inside = works(&["vcmd", "-c", control, "--", "sh", "-c", "id -u; hostname"]);
    assert_eq!(inside, "0\nn1\n");
    works(&[
        "exec",
        "--detach",
        "n1",
        "--",
        "sh",
        "-c",
        "echo to the log",
    ]);
    let log = nodes[0]["log"].as_str().unwrap();
    eventually("the log", || {
        fs::read_to_string(log).unwrap() == "to the log\n"
    });
    works(&["node", "del", "n1"]);
    assert_eq!(works(&["cleanup"]), "node n2 (running)\n");
    assert_eq!(works(&["node", "ls"]).lines().count(), 1);
}

pub fn what_takes_root_says_so(_: &Lab) {
    home();
    for (arguments, says) in [
        (&["node", "add", "n1"][..], "--user"),
        (&["node", "adopt", "n1", "pid:1"], "only root"),
    ] {
        let outcome = as_nobody(arguments, Some("/run/user"));
        assert_eq!(outcome.status, 1);
        assert!(outcome.err.contains(says), "{}", outcome.err);
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    }
    let outcome = as_nobody(&["node", "add", "--user", "n1"], None);
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("XDG_RUNTIME_DIR"), "{}", outcome.err);
    assert_eq!(fs::read_dir("/run/user").unwrap().count(), 0);
    fs::set_permissions("/run/user", fs::Permissions::from_mode(0o777)).unwrap();
    let outcome = as_nobody(&["node", "add", "--user", "n1"], Some("/run/user"));
    assert!(
        outcome.err.contains("where others can write"),
        "{}",
        outcome.err
    );
}
