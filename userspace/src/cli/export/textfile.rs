// SPDX-License-Identifier: MIT OR Apache-2.0

//! A file for node_exporter's textfile collector.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::random;

/// Who reads it is another user than who writes it.
const MODE: u32 = 0o644;

/// Puts a file in the place of the one that is there.
pub fn write(path: &Path, text: &str) -> Result<()> {
    ensure!(
        path.extension().is_some_and(|end| end == "prom"),
        "node_exporter reads files only whose name ends in .prom, and not {}",
        path.display()
    );
    let writing = || format!("cannot write {}", path.display());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = u64::from_ne_bytes(random::bytes()?);
    let draft = path.with_file_name(format!(".{name}.{number:016x}"));
    // Until here it is not ours, and what is there is not touched.
    let file = (OpenOptions::new().write(true).create_new(true).mode(0o600))
        .open(&draft)
        .with_context(writing)?;
    let written = fill(file, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.with_context(writing)
}

fn fill(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    // Not by the mode with which it is made, which the umask would cut.
    file.set_permissions(Permissions::from_mode(MODE))
}
