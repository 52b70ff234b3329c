// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec` in nodes with a first process, and its options.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use crate::full;
use crate::lab::{Lab, eventually, run};

const BOTH: [&str; 2] = ["full", "plain"];

/// A node of each kind.
fn nodes(lab: &Lab) -> String {
    lab.pernet(&["node", "add", "--net-only", BOTH[1]]);
    full::node(lab, BOTH[0])
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert_eq!(run("kill", &["-s", name, &pid]).status, 0);
}

pub fn all_namespaces_are_the_nodes(lab: &Lab) {
    let pid = nodes(lab);
    let list = "cd /proc/self/ns; readlink mnt pid net uts ipc user cgroup";
    let path = format!("/proc/{pid}/ns");
    let theirs = lab.command("sh", &["-c", &list.replace("/proc/self/ns", &path)]);
    for form in ["full", "name:full"] {
        assert_eq!(
            lab.pernet(&["exec", form, "sh", "-c", list]),
            theirs,
            "{form}"
        );
        // /proc is the node's, and the command is in it.
        let out = lab.pernet(&["exec", form, "--", "cat", "/proc/1/comm"]);
        assert_eq!(out, "pernet\n");
    }
    // Where it is named in another way only the network is meant.
    let form = format!("pid:{pid}");
    let seen = lab.pernet(&["exec", &form, "sh", "-c", list]);
    let same = seen.lines().zip(theirs.lines()).filter(|(a, b)| a == b);
    let same: Vec<_> = same.map(|(kind, _)| kind.split(':').next()).collect();
    assert_eq!(same, [Some("net"), Some("user"), Some("cgroup")]);
}

pub fn statuses_in_a_node(lab: &Lab) {
    nodes(lab);
    for (command, status, says) in [
        (&["true"][..], 0, ""),
        (&["sh", "-c", "exit 7"], 7, ""),
        (
            &["/etc/passwd"],
            126,
            "cannot run /etc/passwd: Permission denied",
        ),
        (
            &["no-such-command"],
            127,
            "cannot run no-such-command: No such file",
        ),
        (&["sh", "-c", "kill -9 $$"], 137, ""),
    ] {
        let outcome = lab.run(&[&["exec", "full", "--"], command].concat());
        assert_eq!(outcome.status, status, "{command:?}: {}", outcome.err);
        assert!(outcome.err.contains(says), "{}", outcome.err);
        assert_eq!(outcome.err.lines().count(), usize::from(!says.is_empty()));
    }
}

pub fn a_caller_that_ignores_its_children_is_told(lab: &Lab) {
    full::node(lab, "full");
    let exec = format!("trap '' CHLD; exec {} exec", crate::lab::PERNET);
    for (words, status) in [
        ("full sh -c 'exit 3'", 3),
        ("full full -- sh -c 'exit 4'", 4),
        ("--detach full true", 0),
    ] {
        let outcome = run("sh", &["-c", &format!("{exec} {words}")]);
        assert_eq!((outcome.status, &*outcome.err), (status, ""), "{words}");
    }
}

pub fn signals_reach_the_whole_group(lab: &Lab) {
    full::node(lab, "full");
    let mut client = lab.spawn(&["exec", "full", "--", "sh", "-c", "sleep 1001 & wait"]);
    let sleep = full::runs("sleep 1001");
    // Stopping and going on, too, of the command and of who waits for it.
    let pid = client.id().to_string();
    for (name, state) in [("TSTP", "T (stopped)"), ("CONT", "S (sleeping)")] {
        signal(&client, name);
        eventually(name, || {
            [&sleep, &pid]
                .iter()
                .all(|pid| full::status(pid, "State") == state)
        });
    }
    signal(&client, "TERM");
    assert_eq!(client.wait().unwrap().code(), Some(143));
    full::is_gone("sleep 1001");
}

