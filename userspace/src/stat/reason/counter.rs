// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which of the kernel's own counters count drops.

use super::super::model::Link;

/// One of the kernel's own counters of drops.
pub struct Cause {
    pub subsystem: &'static str,
    pub name: &'static str,
    pub meaning: &'static str,
}

/// What a counter counts, by the names that are shown of it.
pub fn meaning(subsystem: &str, name: &str) -> Option<&'static str> {
    let devices = DEVICE.iter().map(|(cause, _)| cause);
    let tables = TABLES.iter().chain(LISTS).flat_map(|(_, causes)| *causes);
    let mut all = devices.chain(tables);
    let cause = all.find(|cause| cause.subsystem == subsystem && cause.name == name);
    cause.map(|cause| cause.meaning)
}

/// A counter of devices, and how to read it.
type OfDevice = (Cause, fn(&Link) -> u64);

/// Those of devices.
pub const DEVICE: &[OfDevice] = &[
    (
        cause(
            "device",
            "rx_errors",
            "Devices received packets that were damaged or did not fit.",
        ),
        |link| link.rx.errors,
    ),
    (
        cause(
            "device",
            "rx_dropped",
            "Devices received packets that nobody took, or for which there was no room.",
        ),
        |link| link.rx.dropped,
    ),
    (
        cause(
            "device",
            "tx_errors",
            "Devices could not send packets, for lack of a carrier for instance.",
        ),
        |link| link.tx.errors,
    ),
    (
        cause(
            "device",
            "tx_dropped",
            "Devices threw packets away that they were to send; a veth does when its peer is down or its queue is full.",
        ),
        |link| link.tx.dropped,
    ),
];

/// The counters of a protocol in /proc/net/snmp or netstat; nothing where none counts
/// drops.
pub fn of_table(protocol: &[u8]) -> Option<&'static [Cause]> {
    let mut tables = TABLES.iter();
    let (_, causes) = tables.find(|(table, _)| table.as_bytes() == protocol)?;
    Some(causes)
}

/// Those of the protocol that a counter of /proc/net/snmp6 is of.
pub fn of_list(name: &[u8]) -> &'static [Cause] {
    let mut lists = LISTS.iter();
    let list = lists.find(|(prefix, _)| name.starts_with(prefix.as_bytes()));
    list.map_or(&[], |(_, causes)| causes)
}

const fn cause(subsystem: &'static str, name: &'static str, meaning: &'static str) -> Cause {
    Cause {
        subsystem,
        name,
        meaning,
    }
}

const TABLES: &[(&str, &[Cause])] = &[
    ("Ip", IP),
    ("IpExt", IP_EXT),
    ("Icmp", ICMP),
    ("Tcp", TCP),
    ("TcpExt", TCP_EXT),
    ("Udp", UDP),
];

const LISTS: &[(&str, &[Cause])] = &[("Ip6", IP6), ("Icmp6", ICMP6), ("Udp6", UDP6)];

const IP: &[Cause] = &[
    cause(
        "ip",
        "InHdrErrors",
        "The IPv4 header was wrong, or the packet's time to live was over.",
    ),
    cause(
        "ip",
        "InAddrErrors",
        "The packet's address is none that this namespace takes or forwards for.",
    ),
    cause(
        "ip",
        "InUnknownProtos",
        "No protocol of this number is known here.",
    ),
    cause(
        "ip",
        "InDiscards",
        "An arriving packet was thrown away for lack of memory, or by a filter.",
    ),
    cause(
        "ip",
        "OutDiscards",
        "A packet to be sent was thrown away for lack of memory, or by a filter.",
    ),
    cause(
        "ip",
        "OutNoRoutes",
        "There is no route to where a packet was to be sent.",
    ),
    cause(
        "ip",
        "ReasmFails",
        "The fragments of a packet did not all arrive in time, or did not fit together.",
    ),
    cause(
        "ip",
        "FragFails",
        "A packet was too large for the next link and must not be fragmented.",
    ),
];

const IP_EXT: &[Cause] = &[
    cause(
        "ip",
        "InNoRoutes",
        "There is no route to where an arriving packet was to go.",
    ),
    cause(
        "ip",
        "InTruncatedPkts",
        "The packet was shorter than its header says.",
    ),
    cause(
        "ip",
        "InCsumErrors",
        "The checksum of the IPv4 header was wrong.",
    ),
];

const ICMP: &[Cause] = &[cause(
    "icmp",
    "InErrors",
    "An ICMP message was malformed or not for this namespace.",
)];

const TCP: &[Cause] = &[cause(
    "tcp",
    "InErrs",
    "A TCP segment was malformed or had a wrong checksum.",
)];

