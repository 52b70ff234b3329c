// SPDX-License-Identifier: MIT OR Apache-2.0

//! Devices: making, changing, finding and deleting them.

use std::os::fd::{AsRawFd, BorrowedFd};

use anyhow::{Context, Result};
use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Iff, Ifla, IflaInfo, RtAddrFamily, Rtm};
use neli::rtnl::{Ifinfomsg, IfinfomsgBuilder, Rtattr};
use neli::types::{Buffer, RtBuffer};
use nix::errno::Errno;
use nix::libc;

use super::{Batch, DeviceName, Mac, Refusal, Socket, attribute};

/// `VETH_INFO_PEER` of linux/veth.h.
const VETH_INFO_PEER: u16 = 1;
/// `IFLA_INET6_ADDR_GEN_MODE` of linux/if_link.h, and its value for "none".
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const IN6_ADDR_GEN_MODE_NONE: u8 = 1;
/// What an Ethernet device has unless it is told otherwise.
pub const USUAL_MTU: u32 = 1500;
/// More names of a device: numbers of linux/if_link.h and linux/rtnetlink.h.
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const RTM_NEWLINKPROP: u16 = 108;
/// `NLA_F_NESTED` of linux/netlink.h, which newer messages insist on.
const NESTED: u16 = 1 << 15;
/// `RTEXT_FILTER_SKIP_STATS` of linux/rtnetlink.h.
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;
/// `IF_OPER_UP` of linux/if.h.
const IF_OPER_UP: u8 = 6;

/// Makes a device, no matter which others there are, and says what it became.
const CREATE: NlmF = NlmF::CREATE.union(NlmF::EXCL).union(NlmF::ECHO);

/// One end of a veth pair, before it is made.
pub struct NewEnd<'a> {
    pub name: &'a DeviceName,
    pub mac: Option<Mac>,
    pub mtu: Option<u32>,
    /// The namespace it is made in, if not the socket's.
    pub netns: Option<BorrowedFd<'a>>,
    /// The bridge it becomes a port of: its index in the socket's namespace.
    pub master: Option<i32>,
}

/// A device as the kernel describes it.
#[derive(Debug, Clone)]
pub struct Link {
    pub index: i32,
    pub name: String,
    pub altnames: Vec<String>,
    pub kind: Option<String>,
    pub mac: Option<Mac>,
    pub master: Option<i32>,
    /// Index of the device this one is tied to; of a veth, its peer.
    pub peer: Option<i32>,
    /// The namespace of that one, by its id in this one's, if it is another.
    pub peer_nsid: Option<i32>,
    pub up: bool,
    /// Packets can pass: it is up and so is what it is connected to.
    pub operational: bool,
    /// What its kind keeps of it, and what its master's kind does.
    pub(super) data: Option<Buffer>,
    pub(super) port_data: Option<Buffer>,
}

impl Link {
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    pub(super) fn parse(payload: &Buffer) -> Result<Self> {
        let message: Ifinfomsg = attribute::parse(payload.as_ref())?;
        let mut link = Link {
            index: *message.ifi_index(),
            name: String::new(),
            altnames: Vec::new(),
            kind: None,
            mac: None,
            master: None,
            peer: None,
            peer_nsid: None,
            up: message.ifi_flags().contains(Iff::UP),
            operational: false,
            data: None,
            port_data: None,
        };
        for attribute in message.rtattrs().iter() {
            let payload = attribute.rta_payload();
            match attribute.rta_type() {
                Ifla::Ifname => link.name = attribute::string(payload)?,
                Ifla::Master => link.master = Some(attribute::i32(payload)?),
                Ifla::Link => link.peer = Some(attribute::i32(payload)?),
                Ifla::LinkNetnsid => link.peer_nsid = Some(attribute::i32(payload)?),
                Ifla::Operstate => link.operational = attribute::u8(payload)? == IF_OPER_UP,
                // Devices that are not Ethernet have other lengths, or none.
                Ifla::Address => link.mac = attribute::exactly(payload).ok().map(Mac),
                Ifla::Linkinfo => link.parse_info(payload)?,
                kind if u16::from(*kind) & !NESTED == IFLA_PROP_LIST => {
                    link.parse_names(payload)?;
                }
                _ => {}
            }
        }
        Ok(link)
    }