pub fn a_command_dies_with_its_client(lab: &Lab) {
    full::node(lab, "full");
    for options in [&["exec", "full"][..], &["exec", "full", "full"]] {
        let mut client = lab.spawn(&[options, &["--", "sleep", "1002"]].concat());
        full::runs("sleep 1002");
        client.kill().unwrap();
        assert_eq!(client.wait().unwrap().signal(), Some(9));
        full::is_gone("sleep 1002");
    }
}

pub fn a_detached_command_stays(lab: &Lab) {
    let first = nodes(lab);
    let pid = lab.pernet(&["exec", "--detach", "full", "--", "sleep", "1003"]);
    let pid = pid.trim();
    assert_eq!(full::runs("sleep 1003"), pid);
    assert_eq!(full::status(pid, "PPid"), first);
    // It writes to the node's log.
    let log = "/run/pernet/log/full";
    for (descriptor, expected) in [(0, "/dev/null"), (1, log), (2, log)] {
        let file = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
        assert_eq!(file.to_str(), Some(expected));
    }
    fs::write(log, "before\n").unwrap();
    lab.pernet(&[
        "exec",
        "--detach",
        "full",
        "--",
        "sh",
        "-c",
        "echo out; echo err >&2",
    ]);
    eventually("the log", || {
        fs::read_to_string("/run/pernet/log/full").unwrap() == "before\nout\nerr\n"
    });
    let outcome = lab.run(&["exec", "--detach", "full", "--", "no-such-command"]);
    assert_eq!((outcome.status, &*outcome.out), (127, ""));
    assert!(
        outcome.err.contains("cannot run no-such-command"),
        "{}",
        outcome.err
    );

    let pid = lab.pernet(&["exec", "--detach", "plain", "--", "sleep", "1004"]);
    assert_eq!(full::runs("sleep 1004"), pid.trim());
    assert_eq!(run("kill", &[pid.trim()]).status, 0);
}

pub fn time_is_limited(lab: &Lab) {
    nodes(lab);
    for node in BOTH {
        let outcome = lab.run(&["exec", "--timeout", "60", node, "sh", "-c", "exit 3"]);
        assert_eq!((outcome.status, &*outcome.err), (3, ""));
        let outcome = lab.run(&[
            "exec",
            "--timeout",
            "0.1",
            node,
            "sh",
            "-c",
            "sleep 1005 & wait",
        ]);
        assert_eq!(outcome.status, 124);
        assert!(
            outcome.err.contains("not done within 0.1 s"),
            "{}",
            outcome.err
        );
        assert_eq!(outcome.err.lines().count(), 1);
        full::is_gone("sleep 1005");
    }
    // What will not hear of it, and what is stopped, is ended as well.
    for script in ["trap '' TERM; sleep 1006 & wait; wait", "kill -STOP $$"] {
        let outcome = lab.run(&["exec", "--timeout", "0.1", "full", "sh", "-c", script]);
        assert_eq!(outcome.status, 124);
    }
    full::is_gone("sleep 1006");
}

pub fn environment_and_directory(lab: &Lab) {
    nodes(lab);
    for node in BOTH {
        let exec = |options: &[&str], command: &[&str]| {
            lab.pernet(&[&["exec"], options, &[node, "--"], command].concat())
        };
        let show = ["sh", "-c", "echo $A,$B,${PATH:+path}"];
        assert_eq!(
            exec(&["--env", "A=1", "-e", "B=x=y"], &show),
            "1,x=y,path\n"
        );
        assert_eq!(exec(&["--clear-env", "-e", "A=1"], &["env"]), "A=1\n");
        assert_eq!(exec(&["--cwd", "/proc"], &["pwd"]), "/proc\n");
        let outcome = lab.run(&["exec", "--cwd", "/no/such", node, "pwd"]);
        assert_eq!(outcome.status, 1);
        assert!(
            outcome.err.contains("cannot go to /no/such"),
            "{}",
            outcome.err
        );
        assert_eq!(exec(&["--cwd", "."], &["true"]), "");
        // A path of the command's own is where it is looked for.
        let outcome = lab.run(&["exec", "--env", "PATH=/no/such", node, "true"]);
        assert_eq!(outcome.status, 127, "{}", outcome.err);
    }
    let pwd = |directory: &str| {
        let mut client = Command::new(crate::lab::PERNET);
        client.args(["exec", "full", "pwd"]).current_dir(directory);
        String::from_utf8(client.output().unwrap().stdout).unwrap()
    };
    assert_eq!(pwd("/usr"), "/usr\n");
    let mut client = Command::new(crate::lab::PERNET);
    client
        .args(["exec", "--cwd", "bin", "full", "pwd"])
        .current_dir("/usr");
    assert_eq!(client.output().unwrap().stdout, b"/usr/bin\n");
    // A directory of ours that the node does not have.
    fs::create_dir("/run/hidden").unwrap();
    fs::create_dir("/run/hidden/here").unwrap();
    lab.pernet(&[
        "exec",
        "full",
        "mount",
        "-t",
        "tmpfs",
        "none",
        "/run/hidden",
    ]);
    assert_eq!(pwd("/run/hidden/here"), "/\n");
}

