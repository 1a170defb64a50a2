# SPDX-License-Identifier: BSL-1.0
"""Where our answers differ from Linux's on purpose: {name in docs/tcp.md: whether a difference is of its kind}. Each
gets what was asked (state, flags, place) and both answers.
"""

import re

PLAIN = re.compile(r"A \d+ -?\d+$")     # one acknowledgment
BEFORE_FIN = ("SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2")
SYNCHRONIZED = (*BEFORE_FIN[1:], "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT")
OUTSIDE = ("old", "very old", "beyond the window")


def one_silent(own, other):
    """One of the two sends an acknowledgment, the other nothing."""
    return {own, other} >= {"nothing"} and any(PLAIN.match(answer) for answer in (own, other))


def waits(state, flags, place, own, other):
    """Text and FINs in order are acknowledged now or a little later."""
    return (state in BEFORE_FIN and place.startswith("next") and "A" in flags and not set(flags) & set("SR")
            and one_silent(own, other))


def no_ack_flag(state, flags, place, own, other):
    """Outside of the window."""
    return (state in SYNCHRONIZED and place in OUTSIDE and not set(flags) & set("ASR")
            and PLAIN.match(own) and other == "nothing")


def ends_at_edge(state, flags, place, own, other):
    """One place long, and that place was taken before; or two, with a RST."""
    return state in SYNCHRONIZED and place == "old" and set(flags) & set("FSR") and one_silent(own, other)


def opening(state, flags, place, own, other):
    """A SYN or a RST with it, while the connection is being opened."""
    if state != "SYN-RECEIVED" or "S" not in flags:
        return False
    if place == "old":  # where the peer's SYN stands
        return own == "nothing" or "F" in flags and own == "A 1 2"
    return PLAIN.match(own) and other.startswith("R")


def behind_fin(state, flags, place, own, other):
    """Text and FINs that cannot be."""
    return (state == "TIME-WAIT" and place not in OUTSIDE and not set(flags) & set("SR")
            and own == "nothing" and PLAIN.match(other))


def time_wait(state, flags, place, own, other):
    """RSTs, SYNs with a FIN, and acknowledgments of what was never sent."""
    return (state == "TIME-WAIT" and PLAIN.match(own) and other == "nothing"
            and ("R" in flags and place == "in the window" or {"S", "F"} <= set(flags) and place != "next"
                 or place.startswith("ack") and "A" in flags))


EXPLAINED = {
    "acknowledgments that wait": waits,
    "no ACK flag": no_ack_flag,
    "a segment that ends at the edge": ends_at_edge,
    "a SYN in SYN-RECEIVED": opening,
    "behind the peer's FIN": behind_fin,
    "TIME-WAIT is not ended": time_wait,
    "ICMP timestamps": lambda state, kind, *_: state == "ICMP" and kind == "13",
    "echoes with a code": lambda state, kind, place, own, _: (state == "ICMP" and kind == "8" and own == "nothing"
                                                              and place.startswith("1 ")),
    "ARP of other hardware": lambda state, _, place, own, __: (state == "ARP" and place == "hardware"
                                                               and own == "nothing"),
}
