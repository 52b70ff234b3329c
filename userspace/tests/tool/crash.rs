// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tool killed at every step of what it does, and `pernet cleanup` after it:
//! the machine must be as it was before, with all that others made on it.
//!
//! A step is a system call that changes something, of the tool or of a process
//! that it made. The tool is traced (ptrace(2)), and killed just before its Nth
//! step, for every N there is.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::lab::{Lab, PERNET, eventually};

/// System calls that change what others see, or bring processes into the world.
const STEPS: &[libc::c_long] = &[
    libc::SYS_bind,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_kill,
    libc::SYS_linkat,
    libc::SYS_listen,
    libc::SYS_mkdirat,
    libc::SYS_mount,
    libc::SYS_openat,
    libc::SYS_pidfd_send_signal,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unlinkat,
    libc::SYS_unshare,
    libc::SYS_write,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_unlink,
];

/// More steps than anything takes, so that a test that goes wrong has an end.
const MOST_STEPS: usize = 2000;

/// Starts the tool, stopped before its first step, and traced.
fn start(arguments: &[&str]) -> Pid {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -STOP $$; exec \"$@\"", "sh", PERNET]);
    #[expect(clippy::zombie_processes, reason = "waitpid is called below")]
    let child = command.args(arguments).spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    pid
}

/// Runs the tool and kills it before its step number `last`; false when it ended
/// before.
fn killed_at(arguments: &[&str], last: usize) -> bool {
    let tool = start(arguments);
    let (mut steps, mut begun, mut entered) = (0, false, BTreeSet::new());
    loop {
        let status = waitpid(None::<Pid>, Some(WaitPidFlag::__WALL)).unwrap();
        let pid = status.pid().unwrap();
        match status {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                if pid == tool {
                    return false;
                }
            }
            WaitStatus::PtraceSyscall(_) => {
                // Entries and returns take turns.
                let entry = entered.insert(pid) || !entered.remove(&pid);
                if entry && begun && is_step(pid) {
                    steps += 1;
                    if steps == last {
                        if pid != tool {
                            // It is let go before it can be stopped once more.
                            let _ = ptrace::detach(pid, None);
                        }
                        end(tool);
                        return true;
                    }
                }
                go_on(pid, None);
            }
            WaitStatus::PtraceEvent(_, _, event) => {
                // The shell has become the tool.
                begun |= event == libc::PTRACE_EVENT_EXEC;
                go_on(pid, None);
            }
            WaitStatus::Stopped(_, Signal::SIGSTOP | Signal::SIGTRAP) => go_on(pid, None),
            WaitStatus::Stopped(_, signal) => go_on(pid, Some(signal)),
            _ => go_on(pid, None),
        }
    }
}

fn go_on(pid: Pid, signal: Option<Signal>) {
    // It may have been killed meanwhile, by the tool itself say.
    let _ = ptrace::syscall(pid, signal);
}

#[cfg(target_arch = "x86_64")]
fn is_step(pid: Pid) -> bool {
    ptrace::getregs(pid).is_ok_and(|registers| {
        let call = registers.orig_rax as libc::c_long;
        // Opening a file is one only where that may make it.
        let makes = call != libc::SYS_openat || registers.rdx & libc::O_CREAT as u64 != 0;
        STEPS.contains(&call) && makes
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn is_step(_: Pid) -> bool {
    true
}

/// Kills the tool. What it has made goes on by itself.
fn end(tool: Pid) {
    kill(tool, Signal::SIGKILL).unwrap();
    let ended = |status| matches!(status, WaitStatus::Signaled(..) | WaitStatus::Exited(..));
    while !ended(waitpid(tool, Some(WaitPidFlag::__WALL)).unwrap()) {}
    for pid in processes().into_iter().filter(|pid| is_traced(*pid)) {
        let _ = ptrace::interrupt(pid);
        let stopped = waitpid(pid, Some(WaitPidFlag::__WALL)).unwrap();
        if !ended(stopped) {
            ptrace::detach(pid, None).unwrap();
        }
    }
}

fn is_traced(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let tracer = format!("TracerPid:\t{}\n", std::process::id());
    status.contains(&tracer)
}

/// Reaps what ended, as the first process of a pid namespace must.
fn reap() {
    while let Ok(status) = waitpid(
        None::<Pid>,
        Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL),
    ) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

/// The processes there are, but this one.
fn processes() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pid = |entry: fs::DirEntry| Some(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let mut pids: Vec<_> = entries.filter_map(pid).collect();
    pids.retain(|pid| *pid != nix::unistd::getpid());
    pids
}

/// Mounts, which the records know nothing of.
fn mounts() -> usize {
    fs::read_to_string("/proc/self/mountinfo")
        .unwrap()
        .lines()
        .count()
}

/// What differs from `before` for good, if anything does.
fn difference(lab: &Lab, before: &BTreeSet<String>) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..200 {
        left = lab.state().symmetric_difference(before).cloned().collect();
        if left.is_empty() {
            break;
        }
        // Devices of a namespace go in the background.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    left
}

/// What others have on the machine.
fn make_foreign(lab: &Lab) {
    lab.command("ip", &["netns", "add", "foreign"]);
    for arguments in [
        "link add veth0 type veth peer name veth1",
        "link add b.1.1 type bridge",
        "link add n9.eth0 type veth peer name eth0 netns foreign",
    ] {
        let arguments: Vec<_> = arguments.split(' ').collect();
        lab.command("ip", &arguments);
    }
    // What the first node makes and no deletion takes away is there before.
    lab.pernet(&["node", "add", "n1"]);
    lab.pernet(&["bridge", "add", "br"]);
    lab.pernet(&["link", "add", "n1:eth0", "--bridge", "br"]);
    lab.pernet(&["cleanup"]);
}

/// Kills `victim` at every step, each time after `preparation`.
fn kill_everywhere(lab: &Lab, preparation: &[&[&str]], victim: &[&str]) {
    make_foreign(lab);
    reap();
    let (state, mounted) = (lab.state(), mounts());
    for step in 1..MOST_STEPS {
        for arguments in preparation {
            lab.pernet(arguments);
        }
        let killed = killed_at(victim, step);
        let cleaned = lab.run(&["cleanup"]);
        assert_eq!(
            cleaned.status, 0,
            "after step {step} of {victim:?}: {}",
            cleaned.err
        );
        eventually("no process is left", || {
            reap();
            processes().is_empty()
        });
        let left = difference(lab, &state);
        assert!(left.is_empty(), "after step {step} of {victim:?}: {left:?}");
        assert_eq!(mounts(), mounted, "after step {step} of {victim:?}");
        assert_eq!(lab.pernet(&["cleanup"]), "", "after step {step}");
        if !killed {
            assert!(step > 5, "{victim:?} took only {step} steps");
            return;
        }
    }
    panic!("{victim:?} had no end");
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
        !std::path::Path::new(&format!("/proc/{}/exe", killed.trim())).exists()
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
