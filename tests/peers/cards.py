# SPDX-License-Identifier: BSL-1.0
"""Cases: what the virtio network card can do, with a device that offers it and one that does not.

Linux's end is the TAP itself: what guest and device agree on is what its frames are.
"""

from peers import bulk
from peers.link import ShortLink
from tool.cases import Case

KIB = 1 << 10
SHORT, LONG = 4096, 51_200
MACHINES = {"microvm": "virtio-net-device", "q35": "virtio-net-pci"}
# What the guest's type asks for (see guest/meson.build), and the device's properties that switch it off.
CARDS = {"events": ("event_idx",), "held": ()}


def transfers(where, card, off, octets):
    """Octets up, down and both at once, each held by SHA-256."""
    extra = [word for name in off for word in ("-global", f"{MACHINES[where]}.{name}=off")]
    return bulk.transfers(where, ShortLink, octets, card, extra)


def cases(long):
    """Each card on both machines; then with a device that does not offer it."""
    octets = (LONG if long else SHORT) * KIB
    for card, off in CARDS.items():
        for where in MACHINES:
            yield Case(f"card {card} on {where}", lambda w=where, c=card: transfers(w, c, (), octets))
        if off:
            yield Case(f"card {card} that is not offered", lambda c=card, o=off: transfers("microvm", c, o, octets))
