// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tool killed at every step of what it does, and `pernet cleanup` after it:
//! the machine must be as it was before, with all that others made on it.
//!
//! And interrupted at every step, where it has to undo what it began, or be done.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command};

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::lab::{Lab, PERNET, eventually, run};
use crate::traced::{child_stopped_at, processes, reap, stopped_at};

/// More steps than anything takes, so that a test that goes wrong has an end.
const MOST_STEPS: usize = 2000;

/// Mounts below the test's own /run: where they are and what they show. Others are
/// the machine's, where things go on.
fn mounts() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts: Vec<Vec<&str>> = (text.lines())
        .map(|line| line.split(' ').take(5).collect())
        .collect();
    let run = mounts.iter().rfind(|mount| mount[4] == "/run").unwrap()[0];
    let mut below = BTreeSet::from([run]);
    // A mount comes after the one that it is on.
    for mount in &mounts {
        if below.contains(mount[1]) {
            below.insert(mount[0]);
        }
    }
    let is_below = |mount: &&Vec<&str>| below.contains(mount[0]);
    (mounts.iter().filter(is_below))
        .map(|mount| mount.join(" "))
        .collect()
}

/// What there is, as the tool's records and others' means show it.
fn everything(lab: &Lab) -> BTreeSet<String> {
    let mut found = lab.state();
    for listing in [
        "ip -o link",
        "ip -o address",
        "ip -n foreign -o link",
        "ip -n foreign -o address",
        "ip netns",
        "lsns --noheadings --raw --output NS,TYPE,NSFS",
    ] {
        let words: Vec<_> = listing.split(' ').collect();
        let out = undisturbed(words[0], &words[1..]);
        found.extend(
            out.lines()
                .map(|line| format!("{listing}: {}", settled(line))),
        );
    }
    let command = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let listed = processes().into_iter();
    found.extend(listed.map(|pid| format!("process {pid}: {}", command(pid))));
    found.extend(mounts().into_iter().map(|mount| format!("mount {mount}")));
    found
}

/// What a listing says when nothing changes meanwhile, which ip complains of.
fn undisturbed(program: &str, arguments: &[&str]) -> String {
    let mut listed = String::new();
    eventually("a listing that is whole", || {
        let outcome = run(program, arguments);
        listed = outcome.out;
        (outcome.status, &*outcome.err) == (0, "")
    });
    listed
}

/// A device's description without what the kernel finds out a while later.
fn settled(line: &str) -> String {
    let line = line.replace("NO-CARRIER,", "");
    line.replace(" state UNKNOWN ", " ")
        .replace(" state DOWN ", " ")
}

/// What differs from `before` for good, if anything does.
fn difference(lab: &Lab, before: &BTreeSet<String>) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..200 {
        reap();
        left = (everything(lab).symmetric_difference(before))
            .cloned()
            .collect();
        if left.is_empty() {
            break;
        }
        // Devices of a namespace go in the background.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    left
}

/// What others have on the machine: devices that look like pernet's or CORE's, a
/// bridge with a port, a name, a node that they made without pernet.
fn make_foreign(lab: &Lab) -> Foreign {
    lab.command("ip", &["netns", "add", "foreign"]);
    for arguments in [
        "link add veth0 type veth peer name veth1",
        "link add b.1.1 type bridge",
        "link add n9.eth0 type veth peer name eth0 netns foreign",
        "link set n9.eth0 master b.1.1",
        "address add 10.9.9.1/24 dev b.1.1",
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        lab.command("ip", &arguments);
    }
    let node = (Command::new("unshare"))
        .args(["--net", "--mount", "--uts", "--ipc", "sleep", "600"])
        .spawn()
        .unwrap();
    let comm = format!("/proc/{}/comm", node.id());
    eventually("the foreign node is there", || {
        fs::read_to_string(&comm).unwrap() == "sleep\n"
    });
    // What the first node makes and no deletion takes away is there before.
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0", "--bridge", "br"]);
    lab.pernet(&["cleanup"]);
    reap();
    Foreign(node)
}

