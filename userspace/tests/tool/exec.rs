// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet exec`.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::lab::{Lab, PERNET};

pub fn statuses_are_the_commands(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    fs::write("/run/script", "#!/no/such/interpreter\n").unwrap();
    for (command, status) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["/etc/passwd"], 126),
        (&["/run"], 126),
        (&["no-such-command"], 127),
        (&["/no/such/command"], 127),
        (&["sh", "-c", "kill -9 $$"], 137),
        (&["sh", "-c", "kill -TERM $$"], 143),
    ] {
        let outcome = lab.run(&[&["exec", "n1", "--"], command].concat());
        assert_eq!(outcome.status, status, "{command:?}: {}", outcome.err);
        let silent = ![126, 127].contains(&status);
        assert_eq!(
            outcome.err.is_empty(),
            silent,
            "{command:?}: {}",
            outcome.err
        );
    }
    // The two dashes may be left out; what follows the command is its own.
    assert_eq!(
        lab.pernet(&["exec", "n1", "echo", "--json", "-x"]),
        "--json -x\n"
    );
}

pub fn sys_and_etc_are_the_nodes(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1", "n2"]);
    lab.pernet(&["link", "add", "n1:first", "n2:second"]);
    let classes = |node| lab.run(&["exec", node, "--", "ls", "/sys/class/net"]);
    let seen = classes("n1");
    // Where sysfs may not be mounted the tool says so, and goes on.
    match seen.err.is_empty() {
        true => assert_eq!(seen.out, "first\nlo\n"),
        false => assert!(seen.err.contains("note: /sys"), "{}", seen.err),
    }
    assert_eq!(seen.status, 0);

    // A directory that may not be there cannot be made by everybody, so /etc
    // as a whole is the test's own.
    crate::lab::mount_over("/etc");
    fs::create_dir_all("/etc/netns/n1").unwrap();
    fs::write("/etc/hosts", "everybody's").unwrap();
    fs::write("/etc/netns/n1/hosts", "n1's").unwrap();
    let hosts = |node| lab.run(&["exec", node, "--", "cat", "/etc/hosts"]).out;
    assert_eq!((&*hosts("n1"), &*hosts("n2")), ("n1's", "everybody's"));
    assert_eq!(fs::read_to_string("/etc/hosts").unwrap(), "everybody's");
    fs::write("/etc/netns/n1/nothing-like-it", "").unwrap();
    let outcome = lab.run(&["exec", "n1", "--", "cat", "/etc/hosts"]);
    assert_eq!((outcome.status, &*outcome.out), (0, "n1's"));
    assert!(
        outcome
            .err
            .contains("nothing-like-it does not take the place"),
        "{}",
        outcome.err
    );
}

pub fn where_sys_is_right_already_nothing_is_said(lab: &Lab) {
    // The namespace that this is in, with a /sys that was made for it.
    lab.command("mount", &["-t", "sysfs", "sys", "/sys"]);
    let own = ["exec", "/proc/self/ns/net", "--", "ls", "/sys/class/net"];
    assert_eq!(lab.pernet(&own), "lo\n");
}

pub fn any_named_namespace_will_do(lab: &Lab) {
    lab.command("ip", &["netns", "add", "foreign"]);
    let inside = lab.command(
        "ip",
        &["netns", "exec", "foreign", "readlink", "/proc/self/ns/net"],
    );
    assert_eq!(
        lab.pernet(&["exec", "foreign", "--", "readlink", "/proc/self/ns/net"]),
        inside
    );
}

pub fn signals_and_descriptors_are_the_commands(lab: &Lab) {
    lab.pernet(&["node", "add", "--net-only", "n1"]);
    // Blocked and ignored are those of the caller, who may be a background job of
    // a shell and ignore some; and nothing is open that was not before.
    let read = ["cat", "/proc/self/status"];
    let inside = lab.pernet(&[&["exec", "n1", "--"], &read[..]].concat());
    let outside = lab.command(read[0], &read[1..]);
    for field in ["SigBlk:", "SigIgn:"] {
        let line = |status: &str| {
            let line = status.lines().find(|line| line.starts_with(field));
            line.unwrap().to_owned()
        };
        assert_eq!(line(&inside), line(&outside));
    }
    let list = ["sh", "-c", "echo /proc/self/fd/*"];
    let outside = lab.command(list[0], &list[1..]);
    assert_eq!(
        lab.pernet(&[&["exec", "n1", "--"], &list[..]].concat()),
        outside
    );

    let mut child = Command::new(PERNET)
        .args(["exec", "n1", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"through").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"through");
}
