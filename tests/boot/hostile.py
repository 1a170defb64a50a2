# SPDX-License-Identifier: BSL-1.0
"""Cases: frames that no honest peer sends; the image must still answer, and count what it dropped by cause."""

import re
import socket

from boot import frames
from boot.catalogue import catalogue
from boot.harness import HOSTED, TAP, site
from boot.load import memory, same_memory, warmed_up
from tool.cases import Case, Failure, expect

SEED = 20240229
SECONDS = 1     # a longer silence after bad input is a hang


def counters(found):
    """{part.counter: value} of the status page; parts without the name of their namespace."""
    flat = {f"{part.split('::')[-1]}.{name}": value for part, counts in found.status().get("counters", {}).items()
            for name, value in counts.items()}
    expect(flat, "/status has no counters of dropped input")
    return flat


def guest_mac(found):
    """The guest's hardware address, as the host's neighbour table knows it."""
    text = found.wire.namespace.run("ip", "neigh", "show", found.address)
    mac = re.search(r"lladdr ([0-9a-f:]{17})", text)
    expect(mac, f"the host does not know the guest: {text}")
    return bytes.fromhex(mac[1].replace(":", ""))


def bad_frames(found):
    """Sends the catalogue class by class; after each the page comes at once and the causes are counted."""
    before_memory = warmed_up(found)
    send = frames.Sender(guest_mac(found), socket.inet_aton(found.address))
    with found.inside():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with wire:
        wire.bind((found.wire.name, 0))
        for bad in catalogue(send, SEED):
            before = counters(found)
            for frame in bad.frames:
                wire.send(frame)
            try:
                found.answers(SECONDS)
            except Failure as failure:
                raise Failure(f"after '{bad.name}' (seed {SEED}): {failure}") from failure
            after = counters(found)
            risen = {name for name in after if after[name] > before.get(name, 0)}
            expect(not bad.counters or risen & set(bad.counters),
                   f"'{bad.name}' was not counted as {' or '.join(bad.counters)}; risen: {', '.join(sorted(risen))}")
    same_memory(found, before_memory)


def flood(found):
    """5,000 frames as fast as they go: drops are allowed, silence is not."""
    send = frames.Sender(guest_mac(found), socket.inet_aton(found.address))
    frame = send.ipv4(send.udp(bytes(1000), port=9999), frames.UDP)
    with found.inside():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with wire:
        wire.bind((found.wire.name, 0))
        for _ in range(5000):
            try:
                wire.send(frame)
            except OSError:     # the TAP's queue is full
                continue
    found.answers(SECONDS)
    expect(memory(found), "no memory figures")


def catalogue_itself():
    """Every class has frames that can be sent, and a name of its own."""
    made = catalogue(frames.Sender(bytes(6), bytes(4)), 1)
    for bad in made:
        expect(bad.frames and all(14 <= len(frame) <= 1514 for frame in bad.frames), f"'{bad.name}' cannot be sent")
    expect(len({bad.name for bad in made}) == len(made), "two classes have one name")


def cases():
    """Over mmio, over PCI, and as a Linux process."""
    def on_site(where, step):
        def function():
            with site(where, TAP) as found:
                step(found)
        return function

    yield Case("the catalogue itself", catalogue_itself)
    for where in ("microvm", "q35", HOSTED):
        yield Case(f"bad frames on {where}", on_site(where, bad_frames))
        yield Case(f"a flood on {where}", on_site(where, flood))
