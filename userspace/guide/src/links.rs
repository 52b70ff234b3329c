// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where links lead, of the built book and of the project's other documents. What
//! leaves the machine is not followed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// The links of the HTML files below `folder` that lead nowhere, each as the file
/// that has it, and the link.
pub fn broken_in_html(folder: &Path) -> Result<Vec<String>> {
    let mut pages = HashMap::new();
    for path in files(folder, "html")? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        pages.insert(path, text);
    }
    let anchors: HashMap<&Path, HashSet<&str>> = (pages.iter())
        .map(|(path, text)| (&**path, values(text, " id=\"").collect()))
        .collect();
    let mut broken = Vec::new();
    for (path, text) in &pages {
        for link in values(text, " href=\"").chain(values(text, " src=\"")) {
            let Some((target, anchor)) = target(path, link) else {
                continue;
            };
            let leads = match anchor {
                Some(anchor) => (anchors.get(&*target)).is_some_and(|ids| ids.contains(anchor)),
                None => target.exists(),
            };
            if !leads {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    broken.sort();
    Ok(broken)
}

/// The links of a Markdown file to files that do not exist.
pub fn broken_in_markdown(path: &Path) -> Result<Vec<String>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let links = text.split("](").skip(1);
    Ok(links
        .filter_map(|rest| rest.split_once(')'))
        .filter(|(link, _)| !link.starts_with("srctree/"))
        .filter(|(link, _)| target(path, link).is_some_and(|(target, _)| !target.exists()))
        .map(|(link, _)| format!("{}: {link}", path.display()))
        .collect())
}

/// The files below `folder` whose names end so.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn values<'a>(text: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(attribute)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0))
}

/// The file and the anchor in it that a link on the page `path` leads to; none for
/// one that leaves the machine.
fn target<'a>(path: &Path, link: &'a str) -> Option<(PathBuf, Option<&'a str>)> {
    if link.contains("://") || link.starts_with("mailto:") || link.starts_with("data:") {
        return None;
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor).filter(|it| !it.is_empty())),
        None => (link, None),
    };
    if file.is_empty() {
        return Some((path.to_owned(), anchor));
    }
    let folder = path.parent().unwrap_or(path);
    Some((plain(&folder.join(file)), anchor))
}

/// The path without `..`, as a browser does it.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}
