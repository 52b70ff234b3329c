// SPDX-License-Identifier: MIT OR Apache-2.0

//! The machine the tests run on, which they must not touch.

use std::collections::BTreeSet;
use std::fs;

use libtest_mimic::Failed;

use crate::run_inside;

/// Runs the largest of the tests and looks at the machine before and after.
pub fn nothing_is_left_behind(isolation: Option<&[&str]>) -> Result<(), Failed> {
    let before = traces();
    run_inside("link::the_wikis_lab", isolation)?;
    run_inside("node::a_kill_leaves_what_can_be_cleaned_up", isolation)?;
    let after = traces();
    let new: Vec<_> = after.difference(&before).collect();
    match new.is_empty() && before.is_subset(&after) {
        true => Ok(()),
        false => Err(format!(
            "new: {new:?}, gone: {:?}",
            before.difference(&after).collect::<Vec<_>>()
        )
        .into()),
    }
}

/// What the tool makes, as the machine sees it: devices, names, records, and
/// mounts that have to do with namespaces. Other mounts are others' business.
fn traces() -> BTreeSet<String> {
    let mut traces = BTreeSet::new();
    for directory in ["/sys/class/net", "/run/netns", "/run/pernet"] {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        traces.extend(entries.map(|entry| entry.path().display().to_string()));
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let ours = |line: &&str| {
        line.contains(" nsfs ") || line.contains(" /run/netns") || line.contains(" /run/pernet")
    };
    traces.extend(mounts.lines().filter(ours).map(str::to_owned));
    traces
}
