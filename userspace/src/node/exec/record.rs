// SPDX-License-Identifier: MIT OR Apache-2.0

//! One look at one record. Whoever runs a command changes nothing and wants one
//! answer, fast: a record is replaced as a whole, so it can be read without the
//! registry's lock.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::netns::Name;
use crate::node::process::Process;
use crate::node::registry::{Kind, NodeRecord};

const NODES: &str = "/run/pernet/nodes";

#[derive(Deserialize)]
struct Filed {
    boot: String,
    #[serde(flatten)]
    record: NodeRecord,
}

/// The first process of the full node `name`, by its record of this boot.
pub fn first_process(name: &Name) -> Result<Option<Process>> {
    let path = Path::new(NODES).join(name.as_str());
    let text = match fs::read(&path) {
        Ok(text) => text,
        // Records are root's; who may not read them may not enter nodes either,
        // and hears of it then.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let Filed { boot, record } = serde_json::from_slice(&text).with_context(|| {
        format!(
            "cannot understand {}; remove it if you did not mean to keep it",
            path.display()
        )
    })?;
    let Some(process) = record.process.filter(|_| record.kind == Kind::Full) else {
        return Ok(None);
    };
    let now = fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .context("cannot identify this boot")?;
    Ok((boot == now.trim_end()).then_some(process))
}
