// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)

// Generated from docs/netlink/pernet.yaml by `make spec`; do not edit.

//! Numbers of the netlink family `pernet`.
//!
//! What each network namespace has of its own, as the module `pernet` counts it.
//!
//! A namespace is visible to a socket that lives in it, and to a socket whose
//! owner has CAP_NET_ADMIN in the user namespace that owns it. To anybody else
//! it does not exist.

#![allow(
    dead_code,
    reason = "the contract is whole, whatever this side of it uses"
)]

use neli::consts::genl::{Cmd as CmdType, NlAttrType};
use neli::neli_enum;

/// The family's name, to find its number by.
pub(crate) const FAMILY_NAME: &str = "pernet";

/// The family's version.
pub(crate) const FAMILY_VERSION: u8 = 1;

/// Multicast groups of the family, to find their numbers by.
pub(crate) mod group {
    pub(crate) const EVENTS: &str = "events";
}

/// Operations of the family.
#[neli_enum(serialized_type = "u8")]
pub(crate) enum Cmd {
    /// Read what the module knows of network namespaces.
    ///
    /// A `do` without attributes reads the asking socket's own namespace; one
    /// with exactly one of cookie, nsid, pid and fd reads the namespace that
    /// it names. A `dump` reads every namespace that the socket may see and
    /// that passes the filter, in the order of their cookies. It is marked
    /// NLM_F_DUMP_INTR when namespaces came or went meanwhile; those that did
    /// neither are in it once all the same.
    Get = 1,
    /// Say what a namespace counts: the asking socket's own, or the one that
    /// cookie, nsid, pid or fd names. At least one setting is to be given;
    /// either all of them take effect or none. Needs CAP_NET_ADMIN in the
    /// user namespace that owns the namespace. The reply is as that of get.
    Set = 2,
    /// Let all counts of a namespace begin at zero, in the next epoch. The
    /// reply is as that of get, and has the counts of the epoch that ends:
    /// who reads by resetting misses nothing. Needs CAP_NET_ADMIN in the user
    /// namespace that owns the namespace.
    Reset = 3,
    /// Something has happened to a namespace. Sent to the sockets that listen
    /// in that namespace, and in any other namespace to those whose opener has
    /// CAP_NET_ADMIN in the user namespace that owns it. Each gets it once and
    /// in its own namespace, so that NETLINK_LISTEN_ALL_NSID adds nothing. A
    /// socket that cannot keep up learns by ENOBUFS that it missed something.
    Event = 4,
}

impl CmdType for Cmd {}

/// The netfilter hook a packet was counted at, numbered as NF_INET_*.
#[neli_enum(serialized_type = "u8")]
pub(crate) enum Hook {
    /// Arrived from a device, not routed yet.
    Prerouting = 0,
    /// For this namespace itself.
    LocalIn = 1,
    /// Arrived from one device, leaves by another.
    Forward = 2,
    /// Sent by this namespace itself.
    LocalOut = 3,
    /// Routed, about to leave by a device.
    Postrouting = 4,
}

impl Hook {
    /// What the specification names, in its order.
    pub(crate) const ALL: [Self; 5] = [
        Self::Prerouting,
        Self::LocalIn,
        Self::Forward,
        Self::LocalOut,
        Self::Postrouting,
    ];

    /// The name in the specification; none for a value it does not have.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Prerouting => Some("prerouting"),
            Self::LocalIn => Some("local-in"),
            Self::Forward => Some("forward"),
            Self::LocalOut => Some("local-out"),
            Self::Postrouting => Some("postrouting"),
            Self::UnrecognizedConst(_) => None,
        }
    }
}

/// The protocol family of a packet, numbered as NFPROTO_*.
#[neli_enum(serialized_type = "u8")]
pub(crate) enum Family {
    Ipv4 = 2,
    Ipv6 = 10,
}

impl Family {
    /// What the specification names, in its order.
    pub(crate) const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The name in the specification; none for a value it does not have.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Ipv4 => Some("ipv4"),
            Self::Ipv6 => Some("ipv6"),
            Self::UnrecognizedConst(_) => None,
        }
    }
}

/// Whether something is counted in a namespace.
#[neli_enum(serialized_type = "u8")]
pub(crate) enum Switch {
    Off = 0,
    On = 1,
}

impl Switch {
    /// What the specification names, in its order.
    pub(crate) const ALL: [Self; 2] = [Self::Off, Self::On];

    /// The name in the specification; none for a value it does not have.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Off => Some("off"),
            Self::On => Some("on"),
            Self::UnrecognizedConst(_) => None,
        }
    }
}

