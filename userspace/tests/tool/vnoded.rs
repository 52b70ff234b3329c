// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vnoded`: making nodes, and their end.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;

use crate::core::{Node, Programs, mode, when_ready};
use crate::lab::{Lab, Outcome, eventually, run};

pub fn a_node_has_namespaces_of_its_own(_: &Lab) {
    let node = Node::of_ours("n1");
    for (kind, own) in [
        ("net", true),
        ("pid", true),
        ("mnt", true),
        ("uts", true),
        ("ipc", true),
        ("user", false),
        ("cgroup", false),
        ("time", false),
    ] {
        let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
        assert_eq!(of(&node.pid.to_string()) != of("self"), own, "{kind}");
    }
    assert_eq!(node.says(&["ls", "/sys/class/net"]), "lo\n");
    // Up would be 0x9.
    assert_eq!(node.says(&["cat", "/sys/class/net/lo/flags"]), "0x8\n");
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(node.says(&["uname", "-n"]), name);
    let said = node.says(&[
        "sh",
        "-c",
        "echo $PPID; cat /proc/$PPID/cmdline; ls -d /proc/[0-9]*",
    ]);
    assert!(said.starts_with("1\n") && said.contains("vnoded"), "{said}");
    assert_eq!(said.matches("/proc/").count(), 2, "{said}");
    // Nothing of that came out here.
    let here = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert_eq!(here.matches(" /proc ").count(), 2, "{here}");
}

pub fn its_files_are_complete_at_once(_: &Lab) {
    let node = Node::of_ours("n1");
    let pid = fs::read_to_string(&node.pid_file).unwrap();
    assert_eq!(pid, format!("{}\n", node.pid));
    assert_eq!(mode(&node.channel), 0o600);
    assert_eq!((mode(&node.pid_file), mode(&node.log)), (0o644, 0o644));
    node.says(&["true"]);
    let drafts = fs::read_dir("/run")
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let drafts: Vec<_> = drafts
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert_eq!(drafts, Vec::<std::ffi::OsString>::new());
    let children = || node.children().len();
    assert_eq!(children(), 0);
    node.stop();
    assert!(Path::new(&node.log).exists());
}

pub fn relative_paths_and_directories(_: &Lab) {
    let vnoded = Programs::ours().path("vnoded");
    fs::create_dir_all("/run/files").unwrap();
    fs::create_dir_all("/run/elsewhere").unwrap();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let output = Command::new(&vnoded)
            .args(["-v", "-c", "n1.ctl", "-p", "./n1.pid", "-l", "n1.log"])
            .args(["-C", "/run/elsewhere"])
            .current_dir("/run/files")
            .output()
            .unwrap();
        let outcome = Outcome::of(output);
        assert_eq!((outcome.status, &*outcome.err), (0, ""));
        let node = Node {
            pid: Pid::from_raw(outcome.out.trim().parse().unwrap()),
            channel: "/run/files/n1.ctl".to_owned(),
            log: "/run/files/n1.log".to_owned(),
            pid_file: "/run/files/n1.pid".to_owned(),
        };
        assert!(Path::new(&node.pid_file).exists());
        assert_eq!(node.says(&["pwd"]), "/run/elsewhere\n");
        assert!(fs::read_to_string(&node.log).unwrap().contains("pwd"));
        node.signal(signal);
        assert_eq!(node.wait(), WaitStatus::Exited(node.pid, 0));
        assert!(!node.has_files(), "files are left");
    }
}

