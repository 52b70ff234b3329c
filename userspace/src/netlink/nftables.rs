// SPDX-License-Identifier: MIT OR Apache-2.0

//! The chains through which packets come: those of nftables that are registered at
//! a hook. iptables of today makes such ones as well.

use anyhow::{Context, Result, ensure};
use neli::consts::socket::NlFamily;
use neli::types::Buffer;

use super::{Socket, attribute};

/// Numbers of linux/netfilter/nfnetlink.h and linux/netfilter/nf_tables.h.
const SUBSYSTEM: u16 = 10 << 8;
const GETCHAIN: u16 = SUBSYSTEM | 4;
const TABLE: u16 = 1;
const NAME: u16 = 3;
const HOOK: u16 = 4;
const POLICY: u16 = 5;
const HOOK_NUMBER: u16 = 1;
/// `struct nfgenmsg`: family, version, and a number that means nothing here.
const HEADER: usize = 4;
/// Whether an attribute holds others, and whether it is in the network's order.
const FLAGS: u16 = 0b11 << 14;
/// `NF_DROP` of linux/netfilter.h.
const DROP: u32 = 0;

/// A chain at a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// `NFPROTO_` numbers of linux/netfilter.h.
    pub family: u8,
    pub table: String,
    pub name: String,
    /// `NF_INET_` numbers of the same, or `NF_BR_` ones, which are alike.
    pub hook: u32,
    /// What no rule decides about is dropped.
    pub drops: bool,
}

/// Every chain at a hook in the namespace the thread is in.
pub fn base_chains() -> Result<Vec<Chain>> {
    let mut socket = Socket::open(NlFamily::Netfilter)?;
    let any_family = Buffer::from([0; HEADER].as_slice());
    let entries = socket.dump("cannot list nftables' chains", GETCHAIN, &any_family)?;
    let chains = entries.iter().map(parse);
    chains.filter_map(Result::transpose).collect()
}

/// A chain, if it is at a hook: others are only jumped to.
fn parse(message: &Buffer) -> Result<Option<Chain>> {
    let bytes = message.as_ref();
    ensure!(bytes.len() >= HEADER, "malformed description of a chain");
    let attributes = Buffer::from(&bytes[HEADER..]);
    let mut chain = Chain {
        family: bytes[0],
        table: String::new(),
        name: String::new(),
        hook: 0,
        drops: false,
    };
    let mut hook = None;
    for attribute in attribute::rt_nest::<u16>(&attributes)?.iter() {
        let payload = attribute.rta_payload();
        match *attribute.rta_type() & !FLAGS {
            TABLE => chain.table = attribute::string(payload)?,
            NAME => chain.name = attribute::string(payload)?,
            HOOK => hook = Some(hook_number(payload)?),
            POLICY => chain.drops = big_endian(payload)? == DROP,
            _ => {}
        }
    }
    Ok(hook.map(|hook| Chain { hook, ..chain }))
}

fn hook_number(payload: &Buffer) -> Result<u32> {
    let nest = attribute::rt_nest::<u16>(payload)?;
    let number = (nest.iter())
        .find(|attribute| *attribute.rta_type() & !FLAGS == HOOK_NUMBER)
        .context("a chain's hook has no number")?;
    big_endian(number.rta_payload())
}

fn big_endian(payload: &Buffer) -> Result<u32> {
    attribute::exactly(payload).map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u16::try_from(payload.len() + 4).unwrap().to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(attributes: &[Vec<u8>]) -> Buffer {
        Buffer::from([vec![2, 0, 0, 0], attributes.concat()].concat())
    }

    #[test]
    fn a_chain_at_a_hook_is_told_from_others() {
        let names = [attribute(TABLE, b"filter\0"), attribute(NAME, b"FORWARD\0")];
        assert_eq!(parse(&message(&names)).unwrap(), None);
        let hook = attribute(HOOK_NUMBER, &2_u32.to_be_bytes());
        let chain = |policy: u32| {
            let mut all = names.to_vec();
            all.push(attribute(HOOK | 1 << 15, &hook));
            all.push(attribute(POLICY, &policy.to_be_bytes()));
            parse(&message(&all)).unwrap().unwrap()
        };
        let expected = Chain {
            family: 2,
            table: "filter".to_owned(),
            name: "FORWARD".to_owned(),
            hook: 2,
            drops: true,
        };
        assert_eq!(chain(0), expected);
        assert!(!chain(1).drops);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for wrong in [
            Buffer::from([2, 0].as_slice()),
            message(&[attribute(POLICY, &[0, 0])]),
            message(&[attribute(HOOK, &[])]),
            message(&[attribute(HOOK, &attribute(HOOK_NUMBER, &[1]))]),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
