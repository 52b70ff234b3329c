// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lab as a Mermaid flowchart.

use super::{Counters, Edge, Picture};
use crate::lab::model::Lab;

/// Writes a lab down.
pub fn render(lab: &Lab, counters: &Counters) -> String {
    let picture = Picture::of(lab, counters);
    let mut out = format!("---\ntitle: \"lab {}\"\n---\ngraph LR\n", lab.name);
    for (index, vertex) in picture.vertices.iter().enumerate() {
        let (open, close, class) = match vertex.bridge {
            true => ("[\"", "\"]", "bridge"),
            false => ("(\"", "\")", "node"),
        };
        let note = vertex.note.as_ref();
        let note = note.map_or(String::new(), |note| format!("<br/>{}", escape(note)));
        let name = escape(vertex.name);
        out += &format!("  v{index}{open}{name}{note}{close}:::{class}\n");
    }
    for edge in &picture.edges {
        let [a, b] = edge.ends.each_ref().map(|end| end.vertex);
        let line = if edge.impaired { "-.-" } else { "---" };
        out += &match label(edge) {
            text if text.is_empty() => format!("  v{a} {line} v{b}\n"),
            text => format!("  v{a} {line}|\"{text}\"| v{b}\n"),
        };
    }
    out += "  classDef node fill:#e8f0fe,stroke:#3367d6,color:#202124\n";
    out += "  classDef bridge fill:#fef3d8,stroke:#b06000,color:#202124\n";
    out
}

fn label(edge: &Edge) -> String {
    let ends = edge.ends.iter().map(|end| end.lines().join(" "));
    let lines = ends.chain(edge.notes.iter().cloned());
    let lines: Vec<_> = lines
        .filter(|line| !line.is_empty())
        .map(|line| escape(&line))
        .collect();
    lines.join("<br/>")
}

/// What would end a string, or begin something of Mermaid's or HTML's.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '|' => out += &format!("#{};", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}
