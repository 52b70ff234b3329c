# SPDX-License-Identifier: MIT OR Apache-2.0
"""Netlink by hand, for what the kernel tree's client does not show: the parts of a
dump, flags, families that have no specification."""

import socket
import struct

REQUEST, DUMP, DUMP_INTR = 0x1, 0x300, 0x10
ERROR, DONE = 2, 3


def attribute(kind, value):
    padding = b"\0" * (-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def attributes(payload):
    while payload:
        length, kind = struct.unpack_from("=HH", payload)
        yield kind & 0x3FFF, payload[4:length]
        payload = payload[(length + 3) & ~3 :]


class Socket:
    """A socket of one protocol."""

    def __init__(self, protocol):
        self.inner = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)

    def send(self, kind, flags, payload):
        header = struct.pack("=IHHII", 16 + len(payload), kind, REQUEST | flags, 1, 0)
        self.inner.send(header + payload)

    def part(self, room):
        """What one read gives: type, flags and payload of each message."""
        data = self.inner.recv(room)
        messages = []
        while data:
            length, kind, flags = struct.unpack_from("=IHH", data)
            messages.append((kind, flags, data[16:length]))
            data = data[(length + 3) & ~3 :]
        return messages
