// SPDX-License-Identifier: MIT OR Apache-2.0

//! The namespaces that there are, and whether the caller may make them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;

use super::{Finding, Level, failure, ok, warning};
use crate::kernel::process::{self, Ended};

const KINDS: &str = "namespaces";
const MAKING: &str = "namespaces-allowed";

/// What a node has of its own, as /proc calls it.
const OF_A_NODE: [&str; 5] = ["net", "pid", "mnt", "uts", "ipc"];

pub fn examine() -> Result<Vec<Finding>> {
    let mut findings = vec![kinds(|kind| Path::new("/proc/self/ns").join(kind).exists())];
    let root = geteuid().is_root();
    // An ordinary user's nodes are in user namespaces of their own.
    let owner = match root {
        true => CloneFlags::empty(),
        false => CloneFlags::CLONE_NEWUSER,
    };
    findings.push(making(root, attempt(of_a_node() | owner)?));
    Ok(findings)
}

fn kinds(is_there: impl Fn(&str) -> bool) -> Finding {
    let missing: Vec<_> = (OF_A_NODE.into_iter())
        .filter(|&kind| !is_there(kind))
        .collect();
    if !missing.is_empty() {
        return failure(
            KINDS,
            format!("this kernel has none of kind {}", missing.join(", ")),
            "boot a kernel with them",
        );
    }
    match is_there("user") {
        true => ok(KINDS, "net, pid, mnt, uts, ipc and user"),
        false => warning(
            KINDS,
            "net, pid, mnt, uts and ipc, and none of kind user",
            "for nodes of ordinary users, boot a kernel with CONFIG_USER_NS",
        ),
    }
}

fn of_a_node() -> CloneFlags {
    CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC
}

/// Makes such namespaces, in a child that ends with them.
fn attempt(flags: CloneFlags) -> Result<Result<(), Errno>> {
    let trying = "cannot try to make a namespace";
    let child = process::fork(|| match unshare(flags) {
        Ok(()) => 0,
        Err(errno) => u8::try_from(errno as i32).unwrap_or(u8::MAX),
    });
    let ended = process::reap(Some(child.context(trying)?), 0).context(trying)?;
    match ended.map(|(_, status)| Ended::from_status(status)) {
        Some(Ended::Exited(0)) => Ok(Ok(())),
        Some(Ended::Exited(errno)) => Ok(Err(Errno::from_raw(errno.into()))),
        other => bail!("{trying}: the child that did ended as {other:?}"),
    }
}

fn making(root: bool, tried: Result<(), Errno>) -> Finding {
    let (what, level) = match root {
        true => ("root", Level::Failure),
        // What an ordinary user cannot make, root may.
        false => ("this user", Level::Warning),
    };
    match tried {
        Ok(()) => ok(MAKING, format!("{what} can make them, tried just now")),
        Err(errno) => Finding {
            level,
            ..warning(
                MAKING,
                format!("{what} cannot make any: {}", errno.desc()),
                cause(root, errno),
            )
        },
    }
}

/// What most often forbids it, and how to allow it.
fn cause(root: bool, errno: Errno) -> String {
    let is = |path: &str, value: &str| {
        fs::read_to_string(path).is_ok_and(|text| text.trim_end() == value)
    };
    if errno == Errno::ENOSPC {
        return "raise the limits in /proc/sys/user, of max_user_namespaces first".to_owned();
    }
    if root {
        return "run pernet where root has CAP_SYS_ADMIN: not in a container without it".to_owned();
    }
    for (path, value, advice) in [
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "0",
            "as root, `sysctl -w kernel.unprivileged_userns_clone=1`, if ordinary users shall have nodes",
        ),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "as root, write an AppArmor profile that allows `userns` to pernet, if ordinary users shall have nodes",
        ),
    ] {
        if is(path, value) {
            return advice.to_owned();
        }
    }
    "use pernet as root; something here (seccomp, a security module) keeps ordinary users from it"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_needs_five_kinds_and_an_ordinary_user_six() {
        assert_eq!(kinds(|_| true).level, Level::Ok);
        assert_eq!(kinds(|kind| kind != "user").level, Level::Warning);
        let finding = kinds(|kind| kind != "uts" && kind != "ipc");
        assert_eq!(finding.level, Level::Failure);
        assert!(finding.found.ends_with("uts, ipc"), "{finding:?}");
    }

    #[test]
    fn what_was_tried_decides() {
        assert_eq!(making(true, Ok(())).level, Level::Ok);
        assert_eq!(making(true, Err(Errno::EPERM)).level, Level::Failure);
        assert_eq!(making(false, Err(Errno::EPERM)).level, Level::Warning);
        let full = making(false, Err(Errno::ENOSPC));
        assert!(full.advice.unwrap().contains("max_user_namespaces"));
    }
}
