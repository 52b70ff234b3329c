// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rows of text in columns, for people.

use crate::text::legible;

/// Each column as wide as its widest entry; those that `is_right` says line up at their
/// ends, as numbers do. An entry may have anything in it.
pub fn render(rows: &[impl AsRef<[String]>], is_right: impl Fn(usize) -> bool) -> String {
    let rows: Vec<Vec<_>> = (rows.iter())
        .map(|row| row.as_ref().iter().map(|entry| legible(entry)).collect())
        .collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, entry) in widths.iter_mut().zip(row) {
            *width = (*width).max(entry.chars().count());
        }
    }
    let mut out = String::new();
    for row in &rows {
        let entries =
            (row.iter().zip(&widths).enumerate()).map(|(at, (entry, &width))| match is_right(at) {
                true => format!("{entry:>width$}"),
                false => format!("{entry:<width$}"),
            });
        out += entries.collect::<Vec<_>>().join("  ").trim_end();
        out += "\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_blanks_at_their_end() {
        let row = |a: &str, b: &str, c: &str| [a, b, c].map(str::to_owned);
        let rows = [
            row("NAME", "N", "X"),
            row("n1", "12", ""),
            row("long-näme", "3", "x"),
        ];
        assert_eq!(
            render(&rows, |at| at == 1),
            "NAME        N  X\nn1         12\nlong-näme   3  x\n"
        );
    }

    #[test]
    fn what_is_in_an_entry_stays_in_it() {
        let rows = [["\x1b[2J\nroot".to_owned(), "x".to_owned()]];
        assert_eq!(render(&rows, |_| false), "?[2J?root  x\n");
    }
}