/// The part of the kernel that gave the reason for which a packet was
/// dropped, numbered as SKB_DROP_REASON_SUBSYS_*.
#[neli_enum(serialized_type = "u8")]
pub(crate) enum DropSubsystem {
    Core = 0,
    Mac80211Unusable = 1,
    Openvswitch = 2,
    /// Queueing disciplines, when a queue is full for instance.
    Qdisc = 3,
    /// Any that is not above.
    Other = 4,
}

impl DropSubsystem {
    /// What the specification names, in its order.
    pub(crate) const ALL: [Self; 5] = [
        Self::Core,
        Self::Mac80211Unusable,
        Self::Openvswitch,
        Self::Qdisc,
        Self::Other,
    ];

    /// The name in the specification; none for a value it does not have.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Core => Some("core"),
            Self::Mac80211Unusable => Some("mac80211-unusable"),
            Self::Openvswitch => Some("openvswitch"),
            Self::Qdisc => Some("qdisc"),
            Self::Other => Some("other"),
            Self::UnrecognizedConst(_) => None,
        }
    }
}

/// What has happened to a namespace.
#[neli_enum(serialized_type = "u8")]
pub(crate) enum EventKind {
    /// The namespace is being made. It can be asked about a moment later;
    /// where making it fails after all, `died` follows at once.
    Born = 1,
    /// The namespace is gone, but for its memory. Its counts went with it.
    Died = 2,
    /// A device came to be in the namespace.
    DeviceRegistered = 3,
    /// A device ceased to be.
    DeviceUnregistered = 4,
    /// A device came from another namespace.
    DeviceMovedIn = 5,
    /// A device leaves for another namespace.
    DeviceMovedOut = 6,
    DeviceUp = 7,
    DeviceDown = 8,
    /// Something else is counted now, see `count-traffic` and `count-drops`.
    Settings = 9,
    /// An epoch began, see `epoch`.
    Reset = 10,
}

impl EventKind {
    /// What the specification names, in its order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Born,
        Self::Died,
        Self::DeviceRegistered,
        Self::DeviceUnregistered,
        Self::DeviceMovedIn,
        Self::DeviceMovedOut,
        Self::DeviceUp,
        Self::DeviceDown,
        Self::Settings,
        Self::Reset,
    ];

    /// The name in the specification; none for a value it does not have.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Born => Some("born"),
            Self::Died => Some("died"),
            Self::DeviceRegistered => Some("device-registered"),
            Self::DeviceUnregistered => Some("device-unregistered"),
            Self::DeviceMovedIn => Some("device-moved-in"),
            Self::DeviceMovedOut => Some("device-moved-out"),
            Self::DeviceUp => Some("device-up"),
            Self::DeviceDown => Some("device-down"),
            Self::Settings => Some("settings"),
            Self::Reset => Some("reset"),
            Self::UnrecognizedConst(_) => None,
        }
    }
}

/// One network namespace.
#[neli_enum(serialized_type = "u16")]
pub(crate) enum Netns {
    /// The namespace's identity: unique since boot and never used again; the
    /// value of SO_NETNS_COOKIE and of ioctl(NS_GET_ID). In a request, names
    /// the namespace that is asked for.
    Cookie = 1,
    /// The id of the namespace in the namespace of the asking socket. Absent
    /// from a reply when it has none there, and from that to a dump when it
    /// had none as the dump began. In a request, names the namespace that is
    /// asked for.
    Nsid = 2,
    /// Only in a request: a process whose network namespace is asked for, in
    /// the pid namespace of the asking process.
    Pid = 3,
    /// Only in a request: an open descriptor of the asking process that
    /// refers to the namespace asked for.
    Fd = 4,
    /// The inode number in nsfs, as in /proc/PID/ns/net. Used again after
    /// the namespace is gone.
    Inode = 5,
    /// The inode number in nsfs of the user namespace that owns this one.
    UsernsInode = 6,
    /// Nanoseconds since counting began in this namespace, time in suspend
    /// included. That is when the namespace was made, unless `preexisting`.
    Age = 7,
    /// The namespace is older than the module: its age and all its counters
    /// begin when the module was loaded.
    Preexisting = 8,
    /// Network devices of the namespace, the loopback device included.
    Devices = 9,
    /// Packets counted at one hook for one family; one nest for each pair
    /// where packets have passed since the epoch began. What was counted
    /// stays when counting ends.
    Traffic = 10,
    /// Whether packets are counted at the hooks. While they are not, there
    /// is nothing of this module at the namespace's hooks. Also
    /// /proc/sys/net/pernet/traffic.
    CountTraffic = 11,
    /// Packets dropped for one reason; one nest for each reason that
    /// occurred since the epoch began, while drops were counted. What was
    /// counted stays when counting ends.
    Drops = 12,
    /// Whether dropped packets are counted. Also /proc/sys/net/pernet/drops.
    CountDrops = 13,
    /// How often the counts of this namespace were reset. All counts of one
    /// message are of the same epoch.
    Epoch = 14,
    /// Nanoseconds since the epoch began: with the last reset or, if there
    /// was none, with `age`.
    EpochAge = 15,
    /// Only in the request of a dump: which of the namespaces that the
    /// socket may see are to be shown. All of them, if it is absent.
    Filter = 16,
}

