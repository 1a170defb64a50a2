# SPDX-License-Identifier: BSL-1.0
"""Where fuzzing begins: the catalogue of bad input (docs/bad-input.md) in the language of each target, written anew by
each run. What fuzzing itself has found is in corpus/.
"""

import struct

from boot.catalogue import catalogue
from boot.frames import ICMP, TCP, UDP, Sender
from boot.protocol import REFUSED

SEED = 20240229
LONGEST = 1000      # octets of a seed
PIECE = 400         # octets of a frame in it
MOST = 3            # seeds of one class for one target
IGMP = 2
OURS, PEER = bytes([10, 0, 0, 2]), bytes([10, 0, 0, 9])
# The octet of the step that takes a frame as it is.
STEPS = {"receive": 0x1a, "arp": 0x01, "ipv4": 0x01, "icmp": 0x01, "igmp": 0x01, "udp": 0x01}
PROTOCOLS = {"icmp": ICMP, "igmp": IGMP, "udp": UDP, "tcp_wire": TCP}


def piece(octets):
    """Octets with their length in front, as targets read them."""
    size = len(octets)
    return (bytes([size]) if size < 0xf0 else bytes([0xf0 | size >> 8, size & 0xff])) + octets


def part(target, frame):
    """What of a frame the target takes, or None."""
    kind = frame[12:14]
    if target == "receive":
        return frame
    if target == "arp":
        return frame[14:] if kind == b"\x08\x06" else None
    if kind != b"\x08\x00":
        return None
    if target == "ipv4":
        return frame[14:]
    header = (frame[14] & 15) * 4 if len(frame) >= 34 else 0
    fits = header >= 20 and len(frame) > 14 + header
    return frame[14 + header:] if fits and frame[23] == PROTOCOLS[target] else None


def of_frames(target):
    """Seeds of the frames that the target takes."""
    send = Sender(bytes.fromhex("020000000001"), OURS, PEER)
    made = {}
    for bad in catalogue(send, SEED):
        parts = [found for found in (part(target, frame) for frame in bad.frames) if found and len(found) <= PIECE]
        name = bad.name.replace(" ", "-").replace(",", "")
        if target == "tcp_wire":
            made.update({f"{name}-{number}": found for number, found in enumerate(parts[:MOST * 6], 1)})
            continue
        seed, number = b"", 0
        begin = b"\x20\x00" if target == "receive" else b"\x00"
        for found in parts + [None]:
            step = b"" if found is None else bytes([STEPS[target]]) + piece(found)
            if seed and (found is None or len(seed) + len(step) > LONGEST) and number < MOST:
                number += 1
                made[f"{name}-{number}"] = begin + seed
                seed = b""
            seed += step
    return made


def http_request():
    """Requests that the protocol's cases send, and the bodies of BI-31."""
    made = {f"BI-31-{what.replace(' ', '-')}": b"\x01\x00" + request[:LONGEST] for what, request, _ in REFUSED}
    post = b"\x01\x03\x00\x06\x20POST /echo HTTP/1.1\r\nHost: t\r\n"
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    made |= {
        "BI-31-a-page": b"\x01\x00GET / HTTP/1.1\r\nHost: t\r\n\r\n",
        "BI-31-two-requests": b"\x00\x01\x05GET / HTTP/1.1\r\nHost: t\r\n\r\nGET /a/b?c HTTP/1.0\r\n\r\n",
        "BI-31-a-body": post + b"Content-Length: 5\r\n\r\nhello",
        "BI-31-a-length-of-2^31": post + b"Content-Length: 2147483648\r\n\r\n",
        "BI-31-a-length-of-2^32+1": post + b"Content-Length: 4294967297\r\n\r\n",
        "BI-31-a-length-of-2^64": post + b"Content-Length: 18446744073709551616\r\n\r\n",
        "BI-31-no-length": post + b"\r\nhello",
        "BI-31-a-bare-line-feed": b"\x01\x00GET / HTTP/1.1\nHost: t\n\n",
        "BI-31-a-head-without-end": b"\x00\x00GET / HTTP/1.1\r\nHost: t\r\nA: b",
        "BI-31-chunks": chunked + b"5\r\nhello\r\n0\r\n\r\n",
        "BI-31-chunk-extensions": chunked + b"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\nTrailer: y\r\n\r\n",
        "BI-30-a-chunk-of-2^64": chunked + b"10000000000000000\r\n",
        "BI-30-a-chunk-of-2^64-1": chunked + b"ffffffffffffffff\r\n",
        "BI-31-expect": b"\x01\x00POST /stream HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
                        b"Content-Length: 3\r\n\r\nabc",
        "BI-31-a-body-unread": b"\x01\x00POST /lazy HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n\r\n" + bytes(500),
    }
    return made


