// SPDX-License-Identifier: MIT OR Apache-2.0

//! Values that have a written form, the same for people and in JSON, and lengths of
//! time for people.

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
