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

use kernel::prelude::*;

/// The family's name, to find its number by.
pub(crate) const FAMILY_NAME: &CStr = c"pernet";

/// The family's version.
pub(crate) const FAMILY_VERSION: u8 = 1;

/// Multicast groups of the family, to find their numbers by.
pub(crate) mod group {
    pub(crate) const EVENTS: &super::CStr = c"events";
}

/// Operations of the family.
pub(crate) mod cmd {
    /// Read what the module knows of network namespaces.
    ///
    /// A `do` without attributes reads the asking socket's own namespace; one
    /// with exactly one of cookie, nsid, pid and fd reads the namespace that
    /// it names. A `dump` reads every namespace that the socket may see and
    /// that passes the filter, in the order of their cookies. It is marked
    /// NLM_F_DUMP_INTR when namespaces came or went meanwhile; those that did
    /// neither are in it once all the same.
    pub(crate) const GET: u8 = 1;
    /// Say what a namespace counts: the asking socket's own, or the one that
    /// cookie, nsid, pid or fd names. At least one setting is to be given;
    /// either all of them take effect or none. Needs CAP_NET_ADMIN in the
    /// user namespace that owns the namespace. The reply is as that of get.
    pub(crate) const SET: u8 = 2;
    /// Let all counts of a namespace begin at zero, in the next epoch. The
    /// reply is as that of get, and has the counts of the epoch that ends:
    /// who reads by resetting misses nothing. Needs CAP_NET_ADMIN in the user
    /// namespace that owns the namespace.
    pub(crate) const RESET: u8 = 3;
    /// Something has happened to a namespace. Sent to the sockets that listen
    /// in that namespace, and in any other namespace to those whose opener has
    /// CAP_NET_ADMIN in the user namespace that owns it. Each gets it once and
    /// in its own namespace, so that NETLINK_LISTEN_ALL_NSID adds nothing. A
    /// socket that cannot keep up learns by ENOBUFS that it missed something.
    pub(crate) const EVENT: u8 = 4;
}

/// The netfilter hook a packet was counted at, numbered as NF_INET_*.
pub(crate) mod hook {
    /// Arrived from a device, not routed yet.
    pub(crate) const PREROUTING: u8 = 0;
    /// For this namespace itself.
    pub(crate) const LOCAL_IN: u8 = 1;
    /// Arrived from one device, leaves by another.
    pub(crate) const FORWARD: u8 = 2;
    /// Sent by this namespace itself.
    pub(crate) const LOCAL_OUT: u8 = 3;
    /// Routed, about to leave by a device.
    pub(crate) const POSTROUTING: u8 = 4;
}

/// The protocol family of a packet, numbered as NFPROTO_*.
pub(crate) mod family {
    pub(crate) const IPV4: u8 = 2;
    pub(crate) const IPV6: u8 = 10;
}

/// Whether something is counted in a namespace.
pub(crate) mod switch {
    pub(crate) const OFF: u8 = 0;
    pub(crate) const ON: u8 = 1;
}

/// The part of the kernel that gave the reason for which a packet was
/// dropped, numbered as SKB_DROP_REASON_SUBSYS_*.
pub(crate) mod drop_subsystem {
    pub(crate) const CORE: u8 = 0;
    pub(crate) const MAC80211_UNUSABLE: u8 = 1;
    pub(crate) const OPENVSWITCH: u8 = 2;
    /// Queueing disciplines, when a queue is full for instance.
    pub(crate) const QDISC: u8 = 3;
    /// Any that is not above.
    pub(crate) const OTHER: u8 = 4;
}