/// The process of the foreign node, which must live as long as this.
struct Foreign(Child);

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills `victim` at every step, each time after `preparation`.
fn kill_everywhere(lab: &Lab, preparation: &[&[&str]], victim: &[&str]) {
    let _foreign = make_foreign(lab);
    let before = everything(lab);
    for step in 1..MOST_STEPS {
        for arguments in preparation {
            lab.pernet(arguments);
        }
        let stopped = stopped_at(victim, step);
        let killed = stopped.map(|tool| tool.kill()).is_some();
        let cleaned = lab.run(&["cleanup"]);
        assert_eq!(
            cleaned.status, 0,
            "after step {step} of {victim:?}: {}",
            cleaned.err
        );
        let left = difference(lab, &before);
        assert!(left.is_empty(), "after step {step} of {victim:?}: {left:?}");
        assert_eq!(lab.pernet(&["cleanup"]), "", "after step {step}");
        if !killed {
            assert!(step > 5, "{victim:?} took only {step} steps");
            return;
        }
    }
    panic!("{victim:?} had no end");
}

/// Interrupts `victim` at every step, each time after `preparation`: it must end
/// with what was there before, or else be done, and `undone` by that.
fn interrupt_everywhere(lab: &Lab, preparation: &[&[&str]], victim: &[&str], undone: &[&str]) {
    let _foreign = make_foreign(lab);
    let mut outcomes = BTreeSet::new();
    preparation
        .iter()
        .for_each(|arguments| drop(lab.pernet(arguments)));
    reap();
    let before = everything(lab);
    for step in 1..MOST_STEPS {
        let Some(stopped) = stopped_at(victim, step) else {
            assert!(outcomes.contains(&130), "{victim:?}: {outcomes:?}");
            return;
        };
        let status = match stopped.signal(Signal::SIGINT) {
            WaitStatus::Exited(_, status) => status,
            // Nothing had been begun.
            WaitStatus::Signaled(..) => 130,
            status => panic!("{status:?}"),
        };
        outcomes.insert(status);
        if status == 0 {
            lab.pernet(undone);
        }
        let left = difference(lab, &before);
        assert!(
            left.is_empty(),
            "{status} after step {step} of {victim:?}: {left:?}"
        );
    }
    panic!("{victim:?} had no end");
}

pub fn an_interrupt_anywhere_undoes_node_add(lab: &Lab) {
    lab.pernet(&["node", "add", "first"]);
    let victim = ["node", "add", "n1", "n2"];
    interrupt_everywhere(lab, &[], &victim, &["node", "del", "n1", "n2"]);
}

pub fn an_interrupt_anywhere_undoes_link_add(lab: &Lab) {
    let preparation: &[&[&str]] = &[
        &["node", "add", "n1"],
        &["bridge", "add", "br"],
        // It makes directories that stay.
        &["link", "add", "n1:eth9", "here"],
    ];
    let victim = [
        "link",
        "add",
        "n1:eth0=10.0.0.1/24",
        "port",
        "--bridge",
        "br",
    ];
    interrupt_everywhere(lab, preparation, &victim, &["link", "del", "port"]);
}

pub fn an_interrupt_anywhere_undoes_bridge_add(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["bridge", "add", "first"]];
    let victim = ["bridge", "add", "br"];
    interrupt_everywhere(lab, preparation, &victim, &["bridge", "del", "br"]);
}

pub fn node_add_can_be_killed_anywhere(lab: &Lab) {
    kill_everywhere(lab, &[], &["node", "add", "n1", "n2"]);
}

pub fn vnoded_can_be_killed_anywhere(lab: &Lab) {
    fs::create_dir("/run/core").unwrap();
    let control = "/run/core/n1.ctl";
    let victim = ["vnoded", "-c", control, "-p", "/run/core/n1.pid"];
    kill_everywhere(lab, &[], &victim);
}

pub fn node_add_net_only_can_be_killed_anywhere(lab: &Lab) {
    kill_everywhere(lab, &[], &["node", "add", "--net-only", "n1"]);
}

