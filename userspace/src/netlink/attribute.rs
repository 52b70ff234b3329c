// SPDX-License-Identifier: MIT OR Apache-2.0

//! Attributes: building them, and reading payloads whose length is checked
//! before a byte of them is believed.

use std::io::Cursor;
use std::net::IpAddr;

use anyhow::{Context, Result, anyhow, ensure};
use neli::consts::genl::NlAttrType;
use neli::consts::rtnl::RtaType;
use neli::genl::{AttrTypeBuilder, Nlattr, NlattrBuilder};
use neli::rtnl::{Rtattr, RtattrBuilder};
use neli::types::{Buffer, GenlBuffer, RtBuffer};
use neli::{FromBytesWithInput, Size, ToBytes};

/// An rtnetlink attribute.
pub fn rt<T: RtaType>(kind: T, payload: impl Size + ToBytes) -> Result<Rtattr<T, Buffer>> {
    RtattrBuilder::default()
        .rta_type(kind)
        .rta_payload(payload)
        .build()
        .with_context(|| format!("cannot build attribute {kind:?}"))
}

/// A generic netlink attribute.
pub fn genl<T: NlAttrType>(kind: T, payload: impl Size + ToBytes) -> Result<Nlattr<T, Buffer>> {
    let nla_type = AttrTypeBuilder::default().nla_type(kind).build()?;
    NlattrBuilder::default()
        .nla_type(nla_type)
        .nla_payload(payload)
        .build()
        .with_context(|| format!("cannot build attribute {kind:?}"))
}

/// A generic netlink attribute that holds others.
pub fn genl_holding<T: NlAttrType, I: NlAttrType>(
    kind: T,
    inner: Vec<Nlattr<I, Buffer>>,
) -> Result<Nlattr<T, Buffer>> {
    let nla_type = (AttrTypeBuilder::default().nla_nested(true))
        .nla_type(kind)
        .build()?;
    let inner: GenlBuffer<I, Buffer> = inner.into_iter().collect();
    NlattrBuilder::default()
        .nla_type(nla_type)
        .nla_payload(inner)
        .build()
        .with_context(|| format!("cannot build attribute {kind:?}"))
}

/// The rtnetlink attributes inside a payload.
pub fn rt_nest<T: RtaType>(payload: &Buffer) -> Result<RtBuffer<T, Buffer>> {
    parse(payload.as_ref())
}

/// The generic netlink attributes inside a payload.
pub fn genl_nest<T: NlAttrType>(payload: &Buffer) -> Result<GenlBuffer<T, Buffer>> {
    parse(payload.as_ref())
}

/// A structure that fills `bytes`.
pub fn parse<T: FromBytesWithInput<Input = usize>>(bytes: &[u8]) -> Result<T> {
    T::from_bytes_with_input(&mut Cursor::new(bytes), bytes.len())
        .map_err(|error| anyhow!("malformed attributes: {error}"))
}

pub fn u8(payload: &Buffer) -> Result<u8> {
    exactly(payload).map(u8::from_ne_bytes)
}

pub fn u32(payload: &Buffer) -> Result<u32> {
    exactly(payload).map(u32::from_ne_bytes)
}

pub fn i32(payload: &Buffer) -> Result<i32> {
    exactly(payload).map(i32::from_ne_bytes)
}

/// YNL's `uint`: as long as the value needs, 4 or 8 bytes.
pub fn uint(payload: &Buffer) -> Result<u64> {
    match payload.len() {
        4 => u32(payload).map(u64::from),
        8 => exactly(payload).map(u64::from_ne_bytes),
        length => Err(anyhow!(
            "malformed attribute: {length} bytes instead of 4 or 8"
        )),
    }
}

/// An IP address, as a payload.
pub fn ip(ip: IpAddr) -> Buffer {
    match ip {
        IpAddr::V4(ip) => Buffer::from(ip.octets().as_slice()),
        IpAddr::V6(ip) => Buffer::from(ip.octets().as_slice()),
    }
}

/// Text up to its NUL; one at the end is usual and not needed.
pub fn string(payload: &Buffer) -> Result<String> {
    let bytes = payload.as_ref();
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    // A device's name may hold any byte; it is shown, never compared.
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// A payload of exactly `N` bytes.
pub fn exactly<const N: usize>(payload: &Buffer) -> Result<[u8; N]> {
    let bytes = payload.as_ref();
    ensure!(
        bytes.len() == N,
        "malformed attribute: {} bytes instead of {N}",
        bytes.len()
    );
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(bytes: &[u8]) -> Buffer {
        Buffer::from(bytes)
    }

    #[test]
    fn numbers_are_as_long_as_they_say() {
        assert_eq!(u8(&buffer(&[7])).unwrap(), 7);
        assert_eq!(i32(&buffer(&(-1_i32).to_ne_bytes())).unwrap(), -1);
        for length in [0, 1, 3, 5, 8] {
            assert!(u32(&buffer(&vec![0; length])).is_err(), "{length}");
        }
    }

    #[test]
    fn uint_is_four_or_eight_bytes() {
        assert_eq!(
            uint(&buffer(&u32::MAX.to_ne_bytes())).unwrap(),
            u64::from(u32::MAX)
        );
        assert_eq!(uint(&buffer(&u64::MAX.to_ne_bytes())).unwrap(), u64::MAX);
        for length in [0, 1, 2, 3, 5, 7, 9, 16] {
            assert!(uint(&buffer(&vec![0; length])).is_err(), "{length}");
        }
    }

    #[test]
    fn text_ends_at_its_nul_or_with_its_bytes() {
        assert_eq!(string(&buffer(b"eth0\0\0")).unwrap(), "eth0");
        assert_eq!(string(&buffer(b"eth0")).unwrap(), "eth0");
        assert_eq!(string(&buffer(b"")).unwrap(), "");
        assert_eq!(string(&buffer(b"\xff\0")).unwrap(), "\u{fffd}");
    }

    #[test]
    fn attributes_are_built_as_the_kernel_reads_them() {
        let inner = rt(8_u16, 1_u8).unwrap();
        let outer = rt(10_u16, inner).unwrap();
        let bytes = super::super::datagram::bytes(&outer).unwrap();
        let word = u16::to_ne_bytes;
        let expected = [word(12), word(10), word(5), word(8), [1, 0], [0, 0]].concat();
        assert_eq!(bytes, expected);
    }
}