impl NlAttrType for Netns {}

/// What a namespace is like that a dump is to show. Where several of these
/// are given it is like all of them.
#[neli_enum(serialized_type = "u16")]
pub(crate) enum Filter {
    /// The user namespace with this inode number in nsfs owns it.
    UsernsInode = 1,
    /// Whether it is older than the module.
    Preexisting = 2,
    /// Whether its packets are counted at the hooks.
    CountTraffic = 3,
    /// Whether its dropped packets are counted.
    CountDrops = 4,
    /// It has dropped this many packets in its epoch, or more.
    MinDrops = 5,
    /// A device in it has this name, or has it as an alternative name.
    DeviceName = 6,
}

impl NlAttrType for Filter {}

/// Network devices, counted by their notifications since the epoch began. In
/// epoch 0, present is registered + moved-in - unregistered - moved-out.
#[neli_enum(serialized_type = "u16")]
pub(crate) enum Devices {
    /// Devices that are in the namespace now, whatever was reset.
    Present = 1,
    /// Devices that came to be in the namespace. Those that were there when
    /// the module was loaded count once, at the load.
    Registered = 2,
    /// Devices that ceased to be while in the namespace.
    Unregistered = 3,
    /// Times a device was brought up. A device that was up when the module
    /// was loaded counts once, at the load.
    Up = 4,
    /// Times a device was brought down.
    Down = 5,
    /// Devices that came from another namespace.
    MovedIn = 6,
    /// Devices that left for another namespace.
    MovedOut = 7,
    /// Times a device got another name while in the namespace.
    Renamed = 8,
}

impl NlAttrType for Devices {}

/// Packets at one netfilter hook, of one protocol family.
#[neli_enum(serialized_type = "u16")]
pub(crate) enum Traffic {
    Family = 1,
    Hook = 2,
    /// Packets that reached the hook, before any other hook function saw them.
    Packets = 3,
    /// Length of those packets, from the network header on.
    Bytes = 4,
}

impl NlAttrType for Traffic {}

/// Packets that the kernel dropped, for one reason of the core, or for any
/// reason of another subsystem. They count in the namespace of the receiving
/// socket if the kernel names it, else of the packet's device, else of the
/// sending socket. A packet that has none of these counts nowhere.
#[neli_enum(serialized_type = "u16")]
pub(crate) enum Drops {
    Subsystem = 1,
    /// The number of the reason in its subsystem; only of the core. It
    /// differs between kernels, the name is what to go by.
    Reason = 2,
    /// The running kernel's name of the reason, NO_SOCKET for instance.
    /// Absent where `reason` is, or where the kernel has none.
    Name = 3,
    Packets = 4,
}

impl NlAttrType for Drops {}

/// Something that has happened to a namespace.
#[neli_enum(serialized_type = "u16")]
pub(crate) enum Event {
    Kind = 1,
    /// The namespace, as in `netns`.
    Cookie = 2,
    /// The id of the namespace in the namespace of the listening socket.
    /// Absent when it has none there, or none any more because it dies.
    Nsid = 3,
    /// As in `netns`.
    Inode = 4,
    /// As in `netns`.
    UsernsInode = 5,
    /// The device that an event about a device is about.
    DeviceIndex = 6,
    /// Its name at that time.
    DeviceName = 7,
    /// Only with `died`: nanoseconds from the moment the namespace was taken
    /// out of sight to the one in which it gave up what it had. That takes a
    /// grace period of RCU and the removal of its devices, for it and all
    /// those that die along with it.
    Teardown = 8,
    /// Only with `settings`.
    CountTraffic = 9,
    /// Only with `settings`.
    CountDrops = 10,
    /// Only with `reset`, the number of the new epoch.
    Epoch = 11,
}

impl NlAttrType for Event {}
