// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet stat` where the module is not.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::pipe;
use serde_json::Value;

use crate::lab::{Lab, Outcome, PERNET};

pub fn without_the_module_one_line_says_what_to_load(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    for arguments in [
        &["stat", "--source", "module"][..],
        &["stat", "--source", "module", "--json", "n1"],
        &["set", "n1", "--traffic", "off"],
        &["reset", "n1"],
    ] {
        let outcome = lab.run(arguments);
        assert_eq!((outcome.status, &*outcome.out), (3, ""), "{arguments:?}");
        assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
        let advice = match Path::new("/proc/modules").exists() {
            true => "`modprobe pernet`",
            false => "CONFIG_MODULES",
        };
        assert!(outcome.err.contains(advice), "{}", outcome.err);
    }
}

/// Two nodes with a link, and three packets from one to the other.
fn ping(lab: &Lab) {
    lab.pernet(&["node", "add", "n1", "n2"]);
    lab.pernet(&["link", "add", "n1:eth0=10.0.0.1/24", "n2:eth0=10.0.0.2/24"]);
    send(lab);
}

fn send(lab: &Lab) {
    let ping = ["ping", "-q", "-c", "3", "-i", "0.01", "10.0.0.2"];
    lab.pernet(&[&["exec", "n1", "--"], &ping[..]].concat());
}

fn namespace<'a>(stat: &'a Value, name: &str) -> &'a Value {
    let namespaces = stat["namespaces"].as_array().unwrap();
    let found = namespaces.iter().find(|found| found["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {stat}"))
}