const TCP_EXT: &[Cause] = &[
    cause(
        "tcp",
        "ListenDrops",
        "A connection was refused a place: the queue of a listening socket was full, or memory was short.",
    ),
    cause(
        "tcp",
        "TCPBacklogDrop",
        "A socket's backlog was full while its program held it.",
    ),
    cause(
        "tcp",
        "PFMemallocDrop",
        "Memory was so short that only those packets were taken which help to free some.",
    ),
    cause(
        "tcp",
        "TCPMinTTLDrop",
        "The packet had come further than the socket's minimal time to live allows.",
    ),
    cause(
        "tcp",
        "TCPDeferAcceptDrop",
        "A connection without data was not accepted, as TCP_DEFER_ACCEPT asks.",
    ),
    cause(
        "tcp",
        "TCPReqQFullDrop",
        "The queue of half-open connections was full, and SYN cookies are off.",
    ),
    cause(
        "tcp",
        "TCPOFODrop",
        "A segment that came out of order found no room to wait.",
    ),
    cause(
        "tcp",
        "TCPZeroWindowDrop",
        "The peer sent although the receive window was closed.",
    ),
    cause(
        "tcp",
        "TCPRcvQDrop",
        "The receive queue of a socket was full.",
    ),
    cause(
        "tcp",
        "PAWSEstab",
        "A segment's time stamp was too old: it is a late duplicate.",
    ),
    cause(
        "tcp",
        "TCPMD5NotFound",
        "A segment had no MD5 signature where one is expected.",
    ),
    cause(
        "tcp",
        "TCPMD5Unexpected",
        "A segment had an MD5 signature where none is expected.",
    ),
    cause(
        "tcp",
        "TCPMD5Failure",
        "A segment's MD5 signature was wrong.",
    ),
    cause(
        "ip",
        "IPReversePathFilter",
        "The way back to the sender is not the device that the packet came by (rp_filter).",
    ),
    cause(
        "arp",
        "ArpFilter",
        "An ARP request came by a device by which the address is not reached (arp_filter).",
    ),
];

const UDP: &[Cause] = &[
    cause("udp", "NoPorts", "Nothing listens at the UDP port."),
    cause(
        "udp",
        "RcvbufErrors",
        "A socket's receive buffer was full: its program is too slow.",
    ),
    cause("udp", "SndbufErrors", "A socket's send buffer was full."),
    cause("udp", "InCsumErrors", "The UDP checksum was wrong."),
    cause(
        "udp",
        "MemErrors",
        "UDP had used up its memory (net.ipv4.udp_mem).",
    ),
];

const IP6: &[Cause] = &[
    cause(
        "ip6",
        "Ip6InHdrErrors",
        "The IPv6 header was wrong, or the packet's hop limit was reached.",
    ),
    cause(
        "ip6",
        "Ip6InTooBigErrors",
        "A packet to be forwarded was too large for the next link.",
    ),
    cause(
        "ip6",
        "Ip6InNoRoutes",
        "There is no route to where an arriving packet was to go.",
    ),
    cause(
        "ip6",
        "Ip6InAddrErrors",
        "The packet's address is none that this namespace takes or forwards for.",
    ),
    cause(
        "ip6",
        "Ip6InUnknownProtos",
        "No protocol of this number is known here.",
    ),
    cause(
        "ip6",
        "Ip6InTruncatedPkts",
        "The packet was shorter than its header says.",
    ),
    cause(
        "ip6",
        "Ip6InDiscards",
        "An arriving packet was thrown away: IPv6 is off for the device, memory was short, or a filter did it.",
    ),
    cause(
        "ip6",
        "Ip6OutDiscards",
        "A packet to be sent was thrown away: IPv6 is off for the device, memory was short, or a filter did it.",
    ),
    cause(
        "ip6",
        "Ip6OutNoRoutes",
        "There is no route to where a packet was to be sent.",
    ),
    cause(
        "ip6",
        "Ip6ReasmFails",
        "The fragments of a packet did not all arrive in time, or did not fit together.",
    ),
    cause(
        "ip6",
        "Ip6FragFails",
        "A packet was too large for the next link and must not be fragmented.",
    ),
];

const ICMP6: &[Cause] = &[cause(
    "icmp6",
    "Icmp6InErrors",
    "An ICMPv6 message was malformed or not for this namespace.",
)];

const UDP6: &[Cause] = &[
    cause("udp6", "Udp6NoPorts", "Nothing listens at the UDP port."),
    cause(
        "udp6",
        "Udp6RcvbufErrors",
        "A socket's receive buffer was full: its program is too slow.",
    ),
    cause(
        "udp6",
        "Udp6SndbufErrors",
        "A socket's send buffer was full.",
    ),
    cause("udp6", "Udp6InCsumErrors", "The UDP checksum was wrong."),
    cause(
        "udp6",
        "Udp6MemErrors",
        "UDP had used up its memory (net.ipv4.udp_mem).",
    ),
];
