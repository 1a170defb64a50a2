# SPDX-License-Identifier: BSL-1.0
"""Cases: bulk transfers in both directions over bad links, each octet held by SHA-256."""

import array
import hashlib
import random
import socket
import sys
import threading
import time

from peers import relay
from peers import site as sites
from peers.link import LossyLink, RelayLink
from peers.site import ECHO, PATIENCE, SINK, SOURCE, TARGETS
from tool.cases import Case, expect

KIB = 1 << 10
PIECE = 64 * KIB
# Percent of frames lost in each direction: KiB of one transfer. What Linux itself sends at 20 % is a few KiB a second.
SHORT = {0: 8192, 1: 4096, 5: 1024, 20: 96}
LONG = {0: 102_400, 1: 51_200, 5: 8192, 20: 1024}
RELAYED = 4096, 51_200


def pieces(octets, seed):
    """Random octets in pieces."""
    source = random.Random(seed)
    for at in range(0, octets, PIECE):
        yield source.randbytes(min(PIECE, octets - at))


def counted(octets, first):
    """The octets that the guest's source sends, in pieces."""
    for at in range(0, octets, PIECE):
        begin = first + at // 8
        words = array.array("Q", range(begin, begin + PIECE // 8))
        if sys.byteorder == "little":
            words.byteswap()
        yield words.tobytes()[:octets - at]


def digest(parts):
    """The SHA-256 of all parts, in hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()


def received(peer):
    """What comes until the peer's FIN, in pieces."""
    while part := peer.recv(PIECE):
        yield part


def upload(found, octets, seed):
    """The guest's digest of what it took is ours."""
    with found.connect(SINK, PATIENCE) as peer:
        for piece in pieces(octets, seed):
            peer.sendall(piece)
        peer.shutdown(socket.SHUT_WR)
        theirs = b"".join(received(peer)).decode()
    ours = digest(pieces(octets, seed))
    expect(theirs == ours, f"the guest took other octets: {theirs} instead of {ours}")


def download(found, octets, seed):
    """What the guest sends has the digest that it must have."""
    first = seed << 20
    with found.connect(SOURCE, PATIENCE) as peer:
        peer.sendall(f"{octets} {first}\n".encode())
        theirs = digest(received(peer))
    ours = digest(counted(octets, first))
    expect(theirs == ours, f"the guest sent other octets: {theirs} instead of {ours}")


def echo(found, octets, seed):
    """What comes back has the digest of what was sent, both directions at once."""
    with found.connect(ECHO, PATIENCE) as peer:
        failed = []

        def send():
            try:
                for piece in pieces(octets, seed):
                    peer.sendall(piece)
                peer.shutdown(socket.SHUT_WR)
            except OSError as error:
                failed.append(f"sending failed: {error}")

        sender = threading.Thread(target=send)
        sender.start()
        try:
            theirs = digest(received(peer))
        finally:
            peer.close()
            sender.join()
    ours = digest(pieces(octets, seed))
    expect(not failed, failed)
    expect(theirs == ours, f"other octets came back: {theirs} instead of {ours}")


def transfers(where, make_link, octets):
    """Up, down and both at once; then nothing is left in the guest."""
    with sites.site(where, make_link) as found:
        return move(found, octets)[0]


def move(found, octets):
    """What transfers() does with a site; a note, and the guest's counters."""
    notes, seed = [], sites.seed()
    before = sites.counters(found)
    for step in (upload, download, echo):
        begin = time.monotonic()
        step(found, octets, seed)
        notes.append(f"{step.__name__} {octets / KIB / (time.monotonic() - begin):,.0f} KiB/s")
    now = sites.settled(found, before)
    expect(now["net::tcp", "bad_checksum"] == 0, "the guest saw bad checksums")
    return ", ".join([*notes, found.wire.spoiled(), sites.tcp_note(now)]), now


def fates(seed):
    """What a relay's lane does with 2000 frames that come a tenth of a millisecond apart: [(when, frame)]."""
    lane, gone = relay.Lane(seed), []
    for number in range(4000):
        now = number / 10_000
        if number < 2000:
            lane.take(number, now)
        gone += [(now, frame) for frame in lane.ready(now)]
    return gone


def relay_itself():
    """The relay loses nothing, is never early, holds back, doubles, and does the same for the same seed."""
    gone = fates("1")
    expect(gone == fates("1") and gone != fates("2"), "the seed does not decide")
    order = [frame for _, frame in gone]
    expect(set(order) == set(range(2000)), "frames were lost")
    expect(all(when >= frame / 10_000 + relay.DELAY for when, frame in gone), "a frame was early")
    expect(20 < len(order) - 2000 < 70, f"{len(order) - 2000} of 2000 frames were doubled")
    late = sum(1 for before, frame in zip(order, order[1:]) if frame < before)
    expect(40 < late < 200, f"{late} frames of 2000 came late")


def cases(long):
    """Each loss and the relay, for each target."""
    yield Case("the relay itself", relay_itself)
    for where in TARGETS:
        for percent, kib in (LONG if long else SHORT).items():
            yield Case(f"bulk at {percent} % loss on {where}",
                       lambda w=where, p=percent, k=kib: transfers(w, lambda: LossyLink(p), k * KIB))
        yield Case(f"bulk through a relay on {where}",
                   lambda w=where: transfers(w, lambda: RelayLink(sites.seed()), RELAYED[long] * KIB))