pub fn without_the_module_the_kernel_itself_is_asked(lab: &Lab) {
    ping(lab);
    let stat = lab.json(&["stat", "--json"]);
    assert_eq!(
        (&stat["version"], &stat["source"]),
        (&1.into(), &"kernel".into())
    );
    for name in ["n1", "n2"] {
        let n = namespace(&stat, name);
        for counter in ["received", "delivered", "originated"] {
            assert_eq!(n["protocols"]["ipv4"][counter], 3, "{name} {counter}: {n}");
        }
        assert_eq!((&n["node"], &n["lab"]), (&name.into(), &Value::Null));
        let devices: Vec<_> = (n["links"].as_array().unwrap().iter())
            .map(|link| link["name"].as_str().unwrap())
            .collect();
        assert_eq!(devices, ["lo", "eth0"]);
    }
    // The namespace that this runs in is among them.
    assert_eq!(stat["namespaces"].as_array().unwrap().len(), 3, "{stat}");
    let table = lab.pernet(&["stat", "n1"]);
    assert!(
        table.starts_with("counted by the kernel itself\n"),
        "{table}"
    );
    assert_eq!(
        lab.json(&["stat", "n2", "--json"])["namespaces"][0]["name"],
        "n2"
    );
    assert_eq!(
        lab.json(&["stat", "--json", "--device", "eth0"])["namespaces"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    lab.refuses(&["stat", "n3"], "n3");
}

/// The kernel allows any byte in a device's name but `/`, `:` and blanks.
pub fn a_device_may_be_called_anything(lab: &Lab) {
    lab.pernet(&["node", "add", "n1"]);
    let named = Command::new("ip")
        .args(["-n", "n1", "link", "add"])
        .arg(OsStr::from_bytes(b"\xffeth"))
        .args(["type", "bridge"])
        .status();
    assert!(named.unwrap().success());
    let stat = lab.json(&["stat", "n1", "--source", "kernel", "--json"]);
    let links = &namespace(&stat, "n1")["links"];
    assert_eq!(links[1]["name"], "\u{fffd}eth", "{links}");
    // And nobody is left out for it.
    let all = lab.json(&["stat", "--source", "kernel", "--json"]);
    namespace(&all, "n1");
    assert_eq!(all["unread"], serde_json::json!([]));
}

pub fn counts_since_a_snapshot_are_those_in_between(lab: &Lab) {
    ping(lab);
    let before = lab.pernet(&["stat", "--json"]);
    let file = "/run/before";
    fs::write(file, &before).unwrap();
    send(lab);
    lab.pernet(&["node", "add", "n3"]);
    lab.pernet(&["node", "del", "--wait", "n2"]);
    let since = lab.json(&["stat", "--json", "--since", file]);
    let n1 = &namespace(&since, "n1")["protocols"]["ipv4"];
    assert_eq!(n1["originated"], 3, "{n1}");
    assert_eq!(
        namespace(&since, "n3")["links"].as_array().unwrap().len(),
        1
    );
    assert_eq!(since["gone"][0]["name"], "n2", "{since}");
    assert!(since["interval_ns"].as_u64().unwrap() > 0);

    let mut other: Value = serde_json::from_str(&before).unwrap();
    other["boot"] = "another".into();
    for (text, says) in [
        (String::new(), "is not what `pernet stat --json` prints"),
        ("[]".to_owned(), "is not what `pernet stat --json` prints"),
        (
            before.replace("\"version\": 1", "\"version\": 2"),
            "is of version 2",
        ),
        (
            before.replace("\"kernel\"", "\"module\""),
            "has the counts of the module pernet",
        ),
        (other.to_string(), "another boot"),
    ] {
        fs::write(file, text).unwrap();
        lab.refuses(&["stat", "--since", file], says);
    }
    fs::remove_file(file).unwrap();
    lab.refuses(&["stat", "--since", file], "cannot read /run/before");
}
pub fn namespaces_are_chosen_and_put_in_order(lab: &Lab) {
    ping(lab);
    lab.pernet(&["node", "add", "n3"]);
    let table = |options: &[&str]| {
        let table = lab.pernet(&[&["stat"], options].concat());
        let words = |row: &str| row.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        table.lines().map(words).collect::<Vec<_>>()
    };
    let columns = [
        "--columns",
        "name,originated,rx-packets",
        "--where",
        "node=n*",
    ];
    let order = ["--sort", "originated", "--where", "originated>0"];
    let rows = table(&[&columns[..], &order].concat());
    assert_eq!(
        rows[..2],
        ["counted by the kernel itself", "NAME ORIGINATED RX-PACKETS"]
    );
    let mut names: Vec<_> = rows[2..].iter().map(|row| &row[..2]).collect();
    names.sort_unstable();
    assert_eq!(names, ["n1", "n2"], "{rows:?}");
    let rows = table(&[
        "--columns",
        "name,devices",
        "--where",
        "node=n*",
        "--sort",
        "name",
    ]);
    assert_eq!(rows[2..], ["n1 2", "n2 2", "n3 1"]);
    let top = lab.json(&["stat", "--json", "--top", "2", "--where", "node=n*"]);
    let mut names: Vec<_> = (top["namespaces"].as_array().unwrap().iter())
        .map(|namespace| namespace["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["n1", "n2"]);
    for (option, wrong) in [
        ("--columns", "name,colour"),
        ("--sort", "colour"),
        ("--where", "name"),
        ("--interval", "0"),
        ("--interval", "soon"),
    ] {
        assert_eq!(
            lab.run(&["stat", option, wrong]).status,
            2,
            "{option} {wrong}"
        );
    }
}

pub fn rates_are_shown_again_and_again(lab: &Lab) {
    for (arguments, says) in [
        (&["--interval", "1", "--count", "0"][..], "0 is not in 1.."),
        (&["--interval", "0"], "from 0.01 to 1000000 seconds"),
        (&["--interval", "soon"], "`soon` is no number of seconds"),
        (&["--min-drops", "some"], "`some` is no whole number"),
    ] {
        lab.refuses(&[&["stat"], arguments].concat(), says);
    }
    ping(lab);
    let arguments = ["stat", "n1", "--json", "--interval", "0.2", "--count", "3"];
    let rounds = lab.spawn(&arguments);
    let rounds = Outcome::of(rounds.wait_with_output().unwrap());
    assert_eq!((rounds.status, &*rounds.err), (0, ""));
    let lines: Vec<Value> = (rounds.out.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!(line["version"], 1);
        assert!(line["interval_ns"].as_u64() > Some(0), "{line}");
        let n1 = &line["namespaces"][0];
        // What came before is not counted.
        assert_eq!(
            (&n1["name"], &n1["protocols"]["ipv4"]["received"]),
            (&"n1".into(), &0.into())
        );
    }
    let table = lab.pernet(&["stat", "n1", "--interval", "0.05", "--count", "2"]);
    let heading = "counted by the kernel itself, per second\n";
    assert_eq!(table.matches(heading).count(), 2, "{table}");

    // A reader that stops ends it.
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut endless = Command::new(PERNET)
        .args(["stat", "--interval", "0.05"])
        .stdout(writer)
        .spawn()
        .unwrap();
    assert!(endless.wait().unwrap().success());
}
