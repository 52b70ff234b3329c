// SPDX-License-Identifier: MIT OR Apache-2.0

//! What becomes of packets on a link: as it is asked for, as it is recorded, as the
//! kernel takes it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::micros;
use crate::netlink::netem::Netem;

/// What netem does to the packets that a device sends. One that does nothing is
/// not written down: an end has none then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impairment {
    #[serde(rename = "delay_us", with = "micros")]
    pub delay: Duration,
    /// No more than `delay`.
    #[serde(rename = "jitter_us", with = "micros")]
    pub jitter: Duration,
    #[serde(rename = "loss_ppm")]
    pub loss: Probability,
    #[serde(rename = "duplicate_ppm")]
    pub duplicate: Probability,
    /// Of packets that do not wait for the delay. None, or there is a delay.
    #[serde(rename = "reorder_ppm")]
    pub reorder: Probability,
    /// Bits a second.
    #[serde(rename = "rate_bps")]
    pub rate: Option<u64>,
    /// Packets that may wait.
    pub limit: u32,
}

/// What a queue holds at least, as netem has it by default.
const LEAST_LIMIT: u32 = 1000;
/// Bytes of a packet, and the bits a second of a link that has no rate, for the
/// length of a queue.
const USUAL_PACKET: u64 = 1500;
const USUAL_RATE: u64 = 1_000_000_000;

/// What is asked of an impairment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    pub delay: Duration,
    pub jitter: Duration,
    pub loss: Probability,
    pub duplicate: Probability,
    pub reorder: Probability,
    pub rate: Option<u64>,
    /// As many as is usual with the rest, if not said.
    pub limit: Option<u32>,
}

/// What is asked for and contradicts the rest, by its key in lab files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contradiction {
    Jitter,
    Reorder,
}

impl Contradiction {
    pub fn key(self) -> &'static str {
        match self {
            Contradiction::Jitter => "jitter",
            Contradiction::Reorder => "reorder",
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Contradiction::Jitter => "`jitter` is more than the `delay` that it varies",
            Contradiction::Reorder => {
                "`reorder` is of packets that do not wait for the `delay`, and there is none"
            }
        })
    }
}

impl Asked {
    fn contradictions(&self) -> Vec<Contradiction> {
        let jitter = (self.jitter > self.delay).then_some(Contradiction::Jitter);
        let reorders = self.reorder > Probability::default();
        let reorder = (reorders && self.delay.is_zero()).then_some(Contradiction::Reorder);
        jitter.into_iter().chain(reorder).collect()
    }

    fn changes_anything(&self) -> bool {
        let shares = [self.loss, self.duplicate, self.reorder];
        let certain = shares.iter().any(|share| *share > Probability::default());
        !self.delay.is_zero() || certain || self.rate.is_some() || self.limit.is_some()
    }
}

impl Impairment {
    /// The impairment that is asked for; nothing, where that is to let packets be.
    pub fn new(asked: Asked) -> Result<Option<Self>, Vec<Contradiction>> {
        let contradictions = asked.contradictions();
        if !contradictions.is_empty() {
            return Err(contradictions);
        }
        let usual = || Self::usual_limit(asked.delay + asked.jitter, asked.rate);
        let impairment = Impairment {
            delay: asked.delay,
            jitter: asked.jitter,
            loss: asked.loss,
            duplicate: asked.duplicate,
            reorder: asked.reorder,
            rate: asked.rate,
            limit: asked.limit.unwrap_or_else(usual),
        };
        Ok(asked.changes_anything().then_some(impairment))
    }

    /// Whether it is what is asked for by all but the limit.
    pub fn has_usual_limit(&self) -> bool {
        let asked = Asked {
            delay: self.delay,
            jitter: self.jitter,
            loss: self.loss,
            duplicate: self.duplicate,
            reorder: self.reorder,
            rate: self.rate,
            limit: None,
        };
        Impairment::new(asked).is_ok_and(|usual| usual.as_ref() == Some(self))
    }

    /// In the kernel's units.
    pub fn netem(&self) -> Netem {
        Netem {
            delay: self.delay,
            jitter: self.jitter,
            loss: self.loss.scaled(),
            duplicate: self.duplicate.scaled(),
            reorder: self.reorder.scaled(),
            // The kernel counts bytes.
            rate: self.rate.map(|bits| bits.div_ceil(8)),
            limit: self.limit,
        }
    }

    /// How long a queue has to be for packets that wait so long not to be lost:
    /// twice what comes meanwhile.
    fn usual_limit(wait: Duration, rate: Option<u64>) -> u32 {
        let bits = wait.as_micros() * u128::from(rate.unwrap_or(USUAL_RATE)) / 1_000_000;
        let packets = bits / u128::from(8 * USUAL_PACKET) * 2;
        u32::try_from(packets).unwrap_or(u32::MAX).max(LEAST_LIMIT)
    }
}

/// A probability, in millionths.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Probability(pub u32);

impl Probability {
    pub const CERTAIN: Probability = Probability(1_000_000);

    /// As the kernel has it, in 2^32nds.
    pub fn scaled(self) -> u32 {
        let scaled = u64::from(self.0) * u64::from(u32::MAX) / u64::from(Self::CERTAIN.0);
        u32::try_from(scaled).unwrap_or(u32::MAX)
    }
}

/// In percent.
impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        write!(f, "{whole}")?;
        if rest > 0 {
            let digits = format!("{rest:04}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("%")
    }
}

/// What it does, in netem's words.
impl fmt::Display for Impairment {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut words = Vec::new();
        if !self.delay.is_zero() {
            words.push(format!("delay {:?}", self.delay));
        }
        if !self.jitter.is_zero() {
            words.push(format!("jitter {:?}", self.jitter));
        }
        for (what, probability) in [
            ("loss", self.loss),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
        ] {
            if probability > Probability::default() {
                words.push(format!("{what} {probability}"));
            }
        }
        words.extend(self.rate.map(|rate| format!("rate {rate} bit/s")));
        words.push(format!("limit {}", self.limit));
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contradicts_itself_is_no_impairment() {
        let one = Duration::from_millis(1);
        let some = Probability(1);
        let of = |delay: Duration, jitter: Duration, reorder: Probability| {
            Impairment::new(Asked {
                delay,
                jitter,
                reorder,
                ..Asked::default()
            })
        };
        let zero = Duration::ZERO;
        assert!(of(one, one, some).unwrap().is_some());
        assert_eq!(of(zero, zero, Probability(0)), Ok(None));
        assert_eq!(of(one, 2 * one, some).unwrap_err(), [Contradiction::Jitter]);
        assert_eq!(of(zero, zero, some).unwrap_err(), [Contradiction::Reorder]);
        assert_eq!(
            of(zero, one, some).unwrap_err(),
            [Contradiction::Jitter, Contradiction::Reorder]
        );
    }

    #[test]
    fn a_limit_alone_is_one() {
        let asked = Asked {
            limit: Some(7),
            ..Asked::default()
        };
        let impairment = Impairment::new(asked).unwrap();
        assert_eq!(impairment.map(|impairment| impairment.limit), Some(7));
    }
}
