// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet monitor` where the module is not.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::lab::{Lab, Outcome};

/// A monitor that is ended with the test.
struct Monitor {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Monitor {
    fn start(lab: &Lab) -> Self {
        Self::start_with(lab, &[])
    }

    fn start_with(lab: &Lab, arguments: &[&str]) -> Self {
        let mut process = lab.spawn(&[&["monitor", "--json"], arguments].concat());
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Monitor { process, lines }
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next().unwrap().unwrap();
        let piece: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(piece["version"], 1, "{piece}");
        piece
    }

    /// The next that is of this kind, about this file.
    fn event(&mut self, kind: &str, path: &str) -> Value {
        loop {
            let piece = self.next();
            if piece["event"] == kind && piece["path"] == path {
                return piece;
            }
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn the_state_comes_first_and_then_names_that_come_and_go(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    let mut monitor = Monitor::start(lab);
    let state = monitor.next();
    assert_eq!(
        (&state["type"], &state["source"]),
        (&"state".into(), &"kernel".into())
    );
    let namespaces = state["namespaces"].as_array().unwrap();
    let n1 = (namespaces.iter()).find(|namespace| namespace["name"] == "n1");
    let cookie = n1.unwrap()["cookie"].clone();

    lab.pernet(&["node", "add", "--net-only", "n2"]);
    let bound = monitor.event("bound", "/run/netns/n2");
    assert_eq!(
        (&bound["type"], &bound["name"]),
        (&"event".into(), &"n2".into())
    );
    let n2 = lab.json(&["stat", "--json", "n2"]);
    assert_eq!(bound["cookie"], n2["namespaces"][0]["cookie"]);
    assert!(bound["time_ns"].as_u64() > state["time_ns"].as_u64());
    lab.pernet(&["node", "del", "n1"]);
    assert_eq!(monitor.event("unbound", "/run/netns/n1")["cookie"], cookie);
}

pub fn it_ends_with_those_that_it_watches(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["node", "add", "--net-only", "n2", "n3"]);
    let mut monitor = Monitor::start_with(lab, &["--buffer", "65536", "n1", "n2"]);
    let state = monitor.next();
    let namespaces = state["namespaces"].as_array().unwrap();
    assert_eq!(namespaces.len(), 2, "{state}");
    let mut cookies = namespaces
        .iter()
        .map(|it| (it["name"].clone(), it["cookie"].clone()));
    for name in ["n3", "n1", "n2"] {
        lab.pernet(&["node", "del", name]);
    }
    let died: Vec<Value> = (monitor.lines.by_ref())
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .filter(|piece| piece["event"] == "died")
        .collect();
    assert_eq!(monitor.process.wait().unwrap().code(), Some(0));
    assert_eq!(died.len(), 2, "{died:?}");
    assert!(cookies.all(|(name, cookie)| {
        died.iter()
            .any(|piece| piece["name"] == name && piece["cookie"] == cookie)
    }));
    // It has given no id where it was asked.
    assert_eq!(
        lab.json(&["stat", "--json"])["namespaces"][0]["nsid"],
        Value::Null
    );
}

/// It cannot read while it is stopped, and there is not much room.
pub fn what_there_is_no_room_for_is_reported(lab: &Lab) {
    let mut monitor = Monitor::start_with(lab, &["--buffer", "4096"]);
    monitor.next();
    let pid = Pid::from_raw(monitor.process.id().try_into().unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    for n in 0..40 {
        let name = format!("n{n}");
        lab.command("ip", &["netns", "add", &name]);
        lab.command("ip", &["netns", "set", &name, "auto"]);
    }
    kill(pid, Signal::SIGCONT).unwrap();
    while monitor.next()["type"] != "overrun" {}
    let state = monitor.next();
    assert_eq!(state["namespaces"].as_array().map(Vec::len), Some(41));
}

pub fn without_the_module_it_says_what_it_can_tell(lab: &Lab) {
    let mut monitor = lab.spawn(&["monitor"]);
    let mut first = String::new();
    let out = monitor.stdout.as_mut().unwrap();
    BufReader::new(out).read_line(&mut first).unwrap();
    assert!(first.contains(": is there, devices lo"), "{first}");
    monitor.kill().unwrap();
    let outcome = Outcome::of(monitor.wait_with_output().unwrap());
    assert!(
        outcome.err.contains("without the module pernet"),
        "{}",
        outcome.err
    );
    let outcome = lab.run(&["monitor", "--source", "module"]);
    assert_eq!((outcome.status, &*outcome.out), (3, ""));
}
