# SPDX-License-Identifier: BSL-1.0
"""A relay between two network interfaces that delays, reorders and duplicates frames, by a seed.

As a program, `relay.py FD FD SEED`, it relays between two open descriptors until SIGTERM, then prints what it did.
"""

import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454ca, 0x0002, 0x1000
DELAY = 0.005           # seconds that every frame takes
HELD = 0.004, 0.012     # seconds more for one that others overtake
PERCENT_HELD, PERCENT_TWICE = 3, 2
QUEUE = 2000            # frames under way; more are lost
FRAME = 2048


class Lane:
    """One direction: decides when a frame leaves, and how often."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._last = 0.0
        self._due = []
        self._number = 0
        self.counts = {"frames": 0, "held": 0, "twice": 0, "lost": 0}

    def take(self, frame, now):
        """A frame that came at `now`."""
        self.counts["frames"] += 1
        if len(self._due) >= QUEUE:
            self.counts["lost"] += 1
            return
        # All dice are cast for each frame, so that one seed gives one sequence of fates.
        held, twice, more, other = (self._random.random() for _ in range(4))
        if held * 100 < PERCENT_HELD:
            self.counts["held"] += 1
            self._put(now + DELAY + HELD[0] + more * (HELD[1] - HELD[0]), frame)
        else:
            self._last = max(self._last, now + DELAY)
            self._put(self._last, frame)
        if twice * 100 < PERCENT_TWICE:
            self.counts["twice"] += 1
            self._put(now + DELAY + other * HELD[1], frame)

    def _put(self, due, frame):
        self._number += 1
        heapq.heappush(self._due, (due, self._number, frame))

    def ready(self, now):
        """Yields the frames that leave now."""
        while self._due and self._due[0][0] <= now:
            yield heapq.heappop(self._due)[2]

    def next(self):
        """When the next frame leaves; None: there is none."""
        return self._due[0][0] if self._due else None


def relay(ends, seed):
    """Relays between two Ends until SIGTERM; the counts of both directions."""
    lanes = {ends[0]: (Lane(f"{seed} up"), ends[1]), ends[1]: (Lane(f"{seed} down"), ends[0])}
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    while not over:
        waits = [lane.next() for lane, _ in lanes.values() if lane.next() is not None]
        patience = max(0.0, min(waits) - time.monotonic()) if waits else 0.2
        for end in select.select(list(lanes), [], [], patience)[0]:
            for frame in end.read():
                lanes[end][0].take(frame, time.monotonic())
        for lane, to in lanes.values():
            for frame in lane.ready(time.monotonic()):
                if not to.write(frame):
                    lane.counts["lost"] += 1
    return [lane.counts for lane, _ in lanes.values()]


class End:
    """A descriptor that frames come from and go to: a TAP's own, or a packet socket on an interface."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        try:
            self._socket = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            self._socket = None     # a TAP

    def fileno(self):
        """For select."""
        return self._descriptor

    def _read_one(self):
        if self._socket is None:
            return os.read(self._descriptor, FRAME)
        frame, address = self._socket.recvfrom(FRAME)
        return b"" if address[2] == socket.PACKET_OUTGOING else frame

    def read(self):
        """Yields what came; at most some frames, so that the other side has its turn."""
        for _ in range(64):
            try:
                frame = self._read_one()
            except BlockingIOError:
                return
            if frame:
                yield frame

    def write(self, frame):
        """False when it is lost."""
        try:
            return os.write(self._descriptor, frame) == len(frame)
        except OSError:
            return False


def open_tap(name):
    """The descriptor of a new TAP in this thread's namespace; the TAP ends with it."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def open_packets(name):
    """A packet socket on an interface of this thread's namespace: sees what comes in, and sends out."""
    ours = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    ours.bind((name, 0))
    return ours


class Relay:
    """A running relay between two descriptors, as a process of its own."""

    def __init__(self, one, other, seed):
        self._process = subprocess.Popen([sys.executable, __file__, str(one), str(other), str(seed)],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=(one, other))

    def stop(self):
        """Ends it; what it counted: [towards the host, towards the guest], or None when it failed."""
        self._process.terminate()
        try:
            text = self._process.communicate(timeout=5)[0]
        except subprocess.TimeoutExpired:
            self._process.kill()
            text = self._process.communicate()[0]
        try:
            return json.loads(text)
        except ValueError:
            return None


if __name__ == "__main__":
    print(json.dumps(relay([End(int(sys.argv[1])), End(int(sys.argv[2]))], sys.argv[3])))
