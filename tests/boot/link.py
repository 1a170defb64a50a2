# SPDX-License-Identifier: BSL-1.0
"""Cases: the link of a running machine goes down and comes up again, and its card fails."""

import contextlib
import json
import struct
import tempfile
import time
from pathlib import Path

from boot import guests
from boot.harness import BOOT_SECONDS, MAC, TAP, USER, site
from boot.monitor import Monitor
from tool.cases import Case, Failure, expect

OWN = bytes.fromhex(MAC.replace(":", ""))
READY = r"listening on [\d.]+\n"
REQUEST = 3


class Wiretap:
    """The frames that QEMU wrote to a file, from its capture of the card's network."""

    def __init__(self, path):
        self.path = path

    def sent(self, after=0):
        """Frames from the guest, without the first `after`."""
        data, found, at = self.path.read_bytes(), [], 24
        while at + 16 <= len(data):
            size, = struct.unpack_from("<I", data, at + 8)
            frame = data[at + 16:at + 16 + size]
            # A TAP may have 12 octets for offloads in front.
            start = 12 if frame[18:24] == OWN else 0
            if len(frame) == size and frame[start + 6:start + 12] == OWN:
                found.append(frame[start:])
            at += 16 + size
        return found[after:]


def dhcp_options(frame):
    """{option: value} of a DHCP message to a server, with its ciaddr as "own"; nothing for other frames."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[34:38] != struct.pack(">HH", 68, 67):
        return None
    message = frame[42:]
    options, at = {"own": message[12:16], "to": frame[30:34]}, 240
    while message[at] != 255:
        size = message[at + 1]
        options[message[at]] = message[at + 2:at + 2 + size]
        at += 2 + size
    return options


def confirms_lease(frames, address):
    """The first DHCP message asks for the lease to be confirmed: INIT-REBOOT of RFC 2131, table 5."""
    messages = [options for options in map(dhcp_options, frames) if options]
    expect(messages, "no DHCP message")
    first = messages[0]
    expect(first[53][0] == REQUEST and first[50] == address, f"no REQUEST for the address, but {first}")
    expect(54 not in first and first["own"] == bytes(4) and first["to"] == b"\xff" * 4,
           f"a REQUEST with a server's name, an address of its own, or to one server: {first}")


def is_announcement(frame, address):
    """Whether it is an ARP announcement of the address (RFC 5227 section 3)."""
    return (frame[:6] == b"\xff" * 6 and frame[12:14] == b"\x08\x06" and frame[22:28] == OWN
            and frame[28:32] == address and frame[38:42] == address)


@contextlib.contextmanager
def watched(where, net, extra=()):
    """(Site, Monitor, Wiretap) of the guest `link`."""
    with tempfile.TemporaryDirectory(prefix="uk-link-") as folder:
        path, dump = Path(folder) / "qmp", Path(folder) / "pcap"
        extra = ["-qmp", f"unix:{path},server=on,wait=off",
                 "-object", f"filter-dump,id=dump,netdev=n0,file={dump}", *extra]
        with (site(where, net, binary=guests.program("link"), extra=extra) as found,
              contextlib.closing(Monitor(path)) as view):
            yield found, view, Wiretap(dump)


def ready(found):
    """Waits until the guest has its address, and the page comes."""
    expect(found.guest.wait_for(READY, BOOT_SECONDS), "the guest has no address")
    found.answers(BOOT_SECONDS, 0.2)


def set_link(view, up):
    """Plugs the cable in or out."""
    view.ask("set_link", name="n0", up=up)


def counted(found):
    """The card's counters."""
    return json.loads(found.get("/counted").body)["card"]


def until(condition, text, seconds=5):
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(text)
        time.sleep(0.02)


def plugged(where, net):
    """An answer that meets a link which is down is dropped, and comes when the link is up: on the same connection."""
    with watched(where, net) as (found, view, tap):
        ready(found)
        address = bytes(map(int, found.guest.wait_for(READY)[0].split()[-1].split(".")))
        time.sleep(2.2)         # the second announcement of the start
        with found.http(timeout=10) as connection:
            connection.request(path="/later")
            time.sleep(0.1)
            set_link(view, False)
            time.sleep(0.3)
            before = len(tap.sent())
            expect(before > 5, "the capture has no frames of the guest")
            time.sleep(1)
            expect(len(tap.sent()) == before, "frames were sent while the link was down")
            set_link(view, True)
            expect(b"later" in connection.response().body, "another answer")
            expect(b"hello" in connection.get().body, "the connection does not go on")
        found.answers()
        until(lambda: any(is_announcement(frame, address) for frame in tap.sent(before)), "no announcement")
        confirms_lease(tap.sent(before), address)
        if net == TAP:
            log = found.wire.dhcp_text()
            expect(log.count("DHCPACK") == 2 and log.count("DHCPDISCOVER") == 1, f"the lease was not confirmed:\n{log}")
        card = counted(found)
        expect(card["no_link"] >= 1, f"nothing was dropped for want of a link: {card}")
        expect(card["send_full"] == card["stopped"] == card["resets"] == 0, f"{card}")
        for _ in range(10):     # a cable that is loose
            set_link(view, False)
            set_link(view, True)
        found.answers()
        return f"{card['no_link']} frames dropped"


def unplugged_at_start(where):
    """A machine that starts without a link says nothing, and asks for an address when it has one."""
    with watched(where, TAP, ["-S"]) as (found, view, tap):
        set_link(view, False)
        view.ask("cont")
        time.sleep(1)
        expect(found.guest.alive, "the guest has ended")
        expect(not tap.sent(), "frames were sent without a link")
        begin = time.monotonic()
        set_link(view, True)
        ready(found)
        took = time.monotonic() - begin
        expect(counted(found)["no_link"] >= 1, "nothing was dropped for want of a link")
        # The next try without news of the link would be 3 to 5 seconds after the first; probing takes up to 3.
        return f"serving {took:.1f} s after the link came up"


def failing(where, net):
    """A card that asks for a reset is begun anew: the connection goes on, all buffers are there, again and again."""
    with watched(where, net) as (found, _, _):
        ready(found)
        with found.http(timeout=10) as connection:
            for times in range(1, 4):
                expect(b"broken" in connection.get("/failure").body, "another answer")
                expect(b"hello" in connection.get().body, "the connection does not go on")
                card = counted(found)
                expect(card["resets"] == times and card["stopped"] == 0, f"{card}")
        expect(card["bad_id"] == card["bad_index"] == 0, f"{card}")
        complaints = found.guest.complaints()
        expect("virtio" in complaints, f"QEMU does not say that its card failed: {complaints!r}")


def cases():
    """With memory-mapped registers and on PCI."""
    for where, net in (("microvm", TAP), ("microvm-acpi", USER), ("q35", USER), ("q35", TAP)):
        yield Case(f"link goes and comes on {where}, {net}", lambda w=where, n=net: plugged(w, n))
    for where in ("microvm", "q35"):
        yield Case(f"link not there at the start on {where}", lambda w=where: unplugged_at_start(w))
        yield Case(f"link's card fails on {where}", lambda w=where: failing(w, USER))
