# SPDX-License-Identifier: BSL-1.0
"""Cases: what nmap -O says of the numbers that a guest chooses, beside what it says of Linux."""

import contextlib
import re
import socket

from boot.harness import HOSTED, TAP, site
from peers.link import up
from tool.cases import Case, expect
from tool.netns import Namespace
from tool.shell import capture

# nmap's words for the difficulty of a prediction, easiest first.
CLASSES = ("Trivial joke", "Easy", "Medium", "Formidable", "Worthy challenge", "Good luck!")
# What nmap says of the identifications of IP that tell a stranger nothing about how much was sent to others.
QUIET = ("All zeros", "Randomized")


def scan(address):
    """(index of the difficulty, its number, what is said of the IP identifications) by nmap -O, in this thread's
    namespace."""
    code, text = capture(["nmap", "-O", "-v", "-n", "-Pn", "--max-os-tries", "1", "-p", "80,81", address], 120)
    found = re.search(r"TCP Sequence Prediction: Difficulty=(\d+) \((.+)\)", text)
    number = re.search(r"IP ID Sequence Generation: (.+)", text)
    expect(code == 0 and found and number, f"nmap ended with {code}:\n{text}")
    expect(found[2] in CLASSES, f"a class that the test does not know: {found[0]}")
    return CLASSES.index(found[2]), int(found[1]), number[1].strip()


def linux():
    """The same of the kernel that the test runs on, over a veth pair."""
    with contextlib.ExitStack() as stack:
        here, there = Namespace(), Namespace()
        stack.callback(here.close)
        stack.callback(there.close)
        here.run("ip", "link", "add", "here0", "type", "veth", "peer", "name", "there0", "netns", there.path)
        for namespace, name, address in ((here, "here0", "10.0.2.2"), (there, "there0", "10.0.2.15")):
            namespace.run("ip", "address", "add", f"{address}/24", "dev", name)
            up(namespace, name)
        with there:
            stack.enter_context(socket.create_server(("10.0.2.15", 80), backlog=64))
        with here:
            return scan("10.0.2.15")


def prediction(where):
    """As hard to predict as Linux's, and nothing in the identifications of IP."""
    with site(where, TAP) as found:
        with found.inside():
            ours = scan(found.address)
        found.answers()
        theirs = linux()
    expect(ours[0] >= theirs[0], f"nmap calls ours '{CLASSES[ours[0]]}' and Linux's '{CLASSES[theirs[0]]}'")
    expect(ours[2] in QUIET, f"the identifications of IP are: {ours[2]}")
    return (f"ours {ours[1]} ({CLASSES[ours[0]]}), IP ID {ours[2]}; Linux's {theirs[1]} ({CLASSES[theirs[0]]}), "
            f"IP ID {theirs[2]}")


def cases(_):
    """For both targets."""
    for where in ("microvm", HOSTED):
        yield Case(f"nmap -O on {where}", lambda w=where: prediction(w))