pub fn link_add_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["node", "add", "n1"], &["node", "add", "--net-only", "n2"]];
    let ends = ["n1:eth0=10.0.0.1/24", "n2:eth0=10.0.0.2/24"];
    kill_everywhere(lab, preparation, &["link", "add", ends[0], ends[1]]);
}

pub fn link_add_to_a_bridge_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["bridge", "add", "br"]];
    kill_everywhere(
        lab,
        preparation,
        &["link", "add", "x=10.0.0.1/24", "y", "--bridge", "br"],
    );
}

pub fn bridge_add_can_be_killed_anywhere(lab: &Lab) {
    kill_everywhere(lab, &[], &["bridge", "add", "br"]);
}

pub fn node_del_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[
        &["node", "add", "n1", "n2"],
        &["link", "add", "n1:eth0", "n2:eth0"],
        &["link", "add", "n1:eth1", "here"],
    ];
    kill_everywhere(lab, preparation, &["node", "del", "n1"]);
}

pub fn link_del_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[&["link", "add", "x", "y"]];
    kill_everywhere(lab, preparation, &["link", "del", "x"]);
}

pub fn cleanup_can_be_killed_anywhere(lab: &Lab) {
    let preparation: &[&[&str]] = &[
        &["node", "add", "n1"],
        &["bridge", "add", "br"],
        &["link", "add", "n1:eth0", "--bridge", "br"],
        &["link", "add", "x", "y"],
    ];
    kill_everywhere(lab, preparation, &["cleanup"]);
}

pub fn cleanup_says_what_it_removes(lab: &Lab) {
    assert_eq!(lab.pernet(&["cleanup"]), "");
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0", "--bridge", "br"]);
    lab.pernet(&["link", "add", "x", "y"]);
    lab.pernet(&["vnoded", "-c", "/run/core.ctl", "-p", "/run/core.pid"]);
    // It leaves its files behind when it is killed.
    let killed = lab.pernet(&["vnoded", "-c", "/run/killed.ctl", "-p", "/run/killed.pid"]);
    lab.command("kill", &["-9", killed.trim()]);
    eventually("it is gone", || {
        let said = lab.pernet(&["cleanup", "--dry-run"]);
        said.contains("/run/killed.ctl (gone)")
    });
    let before = lab.state();
    let said = lab.pernet(&["cleanup", "--dry-run"]);
    assert_eq!(lab.state(), before);
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    let expected = [
        "bridge br",
        "link n1.eth0 - n1:eth0",
        "link x - y",
        "node n1 (running)",
        "vnoded /run/core.ctl (running)",
        "vnoded /run/killed.ctl (gone)",
    ];
    assert_eq!(lines, expected);
    assert_eq!(lab.pernet(&["cleanup"]), said);
    assert_eq!(lab.pernet(&["cleanup"]), "");
}

pub fn what_a_node_made_in_itself_is_cleaned_up_too(lab: &Lab) {
    lab.pernet(&["node", "add", "outer"]);
    let before = lab.state();
    lab.pernet(&["exec", "outer", "--", PERNET, "node", "add", "inner"]);
    let inner = lab.json(&["node", "show", "inner", "--json"]);
    assert_eq!(inner["state"], "running");
    let pid = inner["pid"].to_string();
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_eq!(comm, "pernet\n");
    lab.pernet(&["node", "del", "inner"]);
    eventually("it has ended", || {
        !fs::exists(format!("/proc/{pid}/exe")).unwrap()
    });
    assert_eq!(lab.state(), before);
}

pub fn cores_cleanup_removes_what_is_ours(lab: &Lab) {
    lab.command("ip", &["link", "add", "veth0", "type", "bridge"]);
    let before = lab.state();
    lab.pernet(&["vnoded", "-c", "/run/n1.ctl"]);
    lab.pernet(&["node", "add", "n1"]);
    let said = lab.pernet(&["core-cleanup", "-d"]);
    let expected = "removed node n1 (running)\nremoved vnoded /run/n1.ctl (running)\n";
    assert_eq!(said, expected);
    assert_eq!(lab.state(), before);
    assert_eq!(lab.pernet(&["core-cleanup"]), "");
}