    fn parse_names(&mut self, payload: &Buffer) -> Result<()> {
        for attribute in attribute::rt_nest::<u16>(payload)?.iter() {
            if *attribute.rta_type() == IFLA_ALT_IFNAME {
                self.altnames
                    .push(attribute::string(attribute.rta_payload())?);
            }
        }
        Ok(())
    }

    fn parse_info(&mut self, payload: &Buffer) -> Result<()> {
        for attribute in attribute::rt_nest::<IflaInfo>(payload)?.iter() {
            let payload = attribute.rta_payload();
            match attribute.rta_type() {
                IflaInfo::Kind => self.kind = Some(attribute::string(payload)?),
                IflaInfo::Data => self.data = Some(payload.clone()),
                IflaInfo::SlaveData => self.port_data = Some(payload.clone()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Asks for a description without counters, which is shorter by half.
fn briefly() -> Result<Rtattr<Ifla, Buffer>> {
    attribute::rt(Ifla::ExtMask, RTEXT_FILTER_SKIP_STATS)
}

/// The device called `name` in the socket's namespace, if there is one.
pub fn find(socket: &mut Socket, name: &DeviceName) -> Result<Option<Link>> {
    let attributes = [attribute::rt(Ifla::Ifname, name.as_str())?, briefly()?];
    let message = message(0, attributes).build()?;
    let batch = Batch::of(
        format!("cannot look for device {name}"),
        Rtm::Getlink,
        NlmF::empty(),
        &message,
    )?;
    match socket.transact(&batch) {
        Ok(answers) => Ok(Some(single(&answers)?)),
        Err(error) if Refusal::is(&error, Errno::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The device with index `index` in the socket's namespace; a refusal with
/// ENODEV where there is none.
pub fn get(socket: &mut Socket, index: i32) -> Result<Link> {
    let message = message(index, [briefly()?]).build()?;
    let what = format!("cannot read device number {index}");
    let batch = Batch::of(what, Rtm::Getlink, NlmF::empty(), &message)?;
    single(&socket.transact(&batch)?)
}

/// All devices of the socket's namespace.
pub fn all(socket: &mut Socket) -> Result<Vec<Link>> {
    let message = message(0, [briefly()?]).build()?;
    let entries = socket.dump("cannot list the devices", Rtm::Getlink, &message)?;
    entries.iter().map(Link::parse).collect()
}

/// Makes a veth pair by one message, each end in its place; `end` is in the
/// socket's own namespace. Returns the indexes of `end` and `peer`.
pub fn add_veth(
    socket: &mut Socket,
    what: &str,
    end: &NewEnd,
    peer: &NewEnd,
) -> Result<(i32, i32)> {
    let mut batch = Batch::default();
    push_veth(&mut batch, what, end, peer)?;
    let answers = socket.transact(&batch)?;
    made_veth(socket, &answers[0], end.name)
}

/// Adds to a batch what makes a veth pair, as above.
pub fn push_veth(
    batch: &mut Batch,
    what: impl Into<String>,
    end: &NewEnd,
    peer: &NewEnd,
) -> Result<()> {
    let peer_message = message(0, new_end(peer)?).build()?;
    let data = attribute::rt(IflaInfo::Data, attribute::rt(VETH_INFO_PEER, peer_message)?)?;
    let mut attributes = new_end(end)?;
    attributes.push(link_info("veth", data)?);
    batch.push(what, Rtm::Newlink, CREATE, &message(0, attributes).build()?)
}

/// The indexes of both ends, from the answer to this. Where the kernel is too old
/// (before 6.2) to say them, the first end is looked for.
pub fn made_veth(socket: &mut Socket, answer: &[Buffer], end: &DeviceName) -> Result<(i32, i32)> {
    let made = answer.first().map(Link::parse).transpose()?;
    if let Some(Link {
        index,
        peer: Some(peer),
        ..
    }) = made
    {
        return Ok((index, peer));
    }
    let gone = || format!("{end} is gone already");
    let index = find(socket, end)?.with_context(gone)?.index;
    // Of its peer the kernel speaks only where it is asked for by its number.
    let peer = get(socket, index)?.peer;
    Ok((index, peer.with_context(gone)?))
}

/// Makes a device of the socket's namespace and returns what the kernel says
/// of it; nothing, where the kernel is too old (before 6.2) to say it.
pub(super) fn create(
    socket: &mut Socket,
    what: &str,
    attributes: Vec<Rtattr<Ifla, Buffer>>,
) -> Result<Option<Link>> {
    let message = message(0, attributes).build()?;
    let answers = socket.transact(&Batch::of(what, Rtm::Newlink, CREATE, &message)?)?;
    answers.iter().flatten().next().map(Link::parse).transpose()
}

/// The attribute that says what kind of device is made.
pub(super) fn link_info(
    kind: &str,
    data: Rtattr<IflaInfo, Buffer>,
) -> Result<Rtattr<Ifla, Buffer>> {
    let mut info = RtBuffer::new();
    info.push(attribute::rt(IflaInfo::Kind, kind)?);
    info.push(data);
    attribute::rt(Ifla::Linkinfo, info)
}

fn new_end(end: &NewEnd) -> Result<Vec<Rtattr<Ifla, Buffer>>> {
    let mut attributes = vec![attribute::rt(Ifla::Ifname, end.name.as_str())?];
    if let Some(Mac(mac)) = end.mac {
        attributes.push(attribute::rt(Ifla::Address, mac)?);
    }
    if let Some(mtu) = end.mtu {
        attributes.push(attribute::rt(Ifla::Mtu, mtu)?);
    }
    if let Some(netns) = end.netns {
        attributes.push(attribute::rt(Ifla::NetNsFd, netns.as_raw_fd())?);
    }
    if let Some(master) = end.master {
        attributes.push(attribute::rt(Ifla::Master, master)?);
    }
    Ok(attributes)
}

/// Keeps IPv6 from giving the device an address by itself. It must come before
/// the device is up, in a message of its own: the kernel does not look at this
/// when it makes a device, and in one message it would bring it up first.
pub fn no_generated_address(batch: &mut Batch, what: impl Into<String>, index: i32) -> Result<()> {
    let mode = attribute::rt(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)?;
    let inet6 = attribute::rt(libc::AF_INET6 as u16, mode)?;
    let message = message(index, [attribute::rt(Ifla::AfSpec, inet6)?]).build()?;
    batch.push(what, Rtm::Setlink, NlmF::empty(), &message)?;
    // There is no IPv6 on this device: its MTU is too small, or the kernel has none.
    batch.tolerate(&[Errno::EAFNOSUPPORT]);
    Ok(())
}

/// Gives the device another Ethernet address or MTU.
pub fn set(
    batch: &mut Batch,
    what: impl Into<String>,
    index: i32,
    mac: Option<Mac>,
    mtu: Option<u32>,
) -> Result<()> {
    let mut attributes = Vec::new();
    if let Some(Mac(mac)) = mac {
        attributes.push(attribute::rt(Ifla::Address, mac)?);
    }
    if let Some(mtu) = mtu {
        attributes.push(attribute::rt(Ifla::Mtu, mtu)?);
    }
    let message = message(index, attributes).build()?;
    batch.push(what, Rtm::Setlink, NlmF::empty(), &message)
}

/// Makes the device a port of the bridge with index `bridge`.
pub fn enslave(batch: &mut Batch, what: impl Into<String>, index: i32, bridge: i32) -> Result<()> {
    let message = message(index, [attribute::rt(Ifla::Master, bridge)?]).build()?;
    batch.push(what, Rtm::Setlink, NlmF::empty(), &message)
}

/// Gives the device one more name, which may be longer than a device's first one
/// (up to 127 bytes), and by which `ip` finds it.
pub fn add_name(batch: &mut Batch, what: impl Into<String>, index: i32, name: &str) -> Result<()> {
    let name = attribute::rt(IFLA_ALT_IFNAME, name)?;
    let names = attribute::rt(Ifla::from(IFLA_PROP_LIST | NESTED), name)?;
    let message = message(index, [names]).build()?;
    let flags = NlmF::CREATE | NlmF::EXCL | NlmF::APPEND;
    batch.push(what, RTM_NEWLINKPROP, flags, &message)
}

/// Brings the device up.
pub fn up(batch: &mut Batch, what: impl Into<String>, index: i32) -> Result<()> {
    let message = message(index, []).up().build()?;
    batch.push(what, Rtm::Setlink, NlmF::empty(), &message)
}

/// Deletes the device with index `index`; of a veth, both ends.
pub fn delete(socket: &mut Socket, what: impl Into<String>, index: i32) -> Result<()> {
    let message = message(index, []).build()?;
    let batch = Batch::of(what, Rtm::Dellink, NlmF::empty(), &message)?;
    socket.transact(&batch).map(drop)
}

pub(super) fn message(
    index: i32,
    attributes: impl IntoIterator<Item = Rtattr<Ifla, Buffer>>,
) -> IfinfomsgBuilder {
    IfinfomsgBuilder::default()
        .ifi_family(RtAddrFamily::Unspecified)
        .ifi_index(index)
        .rtattrs(attributes.into_iter().collect())
}

fn single(answers: &[Vec<Buffer>]) -> Result<Link> {
    let payload = answers.iter().flatten().next();
    Link::parse(payload.context("the kernel described no device")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description of a veth, as bytes of one machine word after another.
    fn description(attributes: &[(u16, &[u8])]) -> Buffer {
        let mut bytes = vec![0; 4];
        bytes.extend(7_i32.to_ne_bytes());
        bytes.extend((libc::IFF_UP as u32).to_ne_bytes());
        bytes.extend([0; 4]);
        for (kind, payload) in attributes {
            bytes.extend((payload.len() as u16 + 4).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*payload);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        Buffer::from(bytes)
    }

    #[test]
    fn a_description_is_read_and_what_is_not_known_passed_over() {
        let kind = [
            &9_u16.to_ne_bytes()[..],
            &1_u16.to_ne_bytes(),
            b"veth\0\0\0\0",
        ]
        .concat();
        let link = Link::parse(&description(&[
            (libc::IFLA_IFNAME, b"eth0\0"),
            (libc::IFLA_LINK, &3_i32.to_ne_bytes()),
            (libc::IFLA_LINK_NETNSID, &0_i32.to_ne_bytes()),
            (libc::IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1]),
            (libc::IFLA_OPERSTATE, &[IF_OPER_UP]),
            (libc::IFLA_LINKINFO, &kind),
            (0x3ff0, b"from a later kernel"),
        ]))
        .unwrap();
        assert_eq!(
            (link.index, &*link.name, link.up, link.operational),
            (7, "eth0", true, true)
        );
        assert_eq!(
            (link.peer, link.peer_nsid, link.master),
            (Some(3), Some(0), None)
        );
        assert_eq!(link.mac, Some(Mac([2, 0, 0, 0, 0, 1])));
        assert!(link.is("veth"));
    }

    #[test]
    fn a_description_with_wrong_lengths_is_refused() {
        let short = description(&[(libc::IFLA_MASTER, &[1, 2])]);
        assert!(Link::parse(&short).is_err());

        let whole = description(&[(libc::IFLA_IFNAME, b"eth0\0")]);
        let cut = Buffer::from(&whole.as_ref()[..whole.len() - 4]);
        assert!(Link::parse(&cut).is_err());

        for length in [0_u16, 3, 200] {
            let mut lying = whole.as_ref().to_vec();
            lying[16..18].copy_from_slice(&length.to_ne_bytes());
            assert!(Link::parse(&Buffer::from(lying)).is_err(), "{length}");
        }
        assert!(Link::parse(&Buffer::from([0; 8].as_slice())).is_err());
    }
}
