# SPDX-License-Identifier: BSL-1.0
"""Cases: the same probes to our stack and to Linux's, whose answers are compared. What differs is explained in
docs/tcp.md by the names of `EXPLAINED`, or it is a fault.
"""

import contextlib
import functools
import os
import selectors
import socket
import struct
import threading

from boot.frames import ACK, FIN, ICMP, PSH, RST, SYN, URG, STRANGER_IP, ARP
from peers import raw
from peers.explained import EXPLAINED
from tool import build, shell
from tool.cases import Case, Failure, Skip, expect
from tool.fault import Fault
from tool.guest import Guest
from tool.netns import Namespace
from tool.shell import ROOT

HOLDS, ENDS_FIRST, ENDS_SECOND, NOBODY = 7001, 7002, 7003, 7004
LETTERS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (ACK, "A"), (URG, "U"))


def letters(flags):
    """Flags as they are usually written; a dot for none."""
    return "".join(letter for flag, letter in LETTERS if flags & flag) or "."


# The states, each with how a talk gets there from nothing.

def established(talk):
    """Both sides are silent."""
    talk.open()
    talk.hear()


def syn_received(talk):
    """Their SYN is not acknowledged."""
    talk.say(SYN)
    talk.hear()


def close_wait(talk):
    """We have ended."""
    established(talk)
    talk.say(FIN | ACK)
    talk.say(FIN | ACK, sequence=talk.next - 1)     # again: that is acknowledged at once
    talk.hear()


def fin_wait_1(talk):
    """They have ended, which is not acknowledged."""
    talk.open()
    talk.wait_for(FIN)


def fin_wait_2(talk):
    """They have ended, which is acknowledged."""
    fin_wait_1(talk)
    talk.say(ACK)
    talk.hear()


def closing(talk):
    """Both have ended and nothing is acknowledged."""
    fin_wait_1(talk)
    talk.say(FIN | ACK, ack=talk.heard - 1)
    talk.hear()


def time_wait(talk):
    """They have ended first, and all is acknowledged."""
    fin_wait_1(talk)
    talk.say(FIN | ACK)
    talk.hear()


def last_ack(talk):
    """We have ended first; their end is not acknowledged."""
    established(talk)
    talk.say(FIN | ACK)
    talk.wait_for(FIN)


def nothing(_):
    """No connection at all."""


STATES = {
    "CLOSED": (NOBODY, nothing), "LISTEN": (HOLDS, nothing), "SYN-RECEIVED": (HOLDS, syn_received),
    "ESTABLISHED": (HOLDS, established), "CLOSE-WAIT": (HOLDS, close_wait), "FIN-WAIT-1": (ENDS_FIRST, fin_wait_1),
    "FIN-WAIT-2": (ENDS_FIRST, fin_wait_2), "CLOSING": (ENDS_FIRST, closing), "TIME-WAIT": (ENDS_FIRST, time_wait),
    "LAST-ACK": (ENDS_SECOND, last_ack),
}
# (name, distance from the next sequence number; from the next acknowledgment; text)
PLACES = [("next", 0, 0, b""), ("next with text", 0, 0, b"x"), ("old", -1, 0, b""), ("very old", -100_000, 0, b""),
          ("in the window", 10, 0, b""), ("beyond the window", 1_000_000, 0, b""), ("ack of the future", 0, 1000, b""),
          ("ack very old", 0, -1_000_000, b"")]


def describe(talk, found, sequence):
    """Answers relative to both ends' numbers: flags, sequence, acknowledgment."""
    told = []
    for one in found:
        theirs = one.sequence - talk.theirs if talk.theirs is not None else one.sequence
        if one.flags & RST and one.sequence == 0:
            theirs = "0"
        elif one.flags & SYN or talk.theirs is None and one.sequence not in (0, talk.probe_ack):
            theirs = "new" if talk.theirs is None or one.sequence != talk.theirs else 0
        elif talk.theirs is None:
            theirs = "ack"
        ack = (one.ack - sequence & 0xffffffff) if one.flags & ACK else "-"
        if isinstance(ack, int) and ack > 0x7fffffff:
            ack -= 1 << 32
        told.append(f"{letters(one.flags)} {theirs} {ack}" + (f" +{one.text}" if one.text else ""))
    return ", ".join(told) or "nothing"