pub fn users_are_the_nodes(lab: &Lab) {
    nodes(lab);
    fs::create_dir("/run/etc").unwrap();
    fs::write("/run/etc/passwd", "ann:x:4001:4002::/:/bin/sh\n").unwrap();
    fs::write("/run/etc/group", "own:x:4002:\nmore:x:4003:ann,bob\n").unwrap();
    let bind = "mount --bind /run/etc/passwd /etc/passwd; mount --bind /run/etc/group /etc/group";
    lab.pernet(&["exec", "full", "sh", "-c", bind]);
    let id = |node: &str, user: &str| {
        let ids = ["id -u", "id -g", "id -G"].join("; ");
        lab.pernet(&["exec", "--user", user, node, "sh", "-c", &ids])
    };
    assert_eq!(id("full", "ann"), "4001\n4002\n4002 4003\n");
    assert_eq!(id("full", "4001:77"), "4001\n77\n77 4003\n");
    assert_eq!(id("full", "5:6"), "5\n6\n6\n");
    assert_eq!(id("plain", "0"), "0\n0\n0\n");
}

pub fn a_user_has_no_capabilities(lab: &Lab) {
    nodes(lab);
    for node in BOTH {
        let status = lab.pernet(&[
            "exec",
            "--user",
            "54321:8",
            node,
            "cat",
            "/proc/self/status",
        ]);
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(
                status.contains(&format!("{set}:\t0000000000000000\n")),
                "{status}"
            );
        }
        for (user, says) in [
            ("54321", "54321:54321"),
            ("nobody-there", "no user"),
            ("54321:none", "no group"),
        ] {
            let outcome = lab.run(&["exec", "--user", user, node, "true"]);
            assert_eq!(outcome.status, 1);
            assert!(outcome.err.contains(says), "{}", outcome.err);
        }
    }
}

pub fn a_user_namespace_is_entered_too(lab: &Lab) {
    lab.pernet(&["node", "add", "--user", "n1", "n2"]);
    let pid = lab.json(&["node", "show", "n1", "--json"])["pid"].to_string();
    let show = [
        "--",
        "sh",
        "-c",
        "id -u; id -g; tr -s ' ' </proc/self/uid_map",
    ];
    let out = lab.pernet(&[&["exec", "n1"], &show[..]].concat());
    assert_eq!(out, "0\n0\n 0 0 1\n");
    let out = lab.pernet(&[&["exec", "--cwd", "/proc/1", "n1", "n2"], &show[..]].concat());
    assert_eq!(out.lines().filter(|line| line.ends_with(": 0")).count(), 4);
    let detached = lab.pernet(&["exec", "--detach", "n1", "sleep", "1008"]);
    assert_eq!(full::status(detached.trim(), "PPid"), pid);
    let outcome = lab.run(&["exec", "--user", "1:1", "n1", "true"]);
    assert_eq!(outcome.status, 1);
    assert!(
        outcome.err.contains("cannot become user 1"),
        "{}",
        outcome.err
    );
    lab.pernet(&["node", "del", "n1"]);
    full::is_gone("sleep 1008");
}