def http_response():
    """What a server may say."""
    ok = b"HTTP/1.1 200 OK\r\n"
    said = {
        "a-page": ok + b"Content-Length: 5\r\n\r\nhello",
        "a-page-to-the-end": ok + b"\r\nhello",
        "chunks": ok + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n",
        "a-length-and-chunks": ok + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "two-lengths": ok + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "a-length-of-2^64": ok + b"Content-Length: 18446744073709551616\r\n\r\n",
        "an-interim-response": b"HTTP/1.1 100 Continue\r\n\r\n" + ok + b"Content-Length: 0\r\n\r\n",
        "many-interim-responses": b"HTTP/1.1 102 P\r\n\r\n" * 12,
        "a-redirect": b"HTTP/1.1 302 Found\r\nLocation: http://a/b#c\r\nContent-Length: 0\r\n\r\n",
        "a-switch": b"HTTP/1.1 101 Switching\r\n\r\n",
        "nothing-more": b"HTTP/1.0 204 No Content\r\n\r\n",
        "a-folded-field": ok + b"A: b\r\n c\r\n\r\n",
        "a-bare-line-feed": ok + b"A: b\n\n",
        "no-status": b"HTTP/1.1 2000 OK\r\n\r\n",
    }
    return {f"BI-31-{name}": b"\x05\x02\x03\x10" + text for name, text in said.items()}


def dns():
    """Answers to a question for the address of a.example: behind the header and question that the target writes."""
    def answer(answers, records, flags=b"\x00\x00", authorities=0, more=0):
        return b"\x04\x00" + flags + bytes([answers, authorities, more]) + records

    def record(kind, data, owner=b"\xc0\x0c", size=None):
        return owner + struct.pack(">HHIH", kind, 1, 60, len(data) if size is None else size) + data

    address = record(1, PEER)
    return {
        "BI-20-a-name-without-end": answer(1, b"\x01a\x01b"),
        "BI-20-a-label-of-64": answer(1, record(1, PEER, b"\x40" + bytes(64) + b"\x00")),
        "BI-20-a-name-of-256": answer(1, record(1, PEER, (b"\x3f" + b"a" * 63) * 4 + b"\x00")),
        "BI-21-a-pointer-forward": answer(1, record(1, PEER, b"\xc0\x40")),
        "BI-21-a-pointer-to-itself": answer(1, record(1, PEER, b"\xc0\x1b")),
        "BI-21-a-loop": answer(2, record(5, b"\x01b\xc0\x27") + address),
        "BI-21-out-of-the-message": answer(1, record(1, PEER, b"\xff\xff")),
        "BI-21-into-the-header": answer(1, record(1, PEER, b"\xc0\x00")),
        "BI-22-lengths-of-A": answer(3, record(1, b"abc") + record(1, PEER, size=5) + record(1, b"")),
        "BI-22-lengths-of-CNAME": answer(1, record(5, b"\xc0\x0c\x00")),
        "BI-22-an-MX": answer(2, record(15, b"\x00\x0a\xc0\x0c") + address),
        "BI-22-a-record-cut-off": answer(1, address[:-6]),
        "BI-23-counts": answer(7, address, authorities=7, more=7),
        "BI-24-a-header-of-another": b"\x00\x00" + bytes.fromhex("999981800001000100000000") + address,
        "an-alias": answer(2, record(5, b"\x01b\xc0\x0c") + record(1, PEER, b"\xc0\x27")),
        "an-SOA": answer(0, record(6, b"\xc0\x0c\xc0\x0c" + bytes(20)), b"\x00\x03", authorities=1),
        "truncated": answer(1, address, b"\x02\x00"),
    }


def dhcp():
    """A lease, and what is wrong with options and offers."""
    def said(how, options=b""):
        return bytes([0x00, how]) + piece(options)

    lease = said(0) + said(32)
    return {
        "a-lease": b"\x00" + lease + b"\xe5" + said(32) + b"\xe5",
        "a-lease-with-probes": b"\x01" + lease + b"\xdd" + b"\xff" + b"\xdd" + lease,
        "a-nak": b"\x00" + lease + b"\xe5" + said(16, bytes([53, 1, 6])),
        "BI-27-past-the-end": b"\x00" + said(64, bytes([3, 200, 1])) + said(80, bytes([53])),
        "BI-27-length-0": b"\x00" + said(0, bytes([3, 0, 6, 0, 15, 0])) + said(32, bytes([51, 0])),
        "BI-27-overload": b"\x00" + said(8, bytes([52, 1, 3, 255])) + said(8, bytes([52, 1, 4])),
        "BI-27-no-end": b"\x00" + said(64) + said(96),
        "BI-28-a-group": b"\x00" + said(2) + said(34) + said(0) + said(34),
        "BI-28-broadcast": b"\x00" + said(4) + said(36) + said(0) + said(36),
        "BI-28-nothing": b"\x00" + said(6) + said(38) + said(0) + said(38),
        "BI-28-the-servers-own": b"\x00" + said(0, bytes([54, 4]) + OURS) + said(32, bytes([54, 4]) + OURS),
        "BI-28-foreign": b"\x00" + said(1) + said(33),
        "BI-28-a-lease-of-0": b"\x00" + said(0, bytes([51, 4, 0, 0, 0, 0])) + said(32, bytes([51, 4, 0, 0, 0, 0])),
        "BI-28-a-lease-for-ever": b"\x00" + said(0, bytes([51, 4]) + b"\xff" * 4)
                                  + said(32, bytes([51, 4]) + b"\xff" * 4) + b"\xe6",
    }


