# SPDX-License-Identifier: BSL-1.0
"""Cases: frames that no honest peer sends; the image must still answer, and count what it dropped by cause."""

import re
import socket

from boot import frames
from boot.harness import HOSTED, TAP, site
from boot.load import memory, same_memory, warmed_up
from tool.cases import Case, Failure, expect

SEED = 20240229
SECONDS = 1     # a longer silence after bad input is a hang
# Classes that must show on the counters: what is wrong with them cannot be taken for anything else.
COUNTED = {"cut-off frames", "ARP that is none", "IPv4 lengths that lie", "wrong checksums", "unknown protocols",
           "UDP lengths that lie", "TCP offsets that lie"}
TRAFFIC = re.compile(r"(^|[._])(frames|packets|bytes|octets|segments|requests|responses|accepted|opened|closed|in|out|"
                     r"sent|received|rx|tx)$")


def counters(found):
    """The status page's counters, flat, without those that count plain traffic."""
    flat = {}

    def walk(prefix, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else key, inner)
        elif not TRAFFIC.search(prefix):
            flat[prefix] = value

    walk("", found.status().get("counters", {}))
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
        silent = []
        for name, bad in frames.catalogue(send, SEED).items():
            before = counters(found)
            for frame in bad:
                wire.send(frame)
            try:
                found.answers(SECONDS)
            except Failure as failure:
                raise Failure(f"after '{name}' (seed {SEED}): {failure}") from failure
            after = counters(found)
            if not any(after[key] > before.get(key, 0) for key in after):
                silent.append(name)
    missing = COUNTED & set(silent)
    expect(not missing, f"no counter moved for: {', '.join(sorted(missing))}; counters: {counters(found)}")
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


def cases():
    """Over mmio, over PCI, and as a Linux process."""
    def on_site(where, step):
        def function():
            with site(where, TAP) as found:
                step(found)
        return function

    for where in ("microvm", "q35", HOSTED):
        yield Case(f"bad frames on {where}", on_site(where, bad_frames))
        yield Case(f"a flood on {where}", on_site(where, flood))
