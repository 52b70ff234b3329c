// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet doctor` on the machine as it is, and on one that was made unfit.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::lab::{Lab, Outcome, PERNET};

/// What it finds, and its exit status.
fn findings(output: &Outcome) -> Vec<(String, String, String)> {
    assert_eq!(output.err, "");
    let report: Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!(report["version"], 1);
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings: Vec<_> = (findings.iter())
        .map(|finding| {
            let is_ok = finding["level"] == "ok";
            assert_eq!(finding["advice"].is_null(), is_ok, "{finding}");
            let [check, level, found] = ["check", "level", "found"].map(|key| text(&finding[key]));
            (check, level, found)
        })
        .collect();
    let failed = findings.iter().any(|(_, level, _)| level == "failure");
    assert_eq!(output.status, i32::from(failed), "{findings:?}");
    findings
}

/// Whether something was found of this check and level that says so.
fn is_found(findings: &[(String, String, String)], what: (&str, &str, &str)) -> bool {
    (findings.iter()).any(|(check, level, found)| {
        (&**check, &**level) == (what.0, what.1) && found.contains(what.2)
    })
}

pub fn everything_is_looked_at_and_nothing_changed(lab: &Lab) {
    let before = lab.state();
    let found = findings(&lab.run(&["doctor", "--json"]));
    for check in [
        "kernel",
        "kernel-options",
        "module",
        "namespaces",
        "namespaces-allowed",
        "limit-namespaces",
        "limit-neighbours",
        "limit-bridge-ports",
        "limit-inotify",
        "limit-files",
        "limit-processes",
        "firewall",
    ] {
        assert!(
            found.iter().any(|(name, ..)| name == check),
            "{check}: {found:?}"
        );
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert!(
        is_found(&found, ("kernel", "ok", release.trim())),
        "{found:?}"
    );
    assert!(
        is_found(&found, ("namespaces-allowed", "ok", "root can make them")),
        "{found:?}"
    );
    let text = lab.run(&["doctor"]).out;
    assert!(!text.contains('\x1b'), "{text}");
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("ok       kernel "), "{first}");
    assert_eq!(lab.state(), before);
}

pub fn rules_that_drop_bridged_frames_are_a_failure(lab: &Lab) {
    let setting = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    let rules = "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }";
    lab.command("nft", &[rules]);
    if fs::exists(setting).unwrap() {
        fs::write(setting, "1").unwrap();
        let says = ("firewall", "failure", "chain FORWARD of table filter");
        let found = findings(&lab.run(&["doctor", "--json"]));
        assert!(is_found(&found, says), "{found:?}");
        fs::write(setting, "0").unwrap();
    }
    let found = findings(&lab.run(&["doctor", "--json"]));
    assert!(is_found(&found, ("firewall", "ok", "")), "{found:?}");
    let rules = "add table bridge b; add chain bridge b c { type filter hook forward priority 0; policy drop; }";
    lab.command("nft", &[rules]);
    let found = findings(&lab.run(&["doctor", "--json"]));
    let says = ("firewall", "failure", "chain c of table b");
    assert!(is_found(&found, says), "{found:?}");
}

pub fn the_largest_bridge_counts(lab: &Lab) {
    lab.command("ip", &["link", "add", "small", "type", "bridge"]);
    lab.command("ip", &["link", "add", "large", "type", "bridge"]);
    for port in ["p1", "p2"] {
        lab.command(
            "ip",
            &[
                "link",
                "add",
                port,
                "type",
                "veth",
                "peer",
                "name",
                &format!("{port}x"),
            ],
        );
        lab.command("ip", &["link", "set", port, "master", "large"]);
    }
    let found = findings(&lab.run(&["doctor", "--json"]));
    let says = (
        "limit-bridge-ports",
        "ok",
        "2 of 1023 ports of bridge large",
    );
    assert!(is_found(&found, says), "{found:?}");
}

/// In a user namespace of its own, whose limits are its own too.
pub fn a_limit_that_is_reached_is_a_failure(_: &Lab) {
    let script = "echo 1 >/proc/sys/user/max_net_namespaces; exec \"$0\" doctor --json";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            "sh",
            "-c",
            script,
            PERNET,
        ])
        .stdin(Stdio::null())
        .output();
    let found = findings(&Outcome::of(output.unwrap()));
    for says in [
        ("limit-namespaces", "failure", "of 1 network namespaces"),
        ("namespaces-allowed", "failure", "No space left"),
    ] {
        assert!(is_found(&found, says), "{found:?}");
    }
}

pub fn an_ordinary_user_may_ask(_: &Lab) {
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([PERNET, "doctor", "--json"])
        .stdin(Stdio::null())
        .output();
    let found = findings(&Outcome::of(output.unwrap()));
    let says = ("firewall", "warning", "not looked at");
    assert!(is_found(&found, says), "{found:?}");
    let tried = |level| is_found(&found, ("namespaces-allowed", level, "this user can"));
    assert!(tried("ok") || tried("warning"), "{found:?}");
}