def virtio():
    """A device that is out to do harm."""
    begin = b"\x00\x00\x20"
    frame = b"\x14\x00" + piece(bytes(72))      # something posted comes back with a frame
    return {
        "BI-36-honest": begin + frame + b"\x14\x18\x05\x1e\x01\x00\x00\x14\x1e",
        "BI-36-ids": begin + b"".join(b"\x06" + struct.pack(">II", number, 72) for number in (0, 0, 7, 8, 0xffffffff))
                     + b"\x14\x14\x1e",
        "BI-36-lengths": begin + b"".join(b"\x00\x00\x07" + bytes(7) + struct.pack(">I", length) + b"\x14\x1e"
                                         for length in (0, 11, 12, 13, 1663, 1664, 0xffffffff)),
        "BI-36-an-index-that-jumps": begin + frame + b"\x08\xff\xff\x14\x1e\x14\x1e",
        "BI-36-a-loop-of-descriptors": begin + b"\x0a\x0c\x01\x0a\x0e\x00" + frame + b"\x14\x18\x05\x1e",
        "BI-36-a-configuration-that-changes": b"\x00\x08\x28\x3f" + frame,
        "BI-36-an-address-of-a-group": b"\x00\x01\x28\x01" + bytes(15) + frame,
        "BI-36-a-queue-of-0": b"\x00\x02\x20\x00\x00",
        "BI-36-a-queue-of-3": b"\x00\x02\x20\x00\x03" + frame,
        "BI-36-it-needs-a-reset": begin + b"\x0e\x40" + b"\x18\x04" * 12 + b"\x1e\x14\x1e",
        "BI-36-it-does-not-reset": begin + b"\x12\x08\xff\xff\x14\x1e",
        "BI-36-entropy": b"\x02\x02\x00\x40\x03\x00\xff\xff\xff\xff\x40\x01\x00\x00\x00\x00",
        "BI-36-capabilities": b"\x03\x00\x04\x54\xff\xff\xff\x00\x5c\x00\x00\x20\x00\x34\x00\x00\x00\x40"
                              b"\x40\x00\x00\x40\x09",
        "BI-36-no-PCI": b"\x03\x11\x00\x00" + piece(bytes(300)),
    }


# The states of the receive path that its first octet chooses.
STATES = ["listen", "syn-received", "syn-sent", "full-backlog", "established", "text-under-way", "close-wait",
          "last-ack", "fin-wait-1", "fin-wait-2", "closing", "time-wait", "closed-window", "text-early",
          "recovery", "full-window"]


def receive():
    """BI-18: all flags in all states, and an honest talk in each."""
    made = {}
    for number, state in enumerate(STATES):
        for stack in (0, 1, 2):
            flags = b"".join(bytes([0, flag, 0, 0, 0x80, 0x20 * (flag & 1)]) + (b"\x00\x01" if flag & 32 else b"")
                             for flag in range(64))
            made[f"BI-18-{state}-{stack}"] = bytes([stack << 4 | number, 0x1c if stack == 2 else 0]) + flags
            made[f"honest-{state}-{stack}"] = bytes([stack << 4 | number, 0x0c]) + bytes(
                [0x07, 0x0f, 0x14, 0x17, 0x5b, 0x1f, 0x07, 0x2c, 0x07, 0x9b])
    return made


OWN = {"http_request": http_request, "http_response": http_response, "dns": dns, "dhcp": dhcp, "virtio": virtio,
       "receive": receive}


def of(target):
    """{name: octets} of the target's seeds."""
    made = OWN[target]() if target in OWN else {}
    if target in STEPS or target in PROTOCOLS:
        made |= of_frames(target)
    return made


def names():
    """The names of all, with their target."""
    return {f"{target}/{name}" for target in sorted({*OWN, *STEPS, *PROTOCOLS}) for name in of(target)}
