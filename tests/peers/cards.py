# SPDX-License-Identifier: BSL-1.0
"""Cases: what the virtio network card can do, with a device that offers it and one that does not.

Linux's end is the TAP itself: what guest and device agree on is what its frames are.
"""

import contextlib
import tempfile
from pathlib import Path

from boot.monitor import Monitor
from peers import bulk
from peers import site as sites
from peers.link import ShortLink
from tool.cases import Case, expect

KIB = 1 << 10
SHORT, LONG = 4096, 51_200
MACHINES = {"microvm": "virtio-net-device", "q35": "virtio-net-pci"}
CSUM, GUEST_CSUM, TSO = "VIRTIO_NET_F_CSUM", "VIRTIO_NET_F_GUEST_CSUM", "VIRTIO_NET_F_HOST_TSO4"
# What the guest's type asks for (see guest/meson.build): the device's properties that it stands for, and their names
# in what the device says of itself.
CARDS = {
    "events": {"event_idx": "VIRTIO_RING_F_EVENT_IDX"},
    "held": {},
    "checksum": {"csum": CSUM, "guest_csum": GUEST_CSUM},
    "segmentation": {"csum": CSUM, "guest_csum": GUEST_CSUM,
                     "host_tso4": TSO},
}
# What the guest counts where it was of use.
COUNTERS = {"sent_cut": TSO, "sent_partial": CSUM, "receive_known": GUEST_CSUM}
FEATURES = {name for features in CARDS.values() for name in features.values()}


def agreed(monitor):
    """Those of FEATURES that guest and device have agreed on, as the device has it."""
    card = next(device for device in monitor.ask("x-query-virtio") if device["name"] == "virtio-net")
    said = monitor.ask("x-query-virtio-status", path=card["path"])["guest-features"]
    texts = said.get("transports", []) + said.get("dev-features", [])
    return FEATURES & {text.partition(":")[0] for text in texts}


def transfers(where, card, off, octets):
    """Octets up, down and both at once, each held by SHA-256; `off` are properties that the device does not have."""
    with tempfile.TemporaryDirectory(prefix="uk-cards-") as folder:
        path = Path(folder) / "qmp"
        extra = ["-qmp", f"unix:{path},server=on,wait=off"]
        for name in off:
            extra += ["-global", f"{MACHINES[where]}.{name}=off"]
        with sites.site(where, ShortLink, card, extra) as found, contextlib.closing(Monitor(path)) as monitor:
            wanted = {feature for name, feature in CARDS[card].items() if name not in off}
            if CSUM not in wanted:
                wanted.discard(TSO)     # which needs it
            got = agreed(monitor)
            expect(got == wanted, f"guest and device agreed on {sorted(got)}, not on {sorted(wanted)}")
            note, counted = bulk.move(found, octets)
            for name, feature in COUNTERS.items():
                number = counted.get(("drv::virtio_net", name), 0)
                expect((number > 0) == (feature in wanted), f"{name} is {number}")
            return note


def cases(long):
    """Each card on both machines; then with a device that does not offer one thing, or any of them."""
    octets = (LONG if long else SHORT) * KIB
    for card, properties in CARDS.items():
        for where in MACHINES:
            yield Case(f"card {card} on {where}", lambda w=where, c=card: transfers(w, c, (), octets))
        without = [(name,) for name in properties] + ([tuple(properties)] if len(properties) > 1 else [])
        for off in without:
            yield Case(f"card {card} without {' and '.join(off)}",
                       lambda c=card, o=off: transfers("microvm", c, o, octets))