def probe(peer, state, flags, place, own_port):
    """One probe on a connection of its own; what came back."""
    port, reach = STATES[state]
    talk = raw.Talk(peer, port, own_port)
    reach(talk)
    _, distance, ahead, text = place
    sequence, talk.probe_ack = talk.next + distance & 0xffffffff, (talk.heard or 5_000) + ahead & 0xffffffff
    talk.say(flags, text, sequence=sequence, ack=talk.probe_ack if flags & ACK else 0, urgent=1 if flags & URG else 0)
    answer = describe(talk, segments_of(talk), sequence)
    talk.drop()
    return answer


def segments_of(talk):
    """What came for the talk, which stays as it was."""
    return raw.segments(talk.peer.answers(), talk.own_port)


def tcp_answers(peer, state):
    """{(state, flags, place): answer} for all flags at all places."""
    found, port = {}, 10_000
    for place in PLACES:
        for flags in range(64):
            port += 1
            found[state, letters(flags), place[0]] = probe(peer, state, flags, place, port)
    peer.answers()
    return found


def icmp_answers(peer):
    """{("ICMP", what, code): answer} for all types, and for echoes of all sizes."""
    found = {}
    asked = [(kind, code, bytes(12)) for kind in range(256) for code in (0, 1)]
    asked += [(8, 0, bytes(size)) for size in (0, 3, 4, 5, 100, 1400)]
    for kind, code, rest in asked:
        peer.send(peer.sender.ipv4(peer.sender.icmp(kind, code, rest), ICMP))
        # A fence is an echo as well, and is not among what is heard.
        heard = [frame for frame in peer.answers() if frame[12:14] == b"\x08\x00" and frame[23] == ICMP]
        found["ICMP", str(kind), f"{code} {len(rest)}"] = ", ".join(
            f"{frame[34]} {frame[35]} {struct.unpack('>H', frame[16:18])[0] - 28}" for frame in heard) or "nothing"
    return found


def arp_answers(peer):
    """{("ARP", operation, what): answer}."""
    found = {}
    for operation in (*range(0, 30), 0xffff):
        for what, change in (("right", {}), ("hardware", {"hardware": 6}), ("length", {"hlen": 8})):
            peer.send(peer.sender.arp(operation, **change))
            heard = [frame for frame in peer.answers() if frame[12:14] == struct.pack(">H", ARP)
                     and frame[38:42] == STRANGER_IP]
            found["ARP", str(operation), what] = ", ".join(str(frame[21]) for frame in heard) or "nothing"
    return found


@functools.cache
def build_ours():
    """The guest's program; built once per run."""
    return build.build(str(ROOT / "tests" / "peers" / "states"), build.HOSTED, shell.BUILD / "states-hosted")


@contextlib.contextmanager
def ours():
    """A Peer of our stack, as a Linux process."""
    binary = build_ours()
    with contextlib.ExitStack() as stack:
        space = quiet_namespace(stack)
        space.run("ip", "address", "add", "10.0.2.2/24", "dev", "uk0")
        space.run("ip", "link", "set", "uk0", "up")
        with space:
            guest = stack.enter_context(Guest([binary], extra_env={"UK_TAP": "uk0"}))
            expect(guest.wait_for("ready", 20), "the guest did not say that it is ready")
            wire = stack.enter_context(raw.on(raw.PacketWire("uk0")))
        yield raw.Peer(wire)
        expect(guest.alive, "the guest has ended")


