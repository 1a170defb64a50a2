# SPDX-License-Identifier: BSL-1.0
"""Links between a guest and Linux that are not perfect: with loss, or through a relay that spoils the order.

The guest's TAP lies in a namespace of its own, Linux's end in another, so that what is lost is lost outside of Linux's
own stack: its TCP would hear of a drop in its own output path.
"""

import contextlib
import os
import re

from peers import relay
from tool import shell
from tool.fault import Fault
from tool.cases import expect
from tool.netns import Namespace

HOST, GUEST, TAP, FAR = "10.0.2.2", "10.0.2.15", "uk0", "far0"
RULES = """
table netdev loss {
  chain up { type filter hook ingress device "uk0" priority 0; meta protocol ip counter; \
    meta protocol ip numgen random mod 100 < %d counter drop; }
  chain down { type filter hook ingress device "near0" priority 0; meta protocol ip counter; \
    meta protocol ip numgen random mod 100 < %d counter drop; }
}
"""


class Link:
    """`near` is the namespace of the guest's TAP, `namespace` that of Linux's end with its address."""

    name, host, guest = TAP, HOST, GUEST

    def __init__(self):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise Fault("no right to open /dev/net/tun; run it as root: sudo ./uk ...")
        with contextlib.ExitStack() as undo:
            self.near, self.namespace = Namespace(), Namespace()
            undo.callback(self.near.close)
            undo.callback(self.namespace.close)
            self.far = FAR
            self.near.run("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
            self._join(undo)
            up(self.near, TAP)
            up(self.namespace, self.far)
            self.namespace.run("ip", "address", "add", f"{HOST}/24", "dev", self.far)
            self._bound_waits()
            self._stack = undo.pop_all()

    def _bound_waits(self):
        """Linux waits up to 2 minutes to send something again, and did wait more than one at 20 % loss."""
        with self.namespace, contextlib.suppress(OSError):      # not in kernels before 6.15
            with open("/proc/sys/net/ipv4/tcp_rto_max_ms", "w", encoding="ascii") as file:
                file.write("2000")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()


def up(namespace, name):
    """Brings an interface up, without IPv6, whose chatter is of no use here."""
    with namespace, contextlib.suppress(OSError):
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
    namespace.run("ip", "link", "set", name, "up")


class ShortLink(Link):
    """The TAP alone, Linux's own address on it: its frames may be as large as guest and Linux agree on."""

    def _join(self, _):
        self.namespace, self.far = self.near, TAP

    def spoiled(self):
        """As LossyLink's."""
        return "no loss"


class LossyLink(Link):
    """TAP, bridge and veth pair; nft drops `percent` of the frames in each direction, each for itself."""

    def __init__(self, percent):
        self.percent = percent
        super().__init__()

    def _join(self, _):
        near = self.near.run
        near("ip", "link", "add", "br0", "type", "bridge")
        near("ip", "link", "add", "near0", "type", "veth", "peer", "name", FAR, "netns", self.namespace.path)
        # Frames of the size that a wire has, so that one is lost at a time.
        self.namespace.run("ip", "link", "set", FAR, "gso_max_segs", "1")
        for name in (TAP, "near0"):
            near("ip", "link", "set", name, "master", "br0")
        near("nft", RULES % (self.percent, self.percent))
        for name in ("br0", "near0"):
            up(self.near, name)

    def spoiled(self):
        """What was lost, as a note; a Failure when the link was better or worse than promised."""
        counts = [int(n) for n in re.findall(r"counter packets (\d+)", self.near.run("nft", "list", "table", "netdev",
                                                                                     "loss"))]
        expect(len(counts) == 4, f"nft has {len(counts)} counters")
        for frames, lost in (counts[:2], counts[2:]):
            expect(frames > 100, f"only {frames} frames")
            expected = frames * self.percent / 100
            expect(abs(lost - expected) <= 6 * (expected ** 0.5), f"{lost} of {frames} frames lost, not {expected:.0f}")
        return f"lost {counts[1]} of {counts[0]} up, {counts[3]} of {counts[2]} down"


class RelayLink(Link):
    """TAP, relay, TAP."""

    def __init__(self, seed):
        self.seed = seed
        super().__init__()

    def _join(self, undo):
        up(self.near, TAP)
        with self.near:
            packets = relay.open_packets(TAP)
        with self.namespace:
            tap = relay.open_tap(FAR)
        shell.show(["tests/peers/relay.py", str(packets.fileno()), str(tap), str(self.seed)])
        self._relay = relay.Relay(packets.fileno(), tap, self.seed)
        packets.close()
        os.close(tap)
        self._counts = None
        undo.callback(self._stop)

    def _stop(self):
        if self._counts is None:
            self._counts = self._relay.stop()

    def spoiled(self):
        """Ends the relay; what it did, as a note. A Failure when it did nothing."""
        self._stop()
        expect(self._counts, "the relay failed")
        for way in self._counts:
            expect(way["held"] > 10 and way["twice"] > 10, f"the relay did too little: {self._counts}")
        total = {name: sum(way[name] for way in self._counts) for name in self._counts[0]}
        return "relay: " + ", ".join(f"{number} {name}" for name, number in total.items())
