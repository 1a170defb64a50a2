# SPDX-License-Identifier: BSL-1.0
"""A peer made of raw frames: what it sends is its own affair, what it hears it takes apart."""

import contextlib
import fcntl
import os
import select
import socket
import struct
import time

from boot.frames import ACK, ARP, FIN, ICMP, IPV4, RST, STRANGER, STRANGER_IP, SYN, TCP, Sender
from tool.cases import Failure

TUNSETIFF, TAP_WITHOUT_HEADER = 0x400454ca, 0x1002
GUEST = bytes([10, 0, 2, 15])
BURST = 32          # frames that net::ethernet takes in one turn
BROADCAST = b"\xff" * 6


class PacketWire:
    """Frames of an interface of this thread's namespace, whose other end is a guest's."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((name, 0))

    def send(self, frame):
        """Out of the interface."""
        self.socket.send(frame)

    def fileno(self):
        """For select."""
        return self.socket.fileno()

    def receive(self):
        """The next frame that came in."""
        frame, (_, _, kind, *_) = self.socket.recvfrom(2048)
        return frame if kind != socket.PACKET_OUTGOING else b""

    def close(self):
        """Gives it up."""
        self.socket.close()


class TapWire:
    """The wire of a TAP whose host is the kernel of this thread's namespace."""

    def __init__(self, name):
        self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self.file, TUNSETIFF, struct.pack("16sH", name.encode(), TAP_WITHOUT_HEADER))

    def send(self, frame):
        """Into the kernel."""
        os.write(self.file, frame)

    def fileno(self):
        """For select."""
        return self.file

    def receive(self):
        """The next frame of the kernel."""
        return os.read(self.file, 2048)

    def close(self):
        """Gives it up."""
        os.close(self.file)


class Peer:
    """The stranger on a wire, who answers ARP."""

    def __init__(self, wire):
        self.wire, self.mac, self.fences = wire, None, 0
        self.heard = []
        self.send(Sender(BROADCAST, GUEST).arp())
        self.wait(lambda frame: frame[12:14] == b"\x08\x06" and frame[28:32] == GUEST, "the guest's address")
        self.sender = Sender(self.mac, GUEST)

    def send(self, frame):
        """One frame."""
        self.wire.send(frame)

    def wait(self, wanted, what, seconds=2.0):
        """The first frame that is wanted; all others are kept in `heard`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.wire], [], [], left)[0]:
                break
            frame = self.wire.receive()
            if len(frame) < 34:
                continue
            self._learn(frame)
            if wanted(frame):
                return frame
            self.heard.append(frame)
        raise Failure(f"nothing came: {what}")

    def _learn(self, frame):
        if frame[12:14] != b"\x08\x06":
            return
        if frame[28:32] == GUEST:
            self.mac = frame[6:12]
        if frame[20:22] == b"\x00\x01" and frame[38:42] == STRANGER_IP:
            body = struct.pack(">HHBBH", 1, IPV4, 6, 4, 2) + STRANGER + STRANGER_IP + frame[22:28] + frame[28:32]
            self.send(frame[6:12] + STRANGER + struct.pack(">H", ARP) + body)

    def fence(self):
        """Waits until all that was sent has been dealt with: pings are answered in their turn. One more than a turn of
        our loop takes frames, since what a turn leads to is sent at its end."""
        for _ in range(BURST + 1):
            self.fences = (self.fences + 1) & 0xffff
            rest = struct.pack(">HH", 0xfe4c, self.fences) + bytes(8)
            self.send(self.sender.ipv4(self.sender.icmp(8, 0, rest), ICMP))
            self.wait(lambda frame, rest=rest: frame[23] == ICMP and frame[34] == 0 and frame[38:50] == rest,
                      "the answer to a ping")

    def answers(self):
        """What came since the last call, up to a fence."""
        self.fence()
        heard, self.heard = self.heard, []
        return heard


class Segment:
    """A TCP segment of a frame."""

    def __init__(self, frame):
        at = 14 + (frame[14] & 15) * 4
        total = struct.unpack(">H", frame[16:18])[0]
        (self.source, self.port, self.sequence, self.ack, offset, self.flags,
         self.window) = struct.unpack(">HHIIBBH", frame[at:at + 16])
        self.text = 14 + total - at - (offset >> 4) * 4


def segments(frames, port):
    """Those of the frames that go to our `port`."""
    found = [Segment(frame) for frame in frames if frame[12:14] == b"\x08\x00" and frame[23] == TCP]
    return [segment for segment in found if segment.port == port]


class Talk:
    """One connection of a peer, opened by it."""

    ISS = 1_000_000

    def __init__(self, peer, port, own_port):
        self.peer, self.port, self.own_port = peer, port, own_port
        self.next, self.heard, self.theirs = self.ISS, 0, None

    def say(self, flags, text=b"", sequence=None, ack=None, window=20_000, urgent=0):
        """A segment; without `sequence` the right one, which then counts."""
        number = self.next if sequence is None else sequence & 0xffffffff
        known = self.heard if flags & ACK else 0
        options = bytes([2, 4, 5, 180]) if flags == SYN else b""
        self.peer.send(self.peer.sender.ipv4(self.peer.sender.tcp(
            flags, text, port=self.port, source=self.own_port, sequence=number,
            ack=known if ack is None else ack & 0xffffffff, window=window, urgent=urgent, options=options), TCP))
        if sequence is None:
            self.next += len(text) + (1 if flags & (SYN | FIN) else 0)

    def hear(self):
        """The segments that came, which then are known."""
        found = segments(self.peer.answers(), self.own_port)
        for one in found:
            if one.flags & SYN:
                self.theirs = one.sequence
            if not one.flags & RST:
                self.heard = one.sequence + one.text + (1 if one.flags & (SYN | FIN) else 0)
        return found

    def wait_for(self, flags, seconds=2.0):
        """Waits until a segment with all these flags has come."""
        def wanted(frame):
            found = segments([frame], self.own_port)
            return bool(found) and found[0].flags & flags == flags

        self.peer.heard = [frame for frame in self.peer.heard if not wanted(frame)] + [
            self.peer.wait(wanted, f"flags {flags:#x}", seconds)] if not any(
                wanted(frame) for frame in self.peer.heard) else self.peer.heard
        self.hear()

    def open(self):
        """The three-way handshake."""
        self.say(SYN)
        self.hear()
        if self.theirs is None:
            raise Failure(f"port {self.port} did not answer a SYN")
        self.say(ACK)

    def drop(self):
        """Whatever became of it, the connection goes: RSTs at each place that may be the next."""
        for place in {self.next, self.next + 1, self.next + 2, self.ISS + 1}:
            self.say(RST, sequence=place)
            self.say(RST | ACK, sequence=place)


@contextlib.contextmanager
def on(wire):
    """The wire, closed at the end."""
    try:
        yield wire
    finally:
        wire.close()
