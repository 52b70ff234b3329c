// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a page of the guide says beyond Markdown:
//!
//! * `{{#item kmod/state.rs fn pre_exit}}` on a line of its own: that item, see
//!   [`item`];
//! * `{{#file docs/guide/examples/tally_before.c}}`: a file as it is, less the line
//!   of its licence;
//! * `{{#doc kmod/file.rs}}`: what documents a source file, as prose;
//! * `{{#page docs/json.md}}`: another of the project's documents, less its links to
//!   others, which are not in the book;
//! * a code block ` ```c srctree=net/ipv4/ip_gre.c `: an excerpt of the kernel's;
//! * a link to `srctree/net/core/net_namespace.c`: a file of the kernel's.
//!
//! Paths are from the repository's root, or the kernel's.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::item;

/// Where the kernel's files can be read, of the series that the guide is about.
const KERNEL_FILE: &str = "https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/";
const KERNEL_SERIES: &str = "?h=linux-7.3.y";

/// The page `text` as mdBook is to see it.
pub fn page(root: &Path, text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len() * 2);
    for (number, line) in text.lines().enumerate() {
        let expanded = expanded(root, line).with_context(|| format!("line {}", number + 1))?;
        out += &expanded;
        out.push('\n');
    }
    Ok(out)
}

fn expanded(root: &Path, line: &str) -> Result<String> {
    if let Some(directive) = line
        .strip_prefix("{{#")
        .and_then(|rest| rest.strip_suffix("}}"))
        && let Some((kind, rest)) = directive.split_once(' ')
    {
        let (path, name) = rest.split_once(' ').unwrap_or((rest, ""));
        match (kind, name) {
            ("item", name) if !name.is_empty() => return excerpt(root, path, name),
            ("file", "") => return whole(root, path),
            ("doc", "") => return Ok(prose(&item::file_documentation(&read(root, path)?))),
            ("page", "") => return Ok(without_links(&read(root, path)?)),
            ("include", _) => {}
            _ => bail!("`{line}` is not understood"),
        }
    }
    if let Some((language, path)) = line
        .strip_prefix("```")
        .and_then(|info| info.split_once(" srctree="))
    {
        return Ok(format!(
            "{}\n```{language}",
            caption(&format!("{path} of Linux 7.3"))
        ));
    }
    Ok(with_kernel_links(line))
}

fn excerpt(root: &Path, path: &str, name: &str) -> Result<String> {
    let item = item::find(&read(root, path)?, name).with_context(|| path.to_owned())?;
    let caption = caption(&format!("{path}, from line {}", item.line));
    Ok(fenced(&caption, path, &item.text))
}

fn whole(root: &Path, path: &str) -> Result<String> {
    let text = read(root, path)?;
    let licensed = |line: &&str| line.contains("SPDX-License-Identifier") || line.is_empty();
    let lines: Vec<_> = text.lines().skip_while(licensed).collect();
    Ok(fenced(&caption(path), path, &lines.join("\n")))
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
}

fn caption(text: &str) -> String {
    format!("<p class=\"source\">{text}</p>\n")
}

fn fenced(caption: &str, path: &str, text: &str) -> String {
    let language = match path.rsplit_once('.') {
        // Or mdBook would offer to run it, and hide lines.
        Some((_, "rs")) => "rust,ignore",
        Some((_, "c" | "h")) => "c",
        Some((_, "patch")) => "diff",
        Some((_, "yaml")) => "yaml",
        _ => "text",
    };
    format!("{caption}\n```{language}\n{}\n```", text.trim_end())
}

/// Rustdoc's links lead nowhere here; what they name remains.
fn prose(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`")
}

/// The text with what its links to files say, in the place of the links.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, target)) = rest.split_once("](") {
        let (link, after) = target.split_once(')').unwrap_or((target, ""));
        match before.rsplit_once('[') {
            Some((before, said)) if !link.starts_with('#') && !link.contains("://") => {
                out += &format!("{before}{said}");
            }
            _ => out += &format!("{before}]({link})"),
        }
        rest = after;
    }
    out + rest
}

fn with_kernel_links(line: &str) -> String {
    let mut parts = line.split("](srctree/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (path, rest) = part.split_once(')').unwrap_or((part, ""));
        out += &format!("]({KERNEL_FILE}{path}{KERNEL_SERIES}){rest}");
    }
    out
}
