# SPDX-License-Identifier: BSL-1.0
"""Ethernet frames, right and wrong, as octets."""

import random
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

    def __init__(self, mac, address):
        self.mac, self.ip = mac, address

    def ethernet(self, payload, kind=IPV4):
        """A frame around `payload`."""
        return self.mac + STRANGER + struct.pack(">H", kind) + payload

    def ipv4(self, payload, protocol, *, version=4, ihl=None, total=None, fragment=0, options=b"", bad_sum=False):
        """A datagram; every length that the header states can be made to lie."""
        header = struct.pack(">BBHHHBBH4s4s", version << 4 | (5 + len(options) // 4 if ihl is None else ihl), 0,
                             20 + len(options) + len(payload) if total is None else total, 7, fragment, 64, protocol,
                             0, STRANGER_IP, self.ip) + options
        value = checksum(header) ^ (0x5555 if bad_sum else 0)
        return self.ethernet(header[:10] + struct.pack(">H", value) + header[12:] + payload)

    def _transport(self, segment, protocol, at, bad_sum):
        pseudo = STRANGER_IP + self.ip + struct.pack(">HH", protocol, len(segment))
        value = checksum(pseudo + segment) ^ (0x5555 if bad_sum else 0)
        return segment[:at] + struct.pack(">H", value) + segment[at + 2:]

    def tcp(self, flags, payload=b"", *, port=80, sequence=1, ack=0, offset=None, options=b"", urgent=0, bad_sum=False):
        """A segment; options are padded to 32-bit words unless `offset` lies anyway."""
        options += b"\0" * (-len(options) % 4)
        words = 5 + len(options) // 4 if offset is None else offset
        segment = struct.pack(">HHIIBBHHH", 7777, port, sequence, ack, words << 4, flags, 4096, 0, urgent)
        return self._transport(segment + options + payload, TCP, 16, bad_sum)

    def udp(self, payload, *, port=68, length=None, bad_sum=False):
        """A datagram."""
        head = struct.pack(">HHHH", 67, port, 8 + len(payload) if length is None else length, 0)
        return self._transport(head + payload, UDP, 6, bad_sum)

    @staticmethod
    def icmp(kind, code, rest, bad_sum=False):
        """A message."""
        data = struct.pack(">BBH", kind, code, 0) + rest
        return data[:2] + struct.pack(">H", checksum(data) ^ (0x5555 if bad_sum else 0)) + data[4:]

    def arp(self, operation=1, *, hardware=1, hlen=6, plen=4, cut=None):
        """A request for the guest, or something like it."""
        data = struct.pack(">HHBBH", hardware, IPV4, hlen, plen, operation)
        data += STRANGER + STRANGER_IP + bytes(6) + self.ip
        return self.ethernet(data[:cut], ARP)


def catalogue(send, seed):
    """{class: frames} of bad input; the classes are those that have broken other stacks."""
    dice = random.Random(seed)
    syn = send.tcp(SYN)
    whole = send.ipv4(syn, TCP)
    big = bytes(1400)
    return {
        "cut-off frames": [whole[:size] for size in range(14, len(whole))],
        "garbage behind an Ethernet header": [
            send.ethernet(dice.randbytes(dice.randrange(1, 1500)), dice.choice([IPV4, ARP, 0x86dd, 5, 1500, 0xffff]))
            for _ in range(400)],
        "one octet changed": [mutated(whole, dice) for _ in range(400)],
        "ARP that is none": [send.arp(hlen=0), send.arp(plen=255), send.arp(hardware=6), send.arp(9), send.arp(0xffff)]
                            + [send.arp(cut=size) for size in range(28)],
        "IPv4 lengths that lie": [send.ipv4(syn, TCP, ihl=size) for size in (0, 1, 4, 6, 15)]
                                 + [send.ipv4(syn, TCP, total=size) for size in (0, 19, 21, 39, 41, 1500, 65535)]
                                 + [send.ipv4(syn, TCP, version=version) for version in (0, 6, 15)],
        "IPv4 options that lie": [send.ipv4(syn, TCP, options=bytes([kind, size, pointer, 0]))
                                  for kind in (7, 68, 131, 137, 148) for size in (0, 1, 2, 255)
                                  for pointer in (0, 4, 255)],
        "fragments": [send.ipv4(big, UDP, fragment=where) for where in (0x2000, 0x1fff, 0x3fff, 0x2001, 0xffff)],
        "wrong checksums": [send.ipv4(syn, TCP, bad_sum=True), send.ipv4(send.tcp(SYN, bad_sum=True), TCP),
                            send.ipv4(send.udp(b"x", bad_sum=True), UDP),
                            send.ipv4(send.icmp(8, 0, bytes(8), bad_sum=True), ICMP)],
        "ICMP that lies": [send.ipv4(send.icmp(kind, code, rest), ICMP)
                           for kind, code in ((3, 4), (3, 3), (5, 0), (8, 0), (0, 0), (12, 0), (255, 255))
                           for rest in (b"", bytes(4), struct.pack(">HH", 0, 68), bytes(6) + b"\x45" + bytes(10))],
        "unknown protocols": [send.ipv4(big, protocol) for protocol in (0, 2, 4, 41, 50, 132, 255)],
        "UDP lengths that lie": [send.ipv4(send.udp(b"abcd", length=size), UDP) for size in (0, 7, 8, 13, 65535)],
        "DHCP that lies": [send.ipv4(send.udp(dice.randbytes(size)), UDP) for size in (1, 236, 240, 300, 548)],
        "TCP options that lie": [send.ipv4(send.tcp(SYN, options=bytes(option)), TCP) for option in (
            [2], [2, 0], [2, 1], [2, 3, 1], [2, 4], [2, 4, 0, 0], [3, 255], [4, 3], [5, 9], [5, 0], [8, 10], [34, 255],
            [253, 1], [0, 2, 4], [1] * 40, [2, 40])],
        "TCP offsets that lie": [send.ipv4(send.tcp(SYN, offset=words), TCP) for words in (0, 1, 4, 6, 15)],
        "all flags": [send.ipv4(send.tcp(flags, data, sequence=dice.getrandbits(32), ack=dice.getrandbits(32),
                                         urgent=dice.choice([0, 1, 65535])), TCP)
                      for flags in range(64) for data in (b"", b"x")],
    }


def mutated(frame, dice):
    """`frame` with one octet behind its Ethernet addresses changed."""
    at = dice.randrange(12, len(frame))
    return frame[:at] + bytes([frame[at] ^ dice.randrange(1, 256)]) + frame[at + 1:]


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
    bad = catalogue(send, 1)
    expect(all(frames and all(len(frame) >= 14 for frame in frames) for frames in bad.values()), "an empty class")
