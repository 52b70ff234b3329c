// SPDX-License-Identifier: MIT OR Apache-2.0

//! mdBook's protocol for preprocessors: a book comes as JSON, and goes back so.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::expand;

/// Reads a book from mdBook, and writes it with every page expanded.
pub fn run(root: &Path, input: impl Read, output: impl Write) -> Result<()> {
    let (_, mut book): (Value, Value) =
        serde_json::from_reader(input).context("cannot understand what mdBook sent")?;
    chapters(root, &mut book["sections"])?;
    serde_json::to_writer(output, &book).context("cannot answer mdBook")
}

fn chapters(root: &Path, sections: &mut Value) -> Result<()> {
    // The others are separators and titles of parts.
    for chapter in sections.as_array_mut().into_iter().flatten() {
        let Some(chapter) = chapter.get_mut("Chapter") else {
            continue;
        };
        if let Some(text) = chapter["content"].as_str() {
            let page = expand::page(root, text).with_context(|| chapter["path"].to_string())?;
            chapter["content"] = page.into();
        }
        chapters(root, &mut chapter["sub_items"])?;
    }
    Ok(())
}
