# SPDX-License-Identifier: BSL-1.0
"""The catalogue of bad input, as far as it is made of frames: classes that have broken other stacks, by their numbers
of docs/bad-input.md. The boot suite sends them to running images, the fuzz suite begins with them.
"""

import random
import struct
from dataclasses import dataclass, field

from boot.frames import ACK, ARP, FIN, ICMP, IPV4, RST, SYN, TCP, UDP

IGMP = 2
MORE = 0x2000       # of an IPv4 header's fragment field
COOKIE = bytes.fromhex("63825363")


@dataclass
class Bad:
    """Frames of one kind, and the counters (part.counter, as /status has them) of which one at least rises."""
    name: str
    frames: list
    counters: tuple = field(default=())


def link_layer(send, dice):
    """Ethernet and ARP."""
    whole = send.ipv4(send.tcp(SYN), TCP)
    yield Bad("BI-01 runt frames", [whole[:size] for size in range(14, len(whole))],
              ("ipv4.truncated", "ipv4.bad_length"))
    yield Bad("BI-01 lengths of 802.3", [send.ethernet(bytes(size), length) for size in (0, 46, 1500)
                                         for length in (0, 3, 46, 1500, 0x5ff)], ("ethernet.not_ethernet2",))
    yield Bad("BI-01 trailing junk", [whole + dice.randbytes(size) for size in (1, 6, 100, 1000)], ())
    yield Bad("BI-01 a sender that is a group", [send.ethernet(bytes(46), IPV4, b"\xff" * 6)], ("ethernet.bad_source",))
    yield Bad("BI-01 garbage behind an Ethernet header",
              [send.ethernet(dice.randbytes(dice.randrange(1, 1500)), dice.choice([IPV4, ARP, 0x86dd, 5, 1500, 0xffff]))
               for _ in range(400)], ("ethernet.unknown_type",))
    yield Bad("BI-01 one octet changed", [mutated(whole, dice) for _ in range(400)], ("ipv4.bad_checksum",))
    yield Bad("BI-02 ARP that is none",
              [send.arp(hlen=0), send.arp(plen=255), send.arp(hardware=6), send.arp(9), send.arp(0xffff), send.arp(3),
               send.arp(4)] + [send.arp(cut=size) for size in range(28)], ("arp.malformed",))


def internet_layer(send, dice):
    """IPv4."""
    syn = send.tcp(SYN)
    yield Bad("BI-03 IPv4 lengths that lie",
              [send.ipv4(syn, TCP, ihl=size) for size in (0, 1, 4, 6, 15)]
              + [send.ipv4(syn, TCP, total=size) for size in (0, 19, 41, 1500, 65535)]
              + [send.ipv4(syn, TCP, version=version) for version in (0, 6, 15)],
              ("ipv4.bad_header", "ipv4.bad_length", "ipv4.bad_version"))
    yield Bad("BI-04 a total length beyond the frame", [
        send.ipv4(payload, protocol, total=20 + len(payload) + more)
        for payload, protocol in ((syn, TCP), (send.udp(b"x"), UDP), (send.icmp(8, 0, bytes(8)), ICMP))
        for more in (1, 2, 1000, 65535 - 60)], ("ipv4.bad_length",))
    yield Bad("BI-05 a total length smaller than the payload", [
        send.ipv4(syn, TCP, total=size, fragment=where) for size in (20, 21, 28, 39) for where in (0, MORE, 1)],
        ("tcp.bad_header", "ipv4.fragments"))
    yield Bad("BI-06 IP in IP, IPv6 in IP", [
        send.ipv4(send.ipv4(syn, TCP)[14:], 4), send.ipv4(bytes([0x60]) + bytes(60), 41),
        *(send.ipv4(bytes(1400), protocol) for protocol in (0, 4, 41, 50, 132, 255))], ("ipv4.unknown_protocol",))
    yield Bad("BI-07 IPv4 options that lie", [
        send.ipv4(syn, TCP, options=bytes([kind, size, pointer, 0]))
        for kind in (7, 68, 131, 137, 148) for size in (0, 1, 2, 255) for pointer in (0, 4, 255)],
        ("ipv4.bad_options", "ipv4.source_route"))
    yield Bad("BI-07 two source routes", [
        send.ipv4(syn, TCP, options=bytes([131, 7, 4, 10, 0, 2, 1, 137, 7, 4, 10, 0, 2, 1, 0, 0]))],
        ("ipv4.source_route",))
    yield Bad("BI-08 fragments", fragments(send, dice), ("ipv4.fragments",))
    yield Bad("BI-30 sums that wrap at 2^16", [
        send.ipv4(bytes(8), UDP, total=65535, fragment=0x1fff), send.ipv4(bytes(1480), UDP, fragment=0x1fff),
        send.ipv4(bytes(1480), UDP, fragment=MORE | 0x1fff), send.ipv4(send.udp(b"", length=65535), UDP),
        send.ipv4(send.tcp(ACK, sequence=0xffffffff, ack=0xffffffff, window=65535), TCP)],
        ("ipv4.bad_length", "ipv4.fragments", "udp.bad_length"))
    yield Bad("wrong checksums", [
        send.ipv4(syn, TCP, bad_sum=True), send.ipv4(send.tcp(SYN, bad_sum=True), TCP),
        send.ipv4(send.udp(b"x", bad_sum=True), UDP), send.ipv4(send.icmp(8, 0, bytes(8), bad_sum=True), ICMP)],
        ("ipv4.bad_checksum",))


