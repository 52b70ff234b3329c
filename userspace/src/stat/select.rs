// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which namespaces are shown, and in which order.

use std::cmp::{Ordering, Reverse};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, ensure};

use super::measure::Column;
use super::model::Namespace;

/// All that there are, in their order, unless something is said here.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// All of them have to hold.
    pub conditions: Vec<Condition>,
    pub sort: Option<Column>,
    pub first: Option<usize>,
}

/// What a namespace has to be like: `COLUMN OPERATOR VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    column: Column,
    operator: Operator,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Number(u64),
    /// `*` is for any characters.
    Pattern(String),
}

/// Longer ones first.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl FromStr for Condition {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = (text.char_indices()).find_map(|(at, _)| {
            let mut operators = OPERATORS.into_iter();
            let (word, operator) = operators.find(|(word, _)| text[at..].starts_with(word))?;
            Some((&text[..at], operator, &text[at + word.len()..]))
        });
        let (column, operator, value) = found.ok_or_else(|| {
            anyhow!("{text:?} is no condition; write it like `drops>0` or `name=web*`")
        })?;
        let column: Column = column.trim().parse()?;
        let value = value.trim();
        let value = match column.is_numeric() {
            true => {
                let number = value.parse();
                Value::Number(number.with_context(|| format!("{value:?} is no number"))?)
            }
            false => {
                let fits = matches!(operator, Operator::Equal | Operator::NotEqual);
                ensure!(fits, "{column} has no numbers; `=` and `!=` compare it");
                Value::Pattern(value.to_owned())
            }
        };
        Ok(Condition {
            column,
            operator,
            value,
        })
    }
}

impl Condition {
    /// What is not known fulfils no condition but to be different.
    fn holds(&self, namespace: &Namespace) -> bool {
        match &self.value {
            Value::Number(value) => match self.column.number(namespace) {
                Some(number) => self.operator.holds(number.cmp(value)),
                None => self.operator == Operator::NotEqual,
            },
            Value::Pattern(pattern) => {
                let text = self.column.text(namespace);
                let alike = text.is_some_and(|text| matches(pattern, &text));
                alike == (self.operator == Operator::Equal)
            }
        }
    }
}

impl Operator {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Whether `text` is like `pattern`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(begin) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place leaves most for the others.
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(end)
}

impl Selection {
    pub fn apply(&self, namespaces: &mut Vec<Namespace>) {
        namespaces.retain(|namespace| self.conditions.iter().all(|it| it.holds(namespace)));
        if let Some(column) = self.sort {
            // The largest number first, and what is not known last.
            match column.is_numeric() {
                true => namespaces.sort_by_key(|it| Reverse(column.number(it))),
                false => namespaces.sort_by_cached_key(|it| {
                    let text = column.text(it);
                    (text.is_none(), text)
                }),
            }
        }
        namespaces.truncate(self.first.unwrap_or(usize::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::both;
    use super::*;

    fn select(conditions: &[&str], sort: Option<&str>, first: Option<usize>) -> Vec<u64> {
        let selection = Selection {
            conditions: conditions.iter().map(|it| it.parse().unwrap()).collect(),
            sort: sort.map(|it| it.parse().unwrap()),
            first,
        };
        let mut namespaces = Vec::new();
        for (name, cookie, packets) in [("web2", 1, 5), ("db", 2, 0), ("web1", 3, 9)] {
            namespaces.extend(both(name, cookie, packets).into_iter().next());
        }
        selection.apply(&mut namespaces);
        namespaces.iter().map(|it| it.cookie).collect()
    }

    #[test]
    fn namespaces_are_chosen_and_put_in_order() {
        assert_eq!(select(&[], None, None), [1, 2, 3]);
        assert_eq!(select(&["received>0"], None, None), [1, 3]);
        assert_eq!(select(&["received > 0", "name=*1"], None, None), [3]);
        assert_eq!(select(&["name!=web*"], None, None), [2]);
        assert_eq!(select(&["cookie<=2", "cookie!=1"], None, None), [2]);
        assert!(select(&["rx-bytes>=0"], None, None).is_empty());
        assert!(select(&["lab=x"], None, None).is_empty());
        assert_eq!(select(&[], Some("received"), Some(2)), [3, 1]);
        assert_eq!(select(&[], Some("name"), None), [2, 3, 1]);
    }

    #[test]
    fn wrong_conditions_say_what_is_wrong() {
        for (text, says) in [
            ("", "is no condition"),
            ("drops", "is no condition"),
            ("drop>0", "no column is called \"drop\""),
            ("drops>many", "\"many\" is no number"),
            ("drops>-1", "\"-1\" is no number"),
            ("name>a", "name has no numbers"),
        ] {
            let error = text.parse::<Condition>().unwrap_err();
            assert!(format!("{error:#}").contains(says), "{text:?}: {error:#}");
        }
    }

    #[test]
    fn patterns_may_have_several_gaps() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("*", "", true),
            ("*", "x", true),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("*b*", "abc", true),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
