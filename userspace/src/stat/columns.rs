// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table with chosen columns: a line for each namespace, of counts or of what
//! they come to per second.

use super::measure::Column;
use super::model::{Namespace, Source};
use crate::columns;

/// The whole table. With `seconds` counts are those of that time, and are shown
/// per second.
pub fn render(
    source: Source,
    shown: &[Column],
    namespaces: &[Namespace],
    seconds: Option<f64>,
) -> String {
    let heading = shown.iter().map(|column| column.name().to_uppercase());
    let mut rows: Vec<Vec<String>> = vec![heading.collect()];
    for namespace in namespaces {
        let cells = shown.iter().map(|&column| cell(column, namespace, seconds));
        rows.push(cells.collect());
    }
    let per = if seconds.is_some() {
        ", per second"
    } else {
        ""
    };
    let rows = columns::render(&rows, |at| shown[at].is_numeric());
    format!("counted by {source}{per}\n{rows}")
}

fn cell(column: Column, namespace: &Namespace, seconds: Option<f64>) -> String {
    let text = match (column, seconds) {
        (Column::Measure(measure), Some(seconds)) if measure.is_count() => {
            measure.of(namespace).map(|count| rate(count, seconds))
        }
        _ => column.text(namespace),
    };
    text.unwrap_or_else(|| "-".to_owned())
}

/// A count per second, with as many digits as say something.
pub fn rate(count: u64, seconds: f64) -> String {
    let rate = match seconds > 0.0 {
        true => count as f64 / seconds,
        false => 0.0,
    };
    match rate {
        0.0 => "0".to_owned(),
        rate if rate < 100.0 => format!("{rate:.1}"),
        rate => format!("{rate:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::both;
    use super::*;

    #[test]
    fn numbers_line_up_and_what_is_unknown_is_a_dash() {
        let columns: Vec<Column> = ["name", "lab", "received", "rx-packets"]
            .map(|name| name.parse().unwrap())
            .into();
        let [counted, _] = both("n1", 7, 3);
        let [_, kernel] = both("longer", 8, 500_000);
        assert_eq!(
            render(Source::Module, &columns, &[counted, kernel], None),
            "\
counted by the module pernet
NAME    LAB  RECEIVED  RX-PACKETS
n1      -           6           -
longer  -     1000000     1000000
"
        );
    }

    #[test]
    fn rates_are_per_second() {
        let [namespace, _] = both("n1", 7, 3);
        let columns: Vec<Column> = ["name", "cookie", "received"]
            .map(|name| name.parse().unwrap())
            .into();
        assert_eq!(
            render(Source::Module, &columns, &[namespace], Some(4.0)),
            "\
counted by the module pernet, per second
NAME  COOKIE  RECEIVED
n1         7       1.5
"
        );
        assert_eq!(rate(1, 0.0), "0");
        assert_eq!(rate(1000, 3.0), "333");
    }
}
