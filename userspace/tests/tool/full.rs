// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes with a first process, and what runs in them.

use std::fs;

use crate::lab::{Lab, eventually};

/// Makes a node with a first process; returns its pid.
pub fn node(lab: &Lab, name: &str) -> String {
    lab.pernet(&["node", "add", name]);
    lab.json(&["node", "show", name, "--json"])["pid"].to_string()
}

/// Pids of the processes whose command line is this.
pub fn pids(command: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<_> = line.split(|&byte| byte == 0).collect();
        let is_it = words.join(&b' ').strip_suffix(b" ")? == command.as_bytes();
        is_it.then(|| entry.file_name().into_string().unwrap())
    });
    pids.collect()
}

/// Waits until such a process runs; returns its pid.
pub fn runs(command: &str) -> String {
    eventually(command, || !pids(command).is_empty());
    pids(command).remove(0)
}

pub fn is_gone(command: &str) {
    eventually(&format!("no {command}"), || pids(command).is_empty());
}

/// What proc(5) says of a process in this field of its status.
pub fn status(pid: &str, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap().trim_start_matches(':').trim().to_owned()
}
