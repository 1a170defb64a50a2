# SPDX-License-Identifier: BSL-1.0
"""Boots the peers' guest program behind a link, and its counters."""

import contextlib
import functools
import os
import random
import re
import threading
import time

from boot.harness import HOSTED, TAP, Site
from tool import build, qemu, shell
from tool.cases import Failure, Skip, expect
from tool.fault import Fault
from tool.guest import Guest
from tool.shell import ROOT

ECHO, SINK, COUNTERS, SOURCE = 7, 9, 11, 19
PATIENCE = 120      # seconds for one step on a bad link: retransmission timeouts double
TARGETS = ("microvm", HOSTED)
_building = threading.Lock()


@functools.lru_cache(maxsize=None)
def seed():
    """What all octets and fates of this run come from; given by UK_SEED to have a run again."""
    return int(os.environ.get("UK_SEED") or random.SystemRandom().randrange(1 << 20))


@functools.lru_cache(maxsize=None)
def program(target, card=None):
    """The guest program, with one of the cards of its meson.build; built once per run."""
    name = f"bulk-{card}" if card else "bulk"
    with _building:
        where = shell.BUILD / f"peers-{target}"
        build.configure(ROOT / "tests" / "peers" / "guest", target, where)
        shell.work(f"building {name} for {target}", ["ninja", "-C", where, name])
        return where / name


@contextlib.contextmanager
def captured(link):
    """With UK_PCAP=FILE in the environment, the frames at the guest's TAP go there (the last run's)."""
    if not os.environ.get("UK_PCAP"):
        yield
        return
    with link.near:
        recorder = Guest(["tcpdump", "-i", link.name, "-s", "160", "-U", "-w", os.environ["UK_PCAP"]])
    with recorder:
        recorder.wait_for("listening", 5)
        yield
        time.sleep(0.5)


@contextlib.contextmanager
def site(where, make_link, card=None, extra=()):
    """A Site of the program on a machine of QEMU or as a Linux process, behind the link that `make_link()` gives.

    `card`: see program(); `extra`: more of QEMU's arguments.
    """
    binary = program(HOSTED if where == HOSTED else "kvm", card)
    with contextlib.ExitStack() as stack:
        try:
            link = stack.enter_context(make_link())
        except Fault as fault:
            raise Skip(str(fault)) from None
        stack.enter_context(captured(link))
        with link.near:
            if where == HOSTED:
                guest = Guest([binary], extra_env={"UK_TAP": link.name})
            else:
                guest = qemu.boot(qemu.command(binary, where, None, qemu.tap_network(link.name), extra=extra))
        stack.enter_context(guest)
        try:
            expect(guest.wait_for("ready", 20), "the guest did not say that it is ready")
            yield Site(guest, where, TAP, link.guest, {}, link)
            expect(guest.alive, "the guest has ended")
        except (Failure, OSError) as failure:
            tail = "\n".join((guest.text + guest.complaints()).splitlines()[-15:])
            state = "runs" if guest.alive else f"ended with {guest.process.returncode}"
            raise Failure(f"{type(failure).__name__}: {failure}\n(UK_SEED={seed()})\n"
                          f"the guest {state}; the end of its console:\n{tail}") from failure


def counters(found):
    """What the guest's parts have counted: {(part, counter): number}."""
    with found.connect(COUNTERS, PATIENCE) as peer:
        text = b""
        while part := peer.recv(65536):
            text += part
    rows = re.findall(r"^(\S+) (\S+) (\d+)$", text.decode(), re.M)
    expect(rows, f"no counters: {text[:200]!r}")
    return {(part, name): int(number) for part, name, number in rows}


def memory(counted):
    """The memory figures among the counters."""
    return {name: number for (part, name), number in counted.items() if part == "memory"}


def settled(found, before):
    """The counters, once the memory figures are again what they were `before`; a Failure when they stay others."""
    deadline = time.monotonic() + PATIENCE
    while memory(now := counters(found)) != memory(before):
        expect(time.monotonic() < deadline, f"memory before: {memory(before)}, {PATIENCE} s after: {memory(now)}")
        time.sleep(0.2)
    return now


def tcp_note(counted):
    """The counters of TCP that say how it went, as a note."""
    names = ("segments_in", "segments_out", "early", "retransmits", "fast_retransmits", "timeouts", "tail_probes",
             "no_room", "bad_checksum")
    return " ".join(f"{name} {counted['net::tcp', name]}" for name in names)
