// SPDX-License-Identifier: MIT OR Apache-2.0

//! The reasons of the kernel's core, `SKB_DROP_REASON_*`, as of Linux 7.3.

/// What a reason means, by the kernel's name for it.
pub fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "NOT_SPECIFIED" => {
            "The kernel does not say why at that place; `perf trace -e skb:kfree_skb` shows where it is."
        }
        "NO_SOCKET" => {
            "No socket wants the packet: nothing listens there, or the connection is unknown."
        }
        "SOCKET_CLOSE" => "The socket was closed before its program had read everything.",
        "SOCKET_FILTER" => "A filter that the program attached to its socket rejected the packet.",
        "SOCKET_RCVBUFF" => {
            "The socket's receive buffer was full: its program reads too slowly, or SO_RCVBUF is too small."
        }
        "UNIX_DISCONNECT" => {
            "A Unix socket's unread messages went when it was connected to another peer or its peer closed."
        }
        "UNIX_SKIP_OOB" => {
            "Urgent data on a Unix socket were passed over by a read that did not ask for them."
        }
        "PKT_TOO_SMALL" => "The packet is shorter than the headers it must have.",
        "TCP_CSUM" => {
            "The TCP checksum is wrong; look for a damaged link, or for checksum offload between virtual devices."
        }
        "UDP_CSUM" => {
            "The UDP checksum is wrong; look for a damaged link, or for checksum offload between virtual devices."
        }
        "NETFILTER_DROP" => "A firewall rule of nftables or iptables dropped the packet.",
        "OTHERHOST" => {
            "The frame is for another machine's address; a device in promiscuous mode sees those."
        }
        "IP_CSUM" => "The checksum of the IP header is wrong.",
        "IP_INHDR" => "The IP header is malformed.",
        "IP_RPFILTER" => {
            "The way back to the sender is not the device that the packet came by (net.ipv4.conf.*.rp_filter)."
        }
        "UNICAST_IN_L2_MULTICAST" => {
            "A packet to one address came in a frame to all (drop_unicast_in_l2_multicast)."
        }
        "XFRM_POLICY" => "An IPsec policy forbids the packet.",
        "IP_NOPROTO" => "No protocol of this number is known here.",
        "PROTO_MEM" => "The protocol had used up its memory (net.ipv4.tcp_mem, udp_mem).",
        "TCP_AUTH_HDR" => "The segment has two signatures, or one that is malformed.",
        "TCP_MD5NOTFOUND" => "The segment has no MD5 signature where one is expected.",
        "TCP_MD5UNEXPECTED" => "The segment has an MD5 signature where none is expected.",
        "TCP_MD5FAILURE" => {
            "The segment's MD5 signature is wrong: the two sides have different keys."
        }
        "TCP_AONOTFOUND" => "The segment has no TCP-AO signature where one is expected.",
        "TCP_AOUNEXPECTED" => "The segment has a TCP-AO signature where none is expected.",
        "TCP_AOKEYNOTFOUND" => "The segment is signed with a TCP-AO key that is unknown here.",
        "TCP_AOFAILURE" => "The segment's TCP-AO signature is wrong.",
        "SOCKET_BACKLOG" => "The socket's backlog was full while its program held it.",
        "TCP_FLAGS" => "The segment's flags are none that belong to the state of the connection.",
        "TCP_ABORT_ON_DATA" => "Data came for a connection that its program had closed already.",
        "TCP_ZEROWINDOW" => "The peer sent although the receive window was closed.",
        "TCP_OLD_DATA" => "The data had arrived before: the peer sent them again without need.",
        "TCP_OVERWINDOW" => "The data lie beyond the receive window.",
        "TCP_OFOMERGE" => "The data were waiting already among those that came out of order.",
        "TCP_RFC7323_PAWS" => "The segment's time stamp is too old: it is a late duplicate.",
        "TCP_RFC7323_PAWS_ACK" => {
            "An acknowledgement's time stamp is too old: it is a late duplicate."
        }
        "TCP_RFC7323_TW_PAWS" => "A late duplicate came for a connection that has ended.",
        "TCP_RFC7323_TSECR" => "The segment echoes a time stamp that was never sent.",
        "TCP_LISTEN_OVERFLOW" => {
            "The queue of a listening socket was full: its program accepts too slowly, or the backlog is too small."
        }
        "TCP_OLD_SEQUENCE" => "The segment is a duplicate of an earlier one.",
        "TCP_INVALID_SEQUENCE" => "The segment's sequence number is not one that can be expected.",
        "TCP_INVALID_END_SEQUENCE" => "The segment ends beyond the receive window.",
        "TCP_INVALID_ACK_SEQUENCE" => {
            "The segment acknowledges what was not sent, or what was acknowledged long ago."
        }
        "TCP_RESET" => "A reset arrived that does not belong to the connection.",
        "TCP_INVALID_SYN" => "A segment asks for a connection in the middle of one.",
        "TCP_CLOSE" => "The socket is closed.",
        "TCP_FASTOPEN" => "A duplicate came for a connection that TCP Fast Open was still making.",
        "TCP_OLD_ACK" => "An acknowledgement came again.",
        "TCP_TOO_OLD_ACK" => "An acknowledgement is so old that it may be forged.",
        "TCP_ACK_UNSENT_DATA" => "The peer acknowledges data that were not sent.",
        "TCP_OFO_QUEUE_PRUNE" => {
            "Data that came out of order were thrown away again for lack of memory."
        }
        "TCP_OFO_DROP" => "Data that came out of order were there already, or found no room.",
        "IP_OUTNOROUTES" => "There is no route to where the packet was to be sent.",
        "BPF_CGROUP_EGRESS" => "A BPF program of the sender's control group forbade it.",
        "IPV6DISABLED" => "IPv6 is off for the device (net.ipv6.conf.*.disable_ipv6).",
        "NEIGH_CREATEFAIL" => {
            "The neighbour table is full (net.ipv4.neigh.default.gc_thresh3), or memory is short."
        }
        "NEIGH_FAILED" => {
            "The next hop did not answer: ARP or neighbour discovery found no address for it."
        }
        "NEIGH_QUEUEFULL" => {
            "Too many packets waited for the next hop's address (neigh.*.unres_qlen_bytes)."
        }
        "NEIGH_DEAD" => "The neighbour's entry was being removed, as with a device that goes down.",
        "NEIGH_HH_FILLFAIL" => "The header of the frame could not be written.",
        "TC_EGRESS" => "A traffic-control program or filter dropped the packet when it was sent.",
        "SECURITY_HOOK" => "A security module (SELinux, AppArmor, Smack) forbade it.",
        "QDISC_DROP" => {
            "A queueing discipline threw it away: its queue is full, or netem plays loss."
        }
        "QDISC_BURST_DROP" => {
            "More packets at once waited for a queueing discipline than net.core.qdisc_max_burst."
        }
        "CPU_BACKLOG" => {
            "The CPU's backlog was full (net.core.netdev_max_backlog), or a flow was over its limit."
        }
        "MACVLAN_BROADCAST_BACKLOG" => "A macvlan's queue of broadcasts was full.",
        "IPVLAN_MULTICAST_BACKLOG" => "An ipvlan's queue of multicasts was full.",
        "XDP" => "An XDP program dropped it.",
        "TC_INGRESS" => "A traffic-control program or filter dropped the packet when it arrived.",
        "UNHANDLED_PROTO" => "Nothing here handles this Ethernet protocol.",
        "SKB_CSUM" => "The packet's checksum could not be computed.",
        "SKB_GSO_SEG" => "A large packet could not be cut into segments.",
        "SKB_BAD_GSO" => "A large packet says wrongly how it is to be cut into segments.",
        "SKB_UCOPY_FAULT" => "The sender's data could not be read from its memory.",
        "DEV_HDR" => "What the driver expects in front of the packet is invalid.",
        "DEV_READY" => "The device is not up or not ready, as a tap that no program has open.",
        "FULL_RING" => "The device's ring was full; of a tun or tap, its program reads too slowly.",
        "NOMEM" => "Memory was short.",
        "HDR_TRUNC" => "The packet ends inside its headers.",
        "TAP_FILTER" => "A BPF filter on the tap dropped it.",
        "TAP_TXFILTER" => "The tap's address filter dropped it.",
        "ICMP_CSUM" => "The ICMP checksum is wrong.",
        "INVALID_PROTO" => {
            "The message must not be sent so, as an ICMP request for the time to a broadcast address."
        }
        "IP_INADDRERRORS" => {
            "The destination is no address of this namespace, which does not forward."
        }
        "IP_INNOROUTES" => "There is no route to where the packet was to go.",
        "IP_LOCAL_SOURCE" => {
            "The packet came from outside with an address of this namespace as its source."
        }
        "IP_INVALID_SOURCE" => "The source address is one that no single host can have.",
        "IP_LOCALNET" => {
            "The packet came from outside with a loopback address (net.ipv4.conf.*.route_localnet)."
        }
        "IP_INVALID_DEST" => "The destination address is zero.",
        "PKT_TOO_BIG" => "The packet is larger than the device's MTU.",
        "DUP_FRAG" => "The fragment came twice.",
        "FRAG_REASM_TIMEOUT" => "The other fragments did not come in time.",
        "FRAG_TOO_FAR" => {
            "Too many other packets came between the fragments (net.ipv4.ipfrag_max_dist)."
        }
        "TCP_MINTTL" => {
            "The packet had come further than the socket's minimal time to live allows."
        }
        "IPV6_BAD_EXTHDR" => "An IPv6 extension header is malformed.",
        "IPV6_TOO_MANY_EXTHDRS" => "The packet has too many IPv6 extension headers.",
        "IPV6_NDISC_FRAG" => "A neighbour discovery message came in fragments, which is forbidden.",
        "IPV6_NDISC_HOP_LIMIT" => "A neighbour discovery message came from beyond the link.",
        "IPV6_NDISC_BAD_CODE" => "A neighbour discovery message has a code that does not exist.",
        "IPV6_NDISC_BAD_OPTIONS" => "A neighbour discovery message has malformed options.",
        "IPV6_NDISC_NS_OTHERHOST" => "A neighbour solicitation asks for another host.",
        "QUEUE_PURGE" => "A queue was emptied, as when a socket or a device goes away.",
        "TC_COOKIE_ERROR" => {
            "Traffic control lost the state of a packet that it had begun to classify."
        }
        "PACKET_SOCK_ERROR" => "A packet socket, as tcpdump has one, could not take its copy.",
        "TC_CHAIN_NOTFOUND" => "A traffic-control filter goes to a chain that does not exist.",
        "TC_RECLASSIFY_LOOP" => "Traffic-control filters go round in a circle.",
        "VXLAN_INVALID_HDR" => "The VXLAN header is malformed.",
        "VXLAN_VNI_NOT_FOUND" => "No VXLAN device here has the packet's network identifier.",
        "MAC_INVALID_SOURCE" => "The frame's source address is one that no device can have.",
        "VXLAN_ENTRY_EXISTS" => {
            "A source address came from elsewhere than its static entry in the VXLAN device says."
        }
        "NO_TX_TARGET" => {
            "The device knows no way for the packet, as a bond without an active port."
        }
        "IP_TUNNEL_ECN" => {
            "Inner and outer header of a tunnel's packet contradict each other on congestion."
        }
        "TUNNEL_TXINFO" => "A tunnel that gets its destinations from elsewhere was given none.",
        "LOCAL_MAC" => "The frame came with this device's own address as its source.",
        "ARP_PVLAN_DISABLE" => "A frame would go out where it came in, and proxy_arp_pvlan is off.",
        "MAC_IEEE_MAC_CONTROL" => {
            "The frame is for the link itself (pause frames) and goes no further."
        }
        "BRIDGE_INGRESS_STP_STATE" => {
            "The bridge's port does not forward yet, or spanning tree blocks it."
        }
        "CAN_RX_INVALID_FRAME" => "A CAN frame is malformed, or the device cannot receive it.",
        "CANFD_RX_INVALID_FRAME" => "A CAN FD frame is malformed, or the device cannot receive it.",
        "CANXL_RX_INVALID_FRAME" => "A CAN XL frame is malformed, or the device cannot receive it.",
        "PFMEMALLOC" => {
            "Memory was so short that only those packets were taken which help to free some."
        }
        "PSP_INPUT" => "A packet encrypted with PSP failed its checks.",
        "PSP_OUTPUT" => "A packet could not be encrypted with PSP.",
        "RECURSION_LIMIT" => "Virtual devices are stacked so that a packet goes round in them.",
        _ => return None,
    })
}
