// SPDX-License-Identifier: MIT OR Apache-2.0

//! Writes what follows from the one specification of the netlink family: the
//! constants for the kernel module and for the tool, which both obey it, the
//! description by which syzkaller tries whether the module does, and a reference for
//! people.

mod markdown;
mod model;
mod render;
mod syzlang;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The specification, from the repository's root.
pub const SPEC: &str = "docs/netlink/pernet.yaml";

/// A file that is written from the specification.
pub struct Output {
    /// Where it is, from the repository's root.
    pub path: &'static str,
    /// What it must hold.
    pub text: String,
}

/// The repository this generator was built in.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads the specification of the repository at `root` and returns what is to
/// be written there.
pub fn generate(root: &Path) -> Result<[Output; 4]> {
    let path = root.join(SPEC);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    outputs(&text).with_context(|| format!("cannot use {}", path.display()))
}

/// What is to be written for the specification `text`.
pub fn outputs(text: &str) -> Result<[Output; 4]> {
    let spec = model::Spec::parse(text)?;
    Ok([
        Output {
            path: "kmod/uapi.rs",
            text: render::kernel(&spec)?,
        },
        Output {
            path: "userspace/src/netlink/pernet/uapi.rs",
            text: render::tool(&spec)?,
        },
        Output {
            path: "docs/netlink/socket_netlink_generic_pernet.txt",
            text: syzlang::description(&spec)?,
        },
        Output {
            path: "docs/guide/src/reference/netlink.md",
            text: markdown::reference(&spec),
        },
    ])
}
