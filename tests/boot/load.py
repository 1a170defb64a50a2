# SPDX-License-Identifier: BSL-1.0
"""Cases: many connections, after which the memory figures are what they were."""

import contextlib
import socket
import threading
import time

from boot.harness import HOSTED, TAP, USER, site
from tool.cases import Case, Failure, expect

SEQUENTIAL = 1000
CONCURRENT = 64
IDLE = 200
SETTLE = 40     # seconds that closed connections may take to be forgotten: QEMU's user network loses some ends, then
                # the server's own time-outs are what ends them (10 s for a head, 30 s in FIN-WAIT)


def memory(found):
    """The memory figures of the status page."""
    figures = found.status().get("memory")
    expect(figures, "/status has no memory figures")
    return figures


def warmed_up(found):
    """The memory figures of an idle guest."""
    found.answers()
    time.sleep(0.3)
    return memory(found)


def same_memory(found, before):
    """Fails unless the memory figures return to exactly what they were `before`."""
    deadline = time.monotonic() + SETTLE
    while (now := memory(found)) != before:
        expect(time.monotonic() < deadline, f"memory figures before: {before}, {SETTLE} s after: {now}")
        time.sleep(0.1)


def sequential(found):
    """One connection after the other."""
    before = warmed_up(found)
    begin = time.monotonic()
    for number in range(SEQUENTIAL):
        expect(found.get().status == 200, f"connection {number} failed")
    took = time.monotonic() - begin
    same_memory(found, before)
    return f"{SEQUENTIAL / took:,.0f} connections/s"


def concurrent(found):
    """All connections open before the first request, then each used three times, all at once.

    They are opened one after the other: QEMU's user network listens with a backlog of one.
    """
    before = warmed_up(found)
    faults = []

    def client(connection, barrier):
        try:
            barrier.wait(20)
            for _ in range(3):
                expect(connection.get().status == 200, "a request failed")
        except (OSError, Failure, threading.BrokenBarrierError) as error:
            barrier.abort()
            faults.append(f"{type(error).__name__}: {error}")

    with contextlib.ExitStack() as stack:
        barrier = threading.Barrier(CONCURRENT)
        open_ones = [stack.enter_context(found.http(10)) for _ in range(CONCURRENT)]
        threads = [threading.Thread(target=client, args=(one, barrier)) for one in open_ones]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expect(not faults, f"{len(faults)} of {CONCURRENT} clients failed: {faults[:3]}")
    same_memory(found, before)


def idle(found):
    """Connections that say nothing must not keep others out, whether they are accepted or not."""
    before = warmed_up(found)
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            with found.inside():
                peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex((found.address, found.ports.get(80, 80)))
        time.sleep(0.5)
        found.answers(15)
    found.answers()
    same_memory(found, before)


def half_requests(found):
    """Clients that vanish in the middle of a request or a response leave nothing behind."""
    before = warmed_up(found)
    for number in range(100):
        with found.http() as connection:
            connection.send("GET /status HTTP/1.1\r\nHost: t\r\n\r\n"[:5 + number])
    found.answers()
    same_memory(found, before)


def cases():
    """Each load over QEMU's network, over a TAP and as a Linux process."""
    def on_site(where, net, step):
        def function():
            with site(where, net) as found:
                return step(found)
        return function

    loads = {f"{SEQUENTIAL:,} sequential connections": sequential, f"{CONCURRENT} concurrent connections": concurrent,
             f"{IDLE} idle connections": idle, "100 broken requests": half_requests}
    for where, net in (("microvm", USER), ("microvm", TAP), ("q35", TAP), (HOSTED, TAP)):
        for name, step in loads.items():
            yield Case(f"{name} on {where}, {net}", on_site(where, net, step))