/// What has happened to a namespace.
pub(crate) mod event_kind {
    /// The namespace is being made. It can be asked about a moment later;
    /// where making it fails after all, `died` follows at once.
    pub(crate) const BORN: u8 = 1;
    /// The namespace is gone, but for its memory. Its counts went with it.
    pub(crate) const DIED: u8 = 2;
    /// A device came to be in the namespace.
    pub(crate) const DEVICE_REGISTERED: u8 = 3;
    /// A device ceased to be.
    pub(crate) const DEVICE_UNREGISTERED: u8 = 4;
    /// A device came from another namespace.
    pub(crate) const DEVICE_MOVED_IN: u8 = 5;
    /// A device leaves for another namespace.
    pub(crate) const DEVICE_MOVED_OUT: u8 = 6;
    pub(crate) const DEVICE_UP: u8 = 7;
    pub(crate) const DEVICE_DOWN: u8 = 8;
    /// Something else is counted now, see `count-traffic` and `count-drops`.
    pub(crate) const SETTINGS: u8 = 9;
    /// An epoch began, see `epoch`.
    pub(crate) const RESET: u8 = 10;
}

/// One network namespace.
pub(crate) mod netns {
    /// The namespace's identity: unique since boot and never used again; the
    /// value of SO_NETNS_COOKIE and of ioctl(NS_GET_ID). In a request, names
    /// the namespace that is asked for.
    pub(crate) const COOKIE: u16 = 1;
    /// The id of the namespace in the namespace of the asking socket. Absent
    /// from a reply when it has none there, and from that to a dump when it
    /// had none as the dump began. In a request, names the namespace that is
    /// asked for.
    pub(crate) const NSID: u16 = 2;
    /// Only in a request: a process whose network namespace is asked for, in
    /// the pid namespace of the asking process.
    pub(crate) const PID: u16 = 3;
    /// Only in a request: an open descriptor of the asking process that
    /// refers to the namespace asked for.
    pub(crate) const FD: u16 = 4;
    /// The inode number in nsfs, as in /proc/PID/ns/net. Used again after
    /// the namespace is gone.
    pub(crate) const INODE: u16 = 5;
    /// The inode number in nsfs of the user namespace that owns this one.
    pub(crate) const USERNS_INODE: u16 = 6;
    /// Nanoseconds since counting began in this namespace, time in suspend
    /// included. That is when the namespace was made, unless `preexisting`.
    pub(crate) const AGE: u16 = 7;
    /// The namespace is older than the module: its age and all its counters
    /// begin when the module was loaded.
    pub(crate) const PREEXISTING: u16 = 8;
    /// Network devices of the namespace, the loopback device included.
    pub(crate) const DEVICES: u16 = 9;
    /// Packets counted at one hook for one family; one nest for each pair
    /// where packets have passed since the epoch began. What was counted
    /// stays when counting ends.
    pub(crate) const TRAFFIC: u16 = 10;
    /// Whether packets are counted at the hooks. While they are not, there
    /// is nothing of this module at the namespace's hooks. Also
    /// /proc/sys/net/pernet/traffic.
    pub(crate) const COUNT_TRAFFIC: u16 = 11;
    /// Packets dropped for one reason; one nest for each reason that
    /// occurred since the epoch began, while drops were counted. What was
    /// counted stays when counting ends.
    pub(crate) const DROPS: u16 = 12;
    /// Whether dropped packets are counted. Also /proc/sys/net/pernet/drops.
    pub(crate) const COUNT_DROPS: u16 = 13;
    /// How often the counts of this namespace were reset. All counts of one
    /// message are of the same epoch.
    pub(crate) const EPOCH: u16 = 14;
    /// Nanoseconds since the epoch began: with the last reset or, if there
    /// was none, with `age`.
    pub(crate) const EPOCH_AGE: u16 = 15;
    /// Only in the request of a dump: which of the namespaces that the
    /// socket may see are to be shown. All of them, if it is absent.
    pub(crate) const FILTER: u16 = 16;
    /// The highest number in use.
    pub(crate) const MAX: u16 = 16;
}

/// What a namespace is like that a dump is to show. Where several of these
/// are given it is like all of them.
pub(crate) mod filter {
    /// The user namespace with this inode number in nsfs owns it.
    pub(crate) const USERNS_INODE: u16 = 1;
    /// Whether it is older than the module.
    pub(crate) const PREEXISTING: u16 = 2;
    /// Whether its packets are counted at the hooks.
    pub(crate) const COUNT_TRAFFIC: u16 = 3;
    /// Whether its dropped packets are counted.
    pub(crate) const COUNT_DROPS: u16 = 4;
    /// It has dropped this many packets in its epoch, or more.
    pub(crate) const MIN_DROPS: u16 = 5;
    /// A device in it has this name, or has it as an alternative name.
    pub(crate) const DEVICE_NAME: u16 = 6;
    /// The highest number in use.
    pub(crate) const MAX: u16 = 6;
}

