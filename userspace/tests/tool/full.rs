// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nodes with a first process, and what runs in them.

use std::fs;

use crate::lab::{Lab, eventually};

/// Makes a node with a first process; returns its pid.
pub fn node(lab: &Lab, name: &str) -> String {
    let channel = format!("/run/{name}.ctl");
    let pid = lab.pernet(&["vnoded", "-c", &channel]).trim().to_owned();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let start_time = fields.split_whitespace().nth(22 - 3).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let record = format!(
        r#"{{"boot":"{}","kind":"full","cookie":null,"named":false,
            "process":{{"pid":{pid},"start_time":{start_time}}}}}"#,
        boot.trim()
    );
    fs::create_dir_all("/run/pernet/nodes").unwrap();
    fs::write(format!("/run/pernet/nodes/{name}"), record).unwrap();
    pid
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