def fragments(send, dice):
    """Beyond the end, in all relations of two pieces (before, touching, within, the same, beyond), a last one twice,
    tiny ones, pieces of many datagrams mixed, and a flood of first ones."""
    big = bytes(1400)
    sent = [send.ipv4(big, UDP, fragment=where) for where in (MORE, 0x1fff, MORE | 0x1fff, MORE | 1, 0xffff)]
    number = 100
    for first in (0, 1, 2, 3, 4, 5, 6):
        for units in (1, 2, 3, 4):
            number += 1
            sent.append(send.ipv4(bytes(16), UDP, number=number, fragment=MORE | 2))
            sent.append(send.ipv4(bytes(8 * units), UDP, number=number, fragment=MORE | first))
    sent += [send.ipv4(bytes(8), UDP, number=90, fragment=5)] * 2 + [send.ipv4(bytes(16), UDP, number=90, fragment=9)]
    sent += [send.ipv4(bytes(8), UDP, number=91, fragment=MORE | at) for at in range(40)]
    sent += [send.ipv4(bytes(size), UDP, number=92, fragment=MORE) for size in (0, 1, 7, 9)]
    mixed = [send.ipv4(bytes(64), UDP, number=200 + at % 4, fragment=MORE | at // 4 * 8) for at in range(32)]
    dice.shuffle(mixed)
    return sent + mixed + [send.ipv4(bytes(800), UDP, number=1000 + at, fragment=MORE) for at in range(100)]


def messages(send, dice):
    """ICMP, IGMP, UDP and DHCP."""
    quote = send.ipv4(send.tcp(ACK), TCP)[14:42]
    yield Bad("BI-14 ICMP that lies",
              [send.ipv4(send.icmp(kind, code, rest), ICMP)
               for kind, code in ((3, 4), (3, 3), (5, 0), (8, 0), (0, 0), (12, 0), (255, 255))
               for rest in (b"", bytes(4), struct.pack(">HH", 0, 68), bytes(6) + b"\x45" + bytes(10))]
              + [send.ipv4(send.icmp(3, 4, struct.pack(">HH", 0, mtu) + quote[:cut]), ICMP)
                 for mtu in (0, 1, 67, 68, 65535) for cut in (0, 19, 20, 27, 28)],
              ("icmp.truncated", "icmp.bad_error"))
    yield Bad("BI-33 IGMP that lies", [
        send.ipv4(send.icmp(kind, code, rest), IGMP) for kind in (0x11, 0x12, 0x16, 0x17, 0x22, 0xff)
        for code in (0, 255)
        for rest in (b"", bytes(3), bytes([224, 0, 0, 1]), bytes(4) + b"\0\0\xff\xff", bytes(60))],
        ("igmp.truncated", "igmp.bad_group", "ipv4.unknown_protocol"))
    yield Bad("UDP lengths that lie", [send.ipv4(send.udp(b"abcd", length=size), UDP) for size in (0, 7, 8, 13, 65535)],
              ("udp.bad_length",))
    yield Bad("BI-24 answers never asked for", [
        send.ipv4(send.udp(dice.randbytes(2) + bytes.fromhex("8180000100010000000001610000010001c00c00010001")
                           + bytes.fromhex("0000003c00040a000001"), port=port, source=53), UDP)
        for port in (53, 1024, 49152, 65535)], ("udp.no_socket",))
    yield Bad("BI-27 DHCP options that lie", [send.ipv4(send.udp(reply(options)), UDP) for options in (
        b"", bytes([53]), bytes([53, 1]), bytes([53, 255, 2]), bytes([53, 0, 255]), bytes([52, 1, 3, 255]),
        bytes([52, 1, 1, 52, 1, 2, 255]), bytes(60), bytes([53, 1, 2]), bytes([3, 3, 1, 2, 3, 255]))]
        + [send.ipv4(send.udp(dice.randbytes(size)), UDP) for size in (1, 236, 240, 300, 548)],
        ("dhcp.malformed",))
    offers = (reply(bytes([53, 1, kind, 51, 4]) + lease + bytes([54, 4, 10, 0, 2, 77, 255]), address)
              for kind in (2, 5, 6) for lease in (bytes(4), b"\xff" * 4)
              for address in (bytes([224, 0, 0, 1]), b"\xff" * 4, bytes(4), bytes([10, 0, 2, 77])))
    yield Bad("BI-28 DHCP offers of nobody", [send.ipv4(send.udp(offer), UDP) for offer in offers],
              ("dhcp.ignored", "dhcp.malformed"))


def reply(options, address=bytes([10, 0, 2, 99])):
    """A reply of a DHCP server that nobody asked, to a client that is not there."""
    head = bytes([2, 1, 6, 0]) + b"\xde\xad\xbe\xef" + bytes(8) + address + bytes(8) + bytes.fromhex("020000000001")
    return head.ljust(236, b"\0") + COOKIE + options


def transport(send, dice):
    """TCP."""
    def segments(*all_of_them):
        return [send.ipv4(segment, TCP) for segment in all_of_them]

    yield Bad("BI-16 TCP options that lie", segments(*(send.tcp(SYN, options=bytes(option)) for option in (
        [2], [2, 0], [2, 1], [2, 3, 1], [2, 4], [2, 4, 0, 0], [3, 255], [4, 3], [5, 9], [5, 0], [8, 10], [34, 255],
        [253, 1], [0, 2, 4], [1] * 40, [2, 40]))), ("tcp.bad_header",))
    yield Bad("BI-16 TCP offsets that lie", segments(*(send.tcp(SYN, offset=words) for words in (0, 1, 4, 6, 15))),
              ("tcp.bad_header",))
    yield Bad("BI-17 urgent marks", segments(*(
        send.tcp(flags, text, urgent=mark, sequence=dice.getrandbits(32))
        for flags in (0x20, 0x22, 0x30, 0x31) for text in (b"", b"x") for mark in (0, 1, 2, 65535))),
        ("tcp.bad_ack", "tcp.not_syn", "tcp.out_of_window"))
    yield Bad("BI-18 all flags to a listener", segments(*(
        send.tcp(flags, text, sequence=dice.getrandbits(32), ack=dice.getrandbits(32),
                 urgent=dice.choice([0, 1, 65535])) for flags in range(64) for text in (b"", b"x"))),
        ("tcp.bad_ack", "tcp.not_syn", "tcp.out_of_window"))
    yield Bad("BI-34 SACK of nothing, with a tiny MSS", segments(
        *(send.tcp(SYN, source=7000 + at, options=bytes([2, 4, 0, 48, 4, 2])) for at in range(20)),
        *(send.tcp(ACK, source=7000 + at % 20, ack=dice.getrandbits(32), sequence=2,
                   options=bytes([5, 34]) + b"".join(struct.pack(">II", edge, (edge + 48) & 0xffffffff)
                                                     for edge in (dice.getrandbits(32) for _ in range(4))))
          for at in range(200))), ("tcp.bad_ack", "tcp.out_of_window"))
    yield Bad("BI-35 probes for numbers in use", segments(*(
        send.tcp(flags, source=7100, sequence=dice.getrandbits(32), ack=dice.getrandbits(32))
        for _ in range(100) for flags in (SYN, RST, ACK, SYN | ACK, FIN | ACK))),
        ("tcp.bad_ack", "tcp.out_of_window"))


def catalogue(send, seed):
    """All classes, from a stranger to one guest."""
    dice = random.Random(seed)
    return [bad for group in (link_layer, internet_layer, messages, transport) for bad in group(send, dice)]


def mutated(frame, dice):
    """`frame` with one octet behind its Ethernet addresses changed."""
    at = dice.randrange(12, len(frame))
    return frame[:at] + bytes([frame[at] ^ dice.randrange(1, 256)]) + frame[at + 1:]