/// Network devices, counted by their notifications since the epoch began. In
/// epoch 0, present is registered + moved-in - unregistered - moved-out.
pub(crate) mod devices {
    /// Devices that are in the namespace now, whatever was reset.
    pub(crate) const PRESENT: u16 = 1;
    /// Devices that came to be in the namespace. Those that were there when
    /// the module was loaded count once, at the load.
    pub(crate) const REGISTERED: u16 = 2;
    /// Devices that ceased to be while in the namespace.
    pub(crate) const UNREGISTERED: u16 = 3;
    /// Times a device was brought up. A device that was up when the module
    /// was loaded counts once, at the load.
    pub(crate) const UP: u16 = 4;
    /// Times a device was brought down.
    pub(crate) const DOWN: u16 = 5;
    /// Devices that came from another namespace.
    pub(crate) const MOVED_IN: u16 = 6;
    /// Devices that left for another namespace.
    pub(crate) const MOVED_OUT: u16 = 7;
    /// Times a device got another name while in the namespace.
    pub(crate) const RENAMED: u16 = 8;
    /// The highest number in use.
    pub(crate) const MAX: u16 = 8;
}

/// Packets at one netfilter hook, of one protocol family.
pub(crate) mod traffic {
    pub(crate) const FAMILY: u16 = 1;
    pub(crate) const HOOK: u16 = 2;
    /// Packets that reached the hook, before any other hook function saw them.
    pub(crate) const PACKETS: u16 = 3;
    /// Length of those packets, from the network header on.
    pub(crate) const BYTES: u16 = 4;
    /// The highest number in use.
    pub(crate) const MAX: u16 = 4;
}

/// Packets that the kernel dropped, for one reason of the core, or for any
/// reason of another subsystem. They count in the namespace of the receiving
/// socket if the kernel names it, else of the packet's device, else of the
/// sending socket. A packet that has none of these counts nowhere.
pub(crate) mod drops {
    pub(crate) const SUBSYSTEM: u16 = 1;
    /// The number of the reason in its subsystem; only of the core. It
    /// differs between kernels, the name is what to go by.
    pub(crate) const REASON: u16 = 2;
    /// The running kernel's name of the reason, NO_SOCKET for instance.
    /// Absent where `reason` is, or where the kernel has none.
    pub(crate) const NAME: u16 = 3;
    pub(crate) const PACKETS: u16 = 4;
    /// The highest number in use.
    pub(crate) const MAX: u16 = 4;
}

/// Something that has happened to a namespace.
pub(crate) mod event {
    pub(crate) const KIND: u16 = 1;
    /// The namespace, as in `netns`.
    pub(crate) const COOKIE: u16 = 2;
    /// The id of the namespace in the namespace of the listening socket.
    /// Absent when it has none there, or none any more because it dies.
    pub(crate) const NSID: u16 = 3;
    /// As in `netns`.
    pub(crate) const INODE: u16 = 4;
    /// As in `netns`.
    pub(crate) const USERNS_INODE: u16 = 5;
    /// The device that an event about a device is about.
    pub(crate) const DEVICE_INDEX: u16 = 6;
    /// Its name at that time.
    pub(crate) const DEVICE_NAME: u16 = 7;
    /// Only with `died`: nanoseconds from the moment the namespace was taken
    /// out of sight to the one in which it gave up what it had. That takes a
    /// grace period of RCU and the removal of its devices, for it and all
    /// those that die along with it.
    pub(crate) const TEARDOWN: u16 = 8;
    /// Only with `settings`.
    pub(crate) const COUNT_TRAFFIC: u16 = 9;
    /// Only with `settings`.
    pub(crate) const COUNT_DROPS: u16 = 10;
    /// Only with `reset`, the number of the new epoch.
    pub(crate) const EPOCH: u16 = 11;
    /// The highest number in use.
    pub(crate) const MAX: u16 = 11;
}