def quiet_namespace(stack):
    """A namespace with a TAP whose kernel says nothing of its own."""
    space = Namespace()
    stack.callback(space.close)
    space.run("ip", "tuntap", "add", "dev", "uk0", "mode", "tap")
    with space, contextlib.suppress(OSError):
        with open("/proc/sys/net/ipv6/conf/uk0/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
    return space


# Linux with the limits of our guest: no cookies, a long backlog, no rates, no options that the probes do not have.
SYSCTLS = {"tcp_syncookies": "0", "tcp_max_syn_backlog": "8192", "tcp_invalid_ratelimit": "0",
           "icmp_ratelimit": "0", "tcp_challenge_ack_limit": "2147483647"}


@contextlib.contextmanager
def linux():
    """A Peer of the kernel that the test runs on."""
    with contextlib.ExitStack() as stack:
        space = quiet_namespace(stack)
        for name, value in SYSCTLS.items():
            with space, contextlib.suppress(OSError):
                with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:
                    file.write(value)
        with space:
            wire = stack.enter_context(raw.on(raw.TapWire("uk0")))
            space.run("ip", "address", "add", "10.0.2.15/24", "dev", "uk0")
            space.run("ip", "link", "set", "uk0", "up")
            server = Server()
            stack.callback(server.close)
            threading.Thread(target=server.run, daemon=True).start()
        yield raw.Peer(wire)


class Server:
    """What the guest's program does, on Linux's sockets; see states/states.cpp."""

    def __init__(self):
        self.selector, self.over = selectors.DefaultSelector(), False
        for port in (HOLDS, ENDS_FIRST, ENDS_SECOND):
            listener = socket.create_server(("10.0.2.15", port), backlog=4096)
            self.selector.register(listener, selectors.EVENT_READ, port)
        self.kept = []

    def run(self):
        """Serves until closed."""
        while not self.over:
            for key, _ in self.selector.select(0.1):
                self.serve(key.fileobj, key.data)

    def serve(self, one, how):
        """A new connection (`how`: its port), or something to read (negative)."""
        with contextlib.suppress(OSError):
            if how > 0:
                accepted, _ = one.accept()
                if how == ENDS_FIRST:
                    accepted.shutdown(socket.SHUT_WR)
                self.selector.register(accepted, selectors.EVENT_READ, -how)
                return
        try:
            if one.recv(65536):
                return
        except OSError:
            pass
        self.selector.unregister(one)
        if how == -HOLDS:
            self.kept.append(one)
        else:
            one.close()

    def close(self):
        """Ends it."""
        self.over = True


@contextlib.contextmanager
def one_processor():
    """All that begins here runs on one: frames that a process sends from several may overtake each other."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def both(step):
    """What `step(peer)` finds of ours and of Linux."""
    build_ours()
    try:
        with one_processor():
            with ours() as peer:
                first = step(peer)
            with linux() as peer:
                second = step(peer)
    except Fault as fault:
        raise Skip(str(fault)) from None
    return first, second


def compare(step):
    """Fails with what differs and is not explained."""
    first, second = both(step)
    strange, counts = [], {}
    for key, own in first.items():
        if own == second[key]:
            continue
        name = next((name for name, holds in EXPLAINED.items() if holds(*key, own, second[key])), None)
        if name is None:
            strange.append(f"{' / '.join(key)}: ours {own}; Linux {second[key]}")
        else:
            counts[name] = counts.get(name, 0) + 1
    if strange:
        raise Failure(f"{len(strange)} of {len(first)} differ and are not explained in docs/tcp.md:\n"
                      + "\n".join(strange))
    return f"{len(first)} probes, " + (", ".join(f"{number} {name}" for name, number in counts.items()) or "all alike")


def documented():
    """Each reason stands in docs/tcp.md."""
    page = (ROOT / "docs" / "tcp.md").read_text()
    for name in EXPLAINED:
        expect(f"| {name} |" in page, f"docs/tcp.md does not explain: {name}")


def cases(_):
    """One for each state, and for ICMP and ARP."""
    yield Case("as Linux: differences are explained", documented)
    for state in STATES:
        yield Case(f"as Linux: TCP in {state}", lambda s=state: compare(lambda peer: tcp_answers(peer, s)))
    yield Case("as Linux: ICMP", lambda: compare(icmp_answers))
    yield Case("as Linux: ARP", lambda: compare(arp_answers))
