// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is written on the command line, where clap's words for what is wrong with it
//! would tell nobody what is right.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Seconds, and parts of them, of which there may be so many.
pub fn seconds(text: &str, allowed: RangeInclusive<Duration>) -> Result<Duration> {
    let seconds = text.parse::<f64>().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let time = time.with_context(|| format!("`{text}` is no number of seconds, as 2.5 is"))?;
    let (least, most) = (allowed.start().as_secs_f64(), allowed.end().as_secs_f64());
    ensure!(
        allowed.contains(&time),
        "it has to be from {least} to {most} seconds"
    );
    Ok(time)
}

/// How many there are of something; none is a number too.
pub fn count(text: &str) -> Result<u64> {
    let count = text.parse().ok();
    count.with_context(|| format!("`{text}` is no whole number from 0 to {}", u64::MAX))
}

/// An address, and a port at it.
pub fn address(text: &str) -> Result<SocketAddr> {
    let address = text.parse().ok();
    address.with_context(|| {
        format!("`{text}` is no address with a port, as 127.0.0.1:9479 and [::1]:9479 are; names are not looked up")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_in_a_range() {
        let allowed = Duration::from_millis(250)..=Duration::from_secs(60);
        for (text, millis) in [("0.25", 250), ("60", 60_000), ("1.5e1", 15_000)] {
            let read = seconds(text, allowed.clone()).unwrap();
            assert_eq!(read, Duration::from_millis(millis));
        }
        for (text, says) in [
            ("0.2", "from 0.25 to 60 seconds"),
            ("61", "from 0.25 to 60 seconds"),
            ("-1", "no number of seconds"),
            ("NaN", "no number of seconds"),
            ("1e300", "no number of seconds"),
            ("two", "`two` is no number of seconds"),
            ("", "no number of seconds"),
        ] {
            let error = seconds(text, allowed.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_says_what_is_right() {
        assert_eq!(count("12").unwrap(), 12);
        assert!(count("-1").unwrap_err().to_string().contains("`-1`"));
        assert!(address("[::1]:80").is_ok());
        let error = address("localhost:80").unwrap_err().to_string();
        assert!(error.contains("as 127.0.0.1:9479"), "{error}");
    }
}