pub fn without_namespaces_it_stays(_: &Lab) {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let child = Command::new(Programs::ours().path("vnoded"))
            .args([
                "-n",
                "-c",
                "/run/n1.ctl",
                "-p",
                "/run/n1.pid",
                "-l",
                "/run/n1.log",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let node = Node {
            pid: Pid::from_raw(child.id().try_into().unwrap()),
            channel: "/run/n1.ctl".to_owned(),
            log: "/run/n1.log".to_owned(),
            pid_file: "/run/n1.pid".to_owned(),
        };
        eventually("it is there", || {
            node.has_files() && node.vcmd(&["true"]).status == 0
        });
        let here = fs::read_link("/proc/self/ns/net").unwrap();
        let there = node.says(&["readlink", "/proc/self/ns/net"]);
        assert_eq!(there.trim(), here.to_str().unwrap());
        node.signal(signal);
        let outcome = Outcome::of(child.wait_with_output().unwrap());
        assert_eq!(
            (outcome.status, outcome.out),
            (0, format!("{}\n", node.pid))
        );
        assert!(!node.has_files(), "files are left");
    }
}

const NO_CHANNEL: &str = "no control channel given";

pub fn it_has_cores_exit_statuses(_: &Lab) {
    let ours = Programs::ours();
    let long = format!("/run/{}", "x".repeat(103));
    for (arguments, status, says) in [
        (&["-h"][..], 0, ""),
        (&["--help"], 0, ""),
        (&["-V"], 0, ""),
        (&["--version"], 0, ""),
        (&["-x", "-c", "/run/n1.ctl"], 0, "invalid option"),
        (&["--wrong"], 0, "unrecognized option"),
        (&["-c"], 0, "missing argument"),
        (&[], 0, NO_CHANNEL),
        (&["-l", "/run/n1.log"], 0, NO_CHANNEL),
        (&["-c", "/run/none/n1.ctl"], 1, "/run/none"),
        (&["-c", &long], 1, "cannot open control channel"),
        (
            &["-c", "/run/n1.ctl", "-l", "/run/none/n1.log"],
            1,
            "cannot open log",
        ),
        (
            &["-c", "/run/n1.ctl", "-g", "no-such-group"],
            1,
            "no-such-group",
        ),
    ] {
        let outcome = ours.run("vnoded", arguments);
        assert_eq!(outcome.status, status, "{arguments:?}: {}", outcome.err);
        assert!(outcome.err.contains(says), "{arguments:?}: {}", outcome.err);
        let said = [&*outcome.out, &outcome.err].concat();
        let usage = said.contains("Usage") || said.contains("version");
        assert_eq!(usage, status == 0, "{arguments:?}: {said}");
        // Whoever reads a pid finds none where the channel was forgotten.
        assert!(
            says != NO_CHANNEL || outcome.out.is_empty(),
            "{}",
            outcome.out
        );
        assert!(!Path::new("/run/n1.ctl").exists(), "{arguments:?}");
    }
    let outcome = ours.run("vnoded", &["-c", "/run/n1.ctl", "extra"]);
    assert_eq!(outcome.status, 0);
    assert!(
        outcome.err.contains("ignoring") && outcome.err.contains("extra"),
        "{}",
        outcome.err
    );
}

pub fn what_fails_leaves_nothing(_: &Lab) {
    let ours = Programs::ours();
    fs::create_dir("/run/directory").unwrap();
    let files = ["-c", "/run/n1.ctl", "-p", "/run/n1.pid"];
    for wrong in [
        &["-C", "/run/none"][..],
        &["-n", "-C", "/run/none"],
        &["-p", "/run/none/n1.pid"],
        &["-p", "/run/directory"],
        &["-n", "-p", "/run/directory"],
    ] {
        let outcome = ours.run("vnoded", &[&files[..], wrong].concat());
        assert_eq!(outcome.status, 1, "{wrong:?}");
        assert!(outcome.err.contains("/run/"), "{wrong:?}: {}", outcome.err);
        assert_eq!(crate::lab::entries("/run"), ["bin", "directory", "pernet"]);
        assert!(crate::lab::entries("/run/pernet/vnoded").is_empty());
    }
}

/// A command that goes on whatever it is asked, and says when it is there.
const STUBBORN: &[&str] = &[
    "sh",
    "-c",
    "trap '' TERM; echo; while :; do sleep 0.1; done",
];
const TIDY: &[&str] = &[
    "sh",
    "-c",
    "trap 'touch /run/tidy; exit' TERM; echo; while :; do sleep 0.05; done",
];

pub fn its_end_is_that_of_all_its_processes(_: &Lab) {
    let node = Node::of_ours("n1");
    let tidy = when_ready(node.spawn(&[], TIDY));
    let began = Instant::now();
    node.stop();
    assert!(Path::new("/run/tidy").exists(), "it was not asked to end");
    assert!(
        began.elapsed() < Duration::from_millis(1900),
        "it took the whole grace"
    );
    assert_eq!(Outcome::of(tidy.wait_with_output().unwrap()).status, 1);

    let node = Node::of_ours("n1");
    let stubborn = when_ready(node.spawn(&[], STUBBORN));
    let [process] = node.children()[..] else {
        panic!("{:?}", node.children());
    };
    let began = Instant::now();
    node.signal(Signal::SIGINT);
    eventually("its files go first", || !node.has_files());
    assert!(began.elapsed() < Duration::from_millis(1900));
    assert_eq!(node.wait(), WaitStatus::Exited(node.pid, 0));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1900), "no grace: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(kill(process, None).is_err(), "the command lives on");
    stubborn.wait_with_output().unwrap();
}

