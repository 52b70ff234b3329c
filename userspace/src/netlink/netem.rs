// SPDX-License-Identifier: MIT OR Apache-2.0

//! Impairments of what a device sends: the queueing discipline netem.

use std::time::Duration;

use anyhow::Result;
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Rtm, Tca};
use neli::rtnl::{Tcmsg, TcmsgBuilder};
use neli::types::{Buffer, RtBuffer};
use nix::errno::Errno;
use nix::libc;

use super::datagram::bytes;
use super::{Batch, Refusal, Socket, attribute};

/// Numbers of linux/pkt_sched.h.
const TC_H_ROOT: u32 = u32::MAX;
const TCA_NETEM_REORDER: u16 = 3;
const TCA_NETEM_RATE: u16 = 6;
const TCA_NETEM_RATE64: u16 = 8;
const TCA_NETEM_LATENCY64: u16 = 10;
const TCA_NETEM_JITTER64: u16 = 11;

/// The handle `1:`.
const HANDLE: u32 = 1 << 16;

/// The device of a namespace that is there always.
const LOOPBACK: i32 = 1;

/// What becomes of packets on their way out. Probabilities are in 2^32nds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Netem {
    pub delay: Duration,
    pub jitter: Duration,
    pub loss: u32,
    pub duplicate: u32,
    /// Of being sent at once, and so before what waits.
    pub reorder: u32,
    /// Bytes in a second; nothing is as fast as it goes.
    pub rate: Option<u64>,
    /// How many packets may wait.
    pub limit: u32,
}

impl Netem {
    /// `struct tc_netem_qopt` and the attributes that follow it.
    fn options(&self) -> Result<Buffer> {
        let gap = u32::from(self.reorder > 0);
        let words = [
            // Delays are given below, with more bits than there are here.
            0,
            self.limit,
            self.loss,
            gap,
            self.duplicate,
            0,
        ];
        let mut options: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
        for (kind, time) in [
            (TCA_NETEM_LATENCY64, self.delay),
            (TCA_NETEM_JITTER64, self.jitter),
        ] {
            let nanoseconds = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
            options.extend(bytes(&attribute::rt(kind, nanoseconds)?)?);
        }
        if self.reorder > 0 {
            let correlation = 0;
            let reorder = [self.reorder, correlation].map(u32::to_ne_bytes).concat();
            let reorder = attribute::rt(TCA_NETEM_REORDER, Buffer::from(reorder))?;
            options.extend(bytes(&reorder)?);
        }
        if let Some(rate) = self.rate {
            // Rate, and bookkeeping of link layers with cells, which is not ours. What
            // is too large for the first of them comes in an attribute of its own.
            let narrow = u32::try_from(rate).unwrap_or(u32::MAX);
            let narrow = [narrow, 0, 0, 0].map(u32::to_ne_bytes).concat();
            let narrow = attribute::rt(TCA_NETEM_RATE, Buffer::from(narrow))?;
            options.extend(bytes(&attribute::rt(TCA_NETEM_RATE64, rate)?)?);
            options.extend(bytes(&narrow)?);
        }
        Ok(Buffer::from(options))
    }
}

fn message(index: i32, attributes: RtBuffer<Tca, Buffer>) -> Result<Tcmsg> {
    Ok(TcmsgBuilder::default()
        .tcm_family(libc::AF_UNSPEC as u8)
        .tcm_ifindex(index)
        .tcm_handle(HANDLE)
        .tcm_parent(TC_H_ROOT)
        .tcm_info(0)
        .rtattrs(attributes)
        .build()?)
}

/// Impairs what the device with index `index` sends, in place of what was asked
/// before.
pub fn set(batch: &mut Batch, what: impl Into<String>, index: i32, netem: &Netem) -> Result<()> {
    let mut attributes = RtBuffer::new();
    attributes.push(attribute::rt(Tca::Kind, "netem")?);
    attributes.push(attribute::rt(Tca::Options, netem.options()?)?);
    let flags = NlmF::CREATE | NlmF::REPLACE;
    batch.push(what, Rtm::Newqdisc, flags, &message(index, attributes)?)
}

/// Lets the device send as it is, if it does not already. What others have put in the
/// place of ours stays.
pub fn remove(batch: &mut Batch, what: impl Into<String>, index: i32) -> Result<()> {
    let message = message(index, RtBuffer::new())?;
    batch.push(what, Rtm::Delqdisc, NlmF::empty(), &message)?;
    // There is no queueing discipline, or none with our handle.
    batch.tolerate(&[Errno::ENOENT, Errno::EINVAL]);
    Ok(())
}

/// Whether the kernel has netem. The socket is of a namespace that nobody uses.
pub fn is_there(socket: &mut Socket) -> Result<bool> {
    let nothing = Netem {
        limit: 1,
        ..Netem::default()
    };
    let mut batch = Batch::default();
    set(&mut batch, "cannot try out netem", LOOPBACK, &nothing)?;
    match socket.transact(&batch) {
        Ok(_) => Ok(true),
        // A kernel without queueing disciplines does not know such messages.
        Err(error) if Refusal::is(&error, Errno::ENOENT) => Ok(false),
        Err(error) if Refusal::is(&error, Errno::EOPNOTSUPP) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_laid_out_as_the_kernel_reads_them() {
        let netem = Netem {
            delay: Duration::from_millis(20),
            jitter: Duration::from_micros(1),
            loss: 1 << 31,
            duplicate: u32::MAX,
            reorder: 1 << 30,
            rate: Some(1 << 33),
            limit: 1000,
        };
        let options = netem.options().unwrap();
        let mut expected: Vec<u8> = Vec::new();
        for word in [0, 1000, 1 << 31, 1, u32::MAX, 0] {
            expected.extend(u32::to_ne_bytes(word));
        }
        let mut attribute = |kind: u16, payload: &[u8]| {
            expected.extend((payload.len() as u16 + 4).to_ne_bytes());
            expected.extend(kind.to_ne_bytes());
            expected.extend(payload);
        };
        attribute(TCA_NETEM_LATENCY64, &20_000_000_i64.to_ne_bytes());
        attribute(TCA_NETEM_JITTER64, &1000_i64.to_ne_bytes());
        let quarter = [1_u32 << 30, 0].map(u32::to_ne_bytes).concat();
        attribute(TCA_NETEM_REORDER, &quarter);
        attribute(TCA_NETEM_RATE64, &(1_u64 << 33).to_ne_bytes());
        let rate = [u32::MAX, 0, 0, 0].map(u32::to_ne_bytes).concat();
        attribute(TCA_NETEM_RATE, &rate);
        assert_eq!(options.as_ref(), expected);
    }
}