/// Where the next process gets its number from.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

pub fn a_pid_that_is_anothers_now_is_left_alone(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    let node = lab.json(&["node", "show", "n1", "--json"])["pid"].to_string();
    let files = ["-c", "/run/n2.ctl", "-p", "/run/n2.pid"];
    let vnoded = lab.pernet(&[&["vnoded"], &files[..]].concat());
    let ended = [&node, vnoded.trim()];
    // A process is told from another by the hundredth of a second it began in.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let others = ended.map(|pid| {
        lab.command("kill", &["-9", pid]);
        eventually("it is gone", || {
            reap();
            !fs::exists(format!("/proc/{pid}")).unwrap()
        });
        let before = pid.parse::<u32>().unwrap() - 1;
        fs::write(LAST_PID, before.to_string()).unwrap();
        let other = Command::new("sleep").arg("600").spawn().unwrap();
        assert_eq!(other.id().to_string(), pid, "the pid is not used again");
        other
    });
    let said = lab.pernet(&["cleanup"]);
    assert_eq!(said, "node n1 (stopped)\nvnoded /run/n2.ctl (gone)\n");
    for mut other in others {
        assert!(other.try_wait().unwrap().is_none(), "another was ended");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

pub fn devices_that_took_the_place_of_ours_are_left_alone(lab: &Lab) {
    lab.pernet(&["link", "add", "x", "y"]);
    lab.pernet(&["bridge", "add", "switch"]);
    let ip = |arguments: &str| {
        let words: Vec<_> = arguments.split(' ').collect();
        lab.command("ip", &words)
    };
    let index = |device: &str| {
        let listed = ip(&format!("-o link show {device}"));
        listed.split_once(':').unwrap().0.to_owned()
    };
    let [x, switch] = ["x", "switch"].map(index);
    ip("link del x");
    ip("link del switch");
    // The name and the number of an end of ours, and the number of the bridge.
    ip(&format!("link add x index {x} type veth peer name z"));
    ip(&format!("link add mine index {switch} type bridge"));
    let devices = ip("-o link");
    assert_eq!(lab.pernet(&["cleanup"]), "");
    assert_eq!(ip("-o link"), devices);
}

pub fn devices_of_ours_that_were_changed_are_removed(lab: &Lab) {
    let before = lab.command("ip", &["-o", "link"]);
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["link", "add", "x", "y"]);
    lab.pernet(&["bridge", "add", "switch"]);
    for arguments in [
        "link set x address 02:00:00:00:00:01 name x2",
        "link set y netns n1 name y2",
        "link set switch address 02:00:00:00:00:02",
    ] {
        let words: Vec<_> = arguments.split(' ').collect();
        lab.command("ip", &words);
    }
    lab.pernet(&["cleanup"]);
    assert_eq!(lab.command("ip", &["-o", "link"]), before);
}

/// Whoever acts is killed, the tool or a node's first process: where it is that
/// one, the tool says so and undoes what it has made, without any cleanup.
pub fn a_first_process_can_die_anywhere(lab: &Lab) {
    let _foreign = make_foreign(lab);
    let before = everything(lab);
    let mut undone = 0;
    for step in 1..MOST_STEPS {
        let Some(stopped) = child_stopped_at(&["node", "add", "n1"], step) else {
            assert!(undone > 5, "it had only {undone} steps");
            return;
        };
        match stopped.kill_acting() {
            WaitStatus::Exited(_, 1) => undone += 1,
            // The node was ready before.
            WaitStatus::Exited(_, 0) => {
                lab.run(&["cleanup"]);
            }
            status => panic!("{status:?}"),
        }
        let left = difference(lab, &before);
        assert!(left.is_empty(), "after step {step}: {left:?}");
    }
    panic!("it had no end");
}