pub fn it_holds_on_to_nothing_of_its_callers(_: &Lab) {
    let ours = Programs::ours();
    let script = format!(
        "exec 5</etc/passwd 6>/run/extra 9</dev/zero; {} -c /run/n1.ctl -l /run/n1.log -p /run/n1.pid",
        ours.path("vnoded")
    );
    let outcome = run("sh", &["-c", &script]);
    assert_eq!((outcome.status, &*outcome.err), (0, ""));
    let node = Node {
        pid: Pid::from_raw(outcome.out.trim().parse().unwrap()),
        channel: "/run/n1.ctl".to_owned(),
        log: "/run/n1.log".to_owned(),
        pid_file: "/run/n1.pid".to_owned(),
    };
    node.says(&["true"]);
    let expected = || {
        let mut found = node.descriptors();
        found.retain(|target| !target.starts_with("socket:["));
        found
    };
    // The directories are those of the socket, of the pid file and of the record.
    let idle = [
        "/dev/null",
        "/run",
        "/run",
        "/run/n1.log",
        "/run/n1.log",
        "/run/pernet/vnoded",
        "anon_inode:[eventpoll]",
        "anon_inode:[signalfd]",
    ];
    eventually("the client is gone", || {
        node.descriptors().len() == idle.len() + 1
    });
    assert_eq!(expected(), idle);
}

pub fn a_full_log_is_no_end(_: &Lab) {
    let ours = Programs::ours();
    let outcome = ours.run("vnoded", &["-v", "-c", "/run/n1.ctl", "-l", "/dev/full"]);
    assert_eq!((outcome.status, &*outcome.err), (0, ""));
    for _ in 0..3 {
        let outcome = ours.run("vcmd", &["-c", "/run/n1.ctl", "--", "true"]);
        assert_eq!((outcome.status, &*outcome.err), (0, ""));
        let outcome = ours.run("vcmd", &["-q", "-c", "/run/n1.ctl", "--", "no-such"]);
        assert_eq!(outcome.status, 127);
    }
}

pub fn orphans_are_reaped(_: &Lab) {
    let node = Node::of_ours("n1");
    for _ in 0..5 {
        node.says(&["sh", "-c", "(sleep 0.05; exit 3) >/dev/null & exit 0"]);
    }
    eventually("no process is left", || node.children().is_empty());
    node.says(&["true"]);
}

pub fn a_pid_that_cannot_be_said_leaves_nothing(_: &Lab) {
    let vnoded = Programs::ours().path("vnoded");
    let script = format!("{vnoded} -c /run/n1.ctl -p /run/n1.pid >/dev/full");
    let outcome = run("sh", &["-c", &script]);
    assert_eq!(outcome.status, 1);
    assert!(outcome.err.contains("standard output"), "{}", outcome.err);
    assert_eq!(crate::lab::entries("/run"), ["bin", "pernet"]);
    assert!(crate::lab::entries("/run/pernet/vnoded").is_empty());
    eventually("no process is left", || {
        let script = "ls -d /proc/[0-9]* | wc -l";
        let count = run("sh", &["-c", script]).out;
        count.trim().parse::<u32>().unwrap() <= 4
    });
}
