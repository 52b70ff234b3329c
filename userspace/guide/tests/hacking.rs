// SPDX-License-Identifier: MIT OR Apache-2.0

//! docs/hacking.md, where it says which places know of a counter: each of them does,
//! and no others do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pernet_guide::repository;

/// A row of the table: a file and what is to be in it.
struct Place {
    file: String,
    names: Vec<String>,
}

fn places() -> Vec<Place> {
    let page = fs::read_to_string(repository().join("docs/hacking.md")).unwrap();
    let (_, section) = page.split_once("## A counter, ").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let quoted = |cell: &str| -> Vec<String> {
        (cell.split('`').skip(1).step_by(2))
            .map(str::to_owned)
            .collect()
    };
    (section.lines())
        .filter_map(|line| {
            let cells: Vec<_> = line.split(" | ").collect();
            let [number, file, names, _] = cells[..] else {
                return None;
            };
            number.trim_start_matches("| ").parse::<usize>().ok()?;
            Some(Place {
                file: quoted(file).remove(0),
                names: quoted(names),
            })
        })
        .collect()
}

#[test]
fn each_place_knows_of_the_counter() {
    let places = places();
    assert!(places.len() > 10, "{} rows", places.len());
    for Place { file, names } in places {
        let text = fs::read_to_string(repository().join(&file)).unwrap_or_default();
        assert!(!names.is_empty(), "{file}: nothing to look for");
        for name in names {
            assert!(text.contains(&name), "docs/hacking.md: no {name} in {file}");
        }
    }
}

/// Files below `folder`, but for what is built and what stresses.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if [".rs", ".c", ".yaml", ".sh", "json.md"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_other_place_knows_of_it() {
    let root = repository();
    let listed: BTreeSet<_> = places().into_iter().map(|place| place.file).collect();
    let mut files = Vec::new();
    for folder in ["kmod", "userspace/src", "docs/netlink", "tests/vm"] {
        sources(&root.join(folder), &mut files);
    }
    files.extend(["docs/json.md", "docs/operators.md"].map(|file| root.join(file)));
    let spellings = ["moved_in", "moved-in", "MovedIn", "MOVED_IN"];
    // The event of the same device is another thing.
    let event = ["device-moved-in", "DeviceMovedIn", "DEVICE_MOVED_IN"];
    for file in files {
        let mut text = fs::read_to_string(&file).unwrap_or_default();
        for name in event {
            text = text.replace(name, "");
        }
        let name = (file.strip_prefix(&root).unwrap())
            .to_string_lossy()
            .into_owned();
        assert!(
            listed.contains(&name) || !spellings.iter().any(|it| text.contains(it)),
            "{name} knows of the counter: add a line to the table in docs/hacking.md"
        );
    }
}
