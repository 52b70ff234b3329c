// SPDX-License-Identifier: MIT OR Apache-2.0

//! Values that have a written form, the same for people and in JSON, and what is
//! for people alone: lengths of time, and words of others on a terminal.

use std::borrow::Cow;

/// Reads and writes types in JSON as `FromStr` and `Display` do.
macro_rules! as_text {
    ($($type:ty),+ $(,)?) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

pub(crate) use as_text;

/// A word that came from elsewhere, as the name of a device, a file or a process, in
/// which anything may be: what would move the cursor, colour what follows or turn its
/// direction is a `?`, and so is the end of a line.
pub fn legible(word: &str) -> Cow<'_, str> {
    without(word, is_hidden)
}

/// A text that has such words in it: its lines stay lines.
pub fn legible_lines(text: &str) -> Cow<'_, str> {
    without(text, |c| is_hidden(c) && c != '\n' && c != '\t')
}

fn without(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    match text.contains(&hidden) {
        true => Cow::Owned(text.replace(&hidden, "?")),
        false => Cow::Borrowed(text),
    }
}

/// Control characters, ends of lines, and marks of direction.
fn is_hidden(c: char) -> bool {
    let is_mark = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || is_mark
}

/// The first of several troubles, and how many more there are.
pub fn summary(troubles: &[String]) -> Option<String> {
    match troubles {
        [] => None,
        [only] => Some(only.clone()),
        [first, others @ ..] => Some(format!("{first}; and {} more like that", others.len())),
    }
}

/// Nanoseconds, in the two units that say most.
pub fn age(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}.{}s", nanoseconds / 100_000_000 % 10),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_do_nothing_to_a_terminal() {
        for (word, shown) in [
            ("eth0 ä/1", "eth0 ä/1"),
            ("\x1b[2Jroot", "?[2Jroot"),
            ("\u{9b}31m", "?31m"),
            ("a\r\nb\tc\x07\x7f", "a??b?c??"),
            ("gpj.\u{202e}exe", "gpj.?exe"),
        ] {
            assert_eq!(legible(word), shown);
        }
        assert_eq!(legible_lines("a\n\tb\x1bc\r"), "a\n\tb?c?");
    }

    #[test]
    fn ages_have_two_units() {
        let second = 1_000_000_000;
        for (nanoseconds, text) in [
            (0, "0.0s"),
            (59_990_000_000, "59.9s"),
            (60 * second, "1m00s"),
            (3599 * second, "59m59s"),
            (3600 * second, "1h00m"),
            (86399 * second, "23h59m"),
            (90000 * second, "1d01h"),
            (u64::MAX, "213503d23h"),
        ] {
            assert_eq!(age(nanoseconds), text);
        }
    }
}
