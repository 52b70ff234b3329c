// SPDX-License-Identifier: MIT OR Apache-2.0

//! Quantities with their units, as they are written in a lab file.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::lab::model::Probability;

const DURATIONS: &[(&str, u64)] = &[
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("min", 60_000_000),
];

/// As tc has them: bits a second, in thousands.
const RATES: &[(&str, u64)] = &[
    ("bit", 1),
    ("kbit", 1_000),
    ("mbit", 1_000_000),
    ("gbit", 1_000_000_000),
];

const PERCENT: &[(&str, u64)] = &[("%", 10_000)];

pub fn duration(text: &str) -> Result<Duration> {
    let micros = quantity(text, DURATIONS).with_context(|| {
        format!("`{text}` is not a time; expected one like 10ms, 1.5s or 200us")
    })?;
    Ok(Duration::from_micros(micros))
}

pub fn rate(text: &str) -> Result<u64> {
    let rate = quantity(&text.to_ascii_lowercase(), RATES)
        .with_context(|| format!("`{text}` is not a rate; expected one like 10mbit or 64kbit"))?;
    ensure!(rate > 0, "`{text}` would let nothing through");
    Ok(rate)
}

pub fn probability(text: &str) -> Result<Probability> {
    let millionths = quantity(text, PERCENT)
        .with_context(|| format!("`{text}` is not a share; expected one like 0.1%"))?;
    (u32::try_from(millionths).ok())
        .map(Probability)
        .filter(|share| *share <= Probability::CERTAIN)
        .with_context(|| format!("`{text}` is more than 100%"))
}

/// A decimal number and a unit, in the unit that is worth 1; nothing, where it is
/// neither or finer than that.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let (_, worth) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut value = whole.parse::<u64>().ok()?.checked_mul(*worth)?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut rest = *worth;
    for digit in fraction.bytes().map(|byte| u64::from(byte - b'0')) {
        if digit != 0 && (rest == 0 || rest % 10 != 0) {
            return None;
        }
        rest /= 10;
        value = value.checked_add(digit * rest)?;
    }
    Some(value)
}

pub fn write_duration(duration: Duration) -> String {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    write(micros, &DURATIONS[..3])
}

pub fn write_rate(rate: u64) -> String {
    write(rate, RATES)
}

/// In the largest unit in which it is a whole number.
fn write(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, worth): &&(&str, u64)| value % worth == 0 && value >= *worth;
    let (name, worth) = units.iter().rev().find(fits).unwrap_or(&units[0]);
    format!("{}{name}", value / worth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, micros) in [
            ("10ms", 10_000),
            ("1.5s", 1_500_000),
            ("200us", 200),
            ("0.25 ms", 250),
            ("2min", 120_000_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text).unwrap(), Duration::from_micros(micros));
        }
        for wrong in [
            "",
            "10",
            "ms",
            "-1ms",
            "1.ms",
            ".5s",
            "0.5us",
            "1h",
            "1.5.2s",
            "99999999999999s",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_in_bits() {
        assert_eq!(rate("10mbit").unwrap(), 10_000_000);
        assert_eq!(rate("1.5Gbit").unwrap(), 1_500_000_000);
        for wrong in ["0bit", "10", "10mbps", "1.5bit"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_in_percent() {
        assert_eq!(probability("0.1%").unwrap(), Probability(1_000));
        assert_eq!(probability("100%").unwrap(), Probability::CERTAIN);
        assert_eq!(probability("0.0001%").unwrap(), Probability(1));
        for wrong in ["0.1", "100.1%", "0.00001%", "5 percent", "%"] {
            assert!(probability(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for micros in [0, 1, 999, 1_000, 1_500, 2_000_000, 60_000_000] {
            let value = Duration::from_micros(micros);
            assert_eq!(duration(&write_duration(value)).unwrap(), value);
        }
        for value in [1, 999, 64_000, 10_000_000, 1_500_000_000] {
            assert_eq!(rate(&write_rate(value)).unwrap(), value);
        }
        for millionths in [1, 10, 12_345, 999_999, 1_000_000] {
            let value = Probability(millionths);
            assert_eq!(probability(&value.to_string()).unwrap(), value);
        }
        assert_eq!(write_duration(Duration::from_millis(1_500)), "1500ms");
        assert_eq!(write_rate(64_000), "64kbit");
    }
}
