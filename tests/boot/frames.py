# SPDX-License-Identifier: BSL-1.0
"""Ethernet frames, right and wrong, as octets."""

import struct

from tool.cases import expect

STRANGER = bytes.fromhex("020000000077")    # a sender that does not exist
STRANGER_IP = bytes([10, 0, 2, 77])
IPV4, ARP = 0x0800, 0x0806
ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) & ~1]))
    total += data[-1] << 8 if len(data) & 1 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Sender:
    """Builds frames from a stranger to one guest."""

    def __init__(self, mac, address, stranger=STRANGER_IP):
        self.mac, self.ip, self.stranger = mac, address, stranger

    def ethernet(self, payload, kind=IPV4, source=STRANGER):
        """A frame around `payload`."""
        return self.mac + source + struct.pack(">H", kind) + payload

    def ipv4(self, payload, protocol, *, version=4, ihl=None, total=None, number=7, fragment=0, options=b"",
             source=None, to=None, bad_sum=False):
        """A datagram; every length that the header states can be made to lie."""
        header = struct.pack(">BBHHHBBH4s4s", version << 4 | (5 + len(options) // 4 if ihl is None else ihl), 0,
                             20 + len(options) + len(payload) if total is None else total, number, fragment, 64,
                             protocol, 0, source or self.stranger, to or self.ip) + options
        value = checksum(header) ^ (0x5555 if bad_sum else 0)
        return self.ethernet(header[:10] + struct.pack(">H", value) + header[12:] + payload)

    def _transport(self, segment, protocol, at, bad_sum):
        pseudo = self.stranger + self.ip + struct.pack(">HH", protocol, len(segment))
        value = checksum(pseudo + segment) ^ (0x5555 if bad_sum else 0)
        return segment[:at] + struct.pack(">H", value) + segment[at + 2:]

    def tcp(self, flags, payload=b"", *, port=80, source=7777, sequence=1, ack=0, offset=None, options=b"", urgent=0,
            window=4096, bad_sum=False):
        """A segment; options are padded to 32-bit words unless `offset` lies anyway."""
        options += b"\0" * (-len(options) % 4)
        words = 5 + len(options) // 4 if offset is None else offset
        segment = struct.pack(">HHIIBBHHH", source, port, sequence, ack, words << 4, flags, window, 0, urgent)
        return self._transport(segment + options + payload, TCP, 16, bad_sum)

    def udp(self, payload, *, port=68, source=67, length=None, bad_sum=False):
        """A datagram."""
        head = struct.pack(">HHHH", source, port, 8 + len(payload) if length is None else length, 0)
        return self._transport(head + payload, UDP, 6, bad_sum)

    @staticmethod
    def icmp(kind, code, rest, bad_sum=False):
        """A message."""
        data = struct.pack(">BBH", kind, code, 0) + rest
        return data[:2] + struct.pack(">H", checksum(data) ^ (0x5555 if bad_sum else 0)) + data[4:]

    def arp(self, operation=1, *, hardware=1, hlen=6, plen=4, cut=None):
        """A request for the guest, or something like it."""
        data = struct.pack(">HHBBH", hardware, IPV4, hlen, plen, operation)
        data += STRANGER + self.stranger + bytes(6) + self.ip
        return self.ethernet(data[:cut], ARP)


def self_test():
    """The builder's right frames are right: what is wrong with the others is what they say."""
    send = Sender(bytes(6), bytes([10, 0, 2, 15]))
    frame = send.ipv4(send.tcp(SYN, b"abc"), TCP)
    expect(checksum(frame[14:34]) == 0, "the IPv4 header's checksum is wrong")
    segment = frame[34:]
    pseudo = frame[26:34] + struct.pack(">HH", TCP, len(segment))
    expect(checksum(pseudo + segment) == 0, "the TCP checksum is wrong")
    expect(len(send.arp()) == 42 and len(frame) == 14 + 20 + 20 + 3, "a frame has the wrong length")
    expect(checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220d, "the checksum is not RFC 1071's example")
