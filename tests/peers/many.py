# SPDX-License-Identifier: BSL-1.0
"""Cases: many connections to one guest stay alive and correct at loss for a long time."""

import contextlib
import random
import threading
import time

from peers import site as sites
from peers.link import LossyLink
from peers.site import ECHO, PATIENCE
from tool.cases import Case, expect

CONNECTIONS = 64
PERCENT = 5
MOST = 12 << 10         # octets of one exchange
PAUSE = 0.2, 1.0        # seconds between two exchanges of one connection
SHORT, LONG = 20, 600   # seconds


class Client(threading.Thread):
    """One connection: sends random octets and wants them back, again and again until the deadline."""

    def __init__(self, peer, seed, deadline):
        super().__init__()
        self._peer, self._random, self._deadline = peer, random.Random(seed), deadline
        self.exchanges, self.octets, self.slowest, self.fault = 0, 0, 0.0, None

    def run(self):
        try:
            while time.monotonic() < self._deadline:
                begin = time.monotonic()
                self._exchange(self._random.randbytes(self._random.randint(1, MOST)))
                self.slowest = max(self.slowest, time.monotonic() - begin)
                time.sleep(self._random.uniform(*PAUSE))
        except OSError as error:
            self.fault = f"{type(error).__name__}: {error}"

    def _exchange(self, data):
        self._peer.sendall(data)
        at = 0
        while at < len(data):
            part = self._peer.recv(len(data) - at)
            if not part:
                raise OSError(f"the connection ended after {self.octets + at} octets")
            if part != data[at:at + len(part)]:
                raise OSError(f"other octets came back after {self.octets + at}")
            at += len(part)
        self.exchanges += 1
        self.octets += len(data)


def many(where, seconds):
    """All connections are open all the time; at the end, the guest's counters."""
    with sites.site(where, lambda: LossyLink(PERCENT)) as found, contextlib.ExitStack() as stack:
        before = sites.counters(found)
        deadline = time.monotonic() + seconds
        clients = [Client(stack.enter_context(found.connect(ECHO, PATIENCE)), f"{sites.seed()} {number}", deadline)
                   for number in range(CONNECTIONS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        faults = [client.fault for client in clients if client.fault]
        expect(not faults, f"{len(faults)} of {CONNECTIONS} connections failed: {faults[:3]}")
        fewest = min(client.exchanges for client in clients)
        expect(fewest >= seconds // 20, f"one connection had only {fewest} exchanges in {seconds} s")
        now = sites.counters(found)
        # Each count of the counters opens one connection more.
        opened = now["net::tcp", "opened"] - before["net::tcp", "opened"]
        expect(opened == CONNECTIONS + 1, f"{opened} connections were opened")
        expect(now["net::tcp", "given_up"] == 0 and now["net::tcp", "resets_out"] == 0, sites.tcp_note(now))
        stack.close()
        left = sites.settled(found, before)
        octets = sum(client.octets for client in clients)
        return (f"{sum(client.exchanges for client in clients):,} exchanges, {octets >> 10:,} KiB each way, slowest "
                f"{max(client.slowest for client in clients):.1f} s, {found.wire.spoiled()}, {sites.tcp_note(left)}")


def cases(long):
    """On the image and, for a short time, the Linux process."""
    seconds = LONG if long else SHORT
    yield Case(f"{CONNECTIONS} connections at {PERCENT} % loss on microvm", lambda: many("microvm", seconds))
    yield Case(f"{CONNECTIONS} connections at {PERCENT} % loss on hosted", lambda: many("hosted", SHORT))
