# SPDX-License-Identifier: BSL-1.0
"""Cases: while somebody floods the guest with frames, honest requests are answered; afterwards all is as before."""

import contextlib
import random
import socket
import threading
import time

from boot import frames
from boot.harness import HOSTED, TAP, site
from boot.hostile import guest_mac
from boot.load import same_memory, warmed_up
from tool.cases import Case, Failure, expect

SECONDS = 3         # of each flood
EACH = 0.1          # seconds from one honest request to the next
RATE = 40_000       # frames in a second: beyond what the machine takes, honest frames are lost in the TAP's queue
BATCH = 100
VARIETY = 1000      # different frames of a flood, sent round and round
PATIENCE = 8        # seconds for an honest request: a SYN of it that is lost comes again after 1, 3 and 7
SEED = 20261127


def floods(send, chance):
    """NAME: a function that makes one frame. Sources are beyond the router, so that no answer waits for ARP."""
    def from_anywhere(payload_of, protocol):
        def frame():
            sender = frames.Sender(send.mac, send.ip, bytes([198, 18 + chance.randrange(2), *chance.randbytes(2)]))
            return sender.ipv4(payload_of(sender), protocol)
        return frame

    def segment(flags, port=80):
        return lambda sender: sender.tcp(flags, port=port, source=chance.randrange(1024, 65536),
                                         sequence=chance.getrandbits(32), ack=chance.getrandbits(32))

    def strange_arp():
        neighbour = frames.Sender(send.mac, send.ip, bytes([10, 0, 2, chance.randrange(16, 250)]))
        return neighbour.arp(chance.choice((1, 2)))

    tcp = {"SYN": frames.SYN, "ACK": frames.ACK, "FIN": frames.FIN | frames.ACK, "RST": frames.RST,
           "SYN and ACK": frames.SYN | frames.ACK}
    return {
        **{name: from_anywhere(segment(flags), frames.TCP) for name, flags in tcp.items()},
        "SYN to a closed port": from_anywhere(segment(frames.SYN, 81), frames.TCP),
        "UDP": from_anywhere(lambda sender: sender.udp(bytes(64), port=9999, source=53), frames.UDP),
        "ping": from_anywhere(lambda sender: sender.icmp(8, 0, bytes(60)), frames.ICMP),
        "ARP": strange_arp,
    }


@contextlib.contextmanager
def flooded(found, made):
    """Sends the frames `made` round and round, RATE in a second; a list that holds how many at the end."""
    over, sent = threading.Event(), []

    def flood():
        count, begin = 0, time.monotonic()
        while not over.is_set():
            at = count % len(made)
            for frame in made[at:at + BATCH]:
                # The TAP's queue may be full.
                with contextlib.suppress(OSError):
                    wire.send(frame)
            count += BATCH
            time.sleep(max(0.0, begin + count / RATE - time.monotonic()))
        sent.append(count)

    with found.inside():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with wire:
        wire.bind((found.wire.name, 0))
        thread = threading.Thread(target=flood)
        thread.start()
        try:
            yield sent
        finally:
            over.set()
            thread.join()


def flood(found, name):
    """Every honest request succeeds, and within a second after the end the page comes at once."""
    before = warmed_up(found)
    chance = random.Random(SEED)
    make = floods(frames.Sender(guest_mac(found), socket.inet_aton(found.address)), chance)[name]
    asked, failed, slowest = 0, [], 0.0
    with flooded(found, [make() for _ in range(VARIETY)]) as sent:
        end = time.monotonic() + SECONDS
        while (begin := time.monotonic()) < end:
            asked += 1
            try:
                expect(found.get(timeout=PATIENCE).status == 200, "not 200")
            except (OSError, Failure) as error:
                failed.append(f"{type(error).__name__}: {error}")
            took = time.monotonic() - begin
            slowest = max(slowest, took)
            time.sleep(max(0.0, EACH - took))
    expect(len(failed) * 100 <= asked, f"{len(failed)} of {asked} requests failed (seed {SEED}): {failed[:3]}")
    found.answers(1)
    same_memory(found, before)
    return f"{sent[0] / SECONDS:,.0f} frames/s, {asked} requests, the slowest {slowest * 1e3:,.0f} ms"


def cases():
    """As a guest and as a Linux process."""
    def on_site(where, name):
        def function():
            with site(where, TAP) as found:
                return flood(found, name)
        return function

    for where in ("microvm", HOSTED):
        for name in floods(frames.Sender(bytes(6), bytes(4)), random.Random(SEED)):
            yield Case(f"a flood of {name} on {where}", on_site(where, name))
