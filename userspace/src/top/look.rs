// SPDX-License-Identifier: MIT OR Apache-2.0

//! How things look: styles, numbers, lines of the past.

use ratatui::style::{Color, Modifier, Style};

use crate::text::legible;

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub colours: bool,
    pub unicode: bool,
}

impl Look {
    fn coloured(self, colour: Color, without: Modifier) -> Style {
        match self.colours {
            true => Style::new().fg(colour),
            false => Style::new().add_modifier(without),
        }
    }

    pub fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The column that a list is sorted by.
    pub fn chosen(self) -> Style {
        match self.colours {
            true => self.heading().fg(Color::Cyan),
            false => self
                .heading()
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    pub fn selected(self) -> Style {
        match self.colours {
            true => Style::new().bg(Color::Blue).fg(Color::White),
            false => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    pub fn trouble(self) -> Style {
        self.coloured(Color::Red, Modifier::BOLD)
    }

    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The last of `values`, as high as they are beside the largest.
    pub fn sparkline(self, values: impl DoubleEndedIterator<Item = f64>, width: usize) -> String {
        let steps: &[char] = match self.unicode {
            true => &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            false => &[' ', '_', '.', ',', '-', '=', '+', '*', '#'],
        };
        let mut last: Vec<f64> = values.rev().take(width).collect();
        last.reverse();
        let largest = last.iter().copied().fold(0.0, f64::max);
        let step = |value: f64| {
            let share = if largest > 0.0 { value / largest } else { 0.0 };
            // What is more than nothing is seen.
            steps[(share * (steps.len() - 1) as f64).ceil() as usize]
        };
        let blanks = width - last.len();
        std::iter::repeat_n(' ', blanks)
            .chain(last.into_iter().map(step))
            .collect()
    }
}

/// A number in few characters, with `k`, `M`, ... for thousands.
pub fn short(value: f64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut value = value;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 if value == 0.0 => "0".to_owned(),
        0 if value < 9.95 => format!("{value:.1}"),
        _ if value < 9.995 && unit > 0 => format!("{value:.2}{}", UNITS[unit]),
        _ if value < 99.95 && unit > 0 => format!("{value:.1}{}", UNITS[unit]),
        _ => format!("{value:.0}{}", UNITS[unit]),
    }
}

/// A text of that width, in which anything may be; what is longer loses its end, and
/// says so.
pub fn fitting(text: &str, width: usize) -> String {
    let text = legible(text);
    match text.chars().count() > width {
        true => {
            (text
                .chars()
                .take(width.saturating_sub(1))
                .collect::<String>())
                + "~"
        }
        false => text.into_owned(),
    }
}

/// A text in lines of that width, folded between words; a word that is longer is a
/// line of its own.
pub fn folded(text: &str, width: usize) -> Vec<String> {
    let text = legible(text);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, written) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (9.94, "9.9"),
            (12.6, "13"),
            (999.4, "999"),
            (999.6, "1.00k"),
            (12_345.0, "12.3k"),
            (123_456.0, "123k"),
            (1e9, "1.00G"),
            (1e30, "1000000000000E"),
        ] {
            assert_eq!(short(value), written);
        }
    }

    #[test]
    fn sparklines_show_the_last_and_all_that_is_more_than_nothing() {
        let look = |unicode| Look {
            colours: true,
            unicode,
        };
        let values = [9.0, 0.0, 0.1, 4.0, 8.0];
        assert_eq!(look(true).sparkline(values.into_iter(), 4), " ▁▄█");
        assert_eq!(look(false).sparkline(values.into_iter(), 4), " _-#");
        assert_eq!(look(true).sparkline([0.0].into_iter(), 3), "   ");
        assert_eq!(look(true).sparkline([1.0].into_iter(), 3), "  █");
    }

    #[test]
    fn texts_are_folded_between_words() {
        assert_eq!(folded("a bc  def ghij", 5), ["a bc", "def", "ghij"]);
        assert_eq!(folded("abcdef g", 3), ["abcdef", "g"]);
        assert_eq!(folded("a b", 0), ["a", "b"]);
        assert_eq!(folded("", 5), Vec::<String>::new());
    }

    #[test]
    fn long_names_lose_their_end() {
        assert_eq!(fitting("abc", 3), "abc");
        assert_eq!(fitting("äbcd", 3), "äb~");
        assert_eq!(fitting("\x1b[2J", 8), "?[2J");
    }
}
