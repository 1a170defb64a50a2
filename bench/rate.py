# SPDX-License-Identifier: BSL-1.0
"""`uk bench rate`: our server and lwIP's as Linux processes on a TAP each, under the same load, in turns.

The machine's own speed cancels in the ratio of the medians; the rates alone mean nothing.
"""

import os
import statistics
import tempfile
from pathlib import Path

from bench.net import DEPTH, deep_script, request_load
from tool import build, packages, shell
from tool.fault import Fault
from tool.guest import Guest
from tool.netns import Wire
from tool.shell import BUILD, ROOT, say

# What is to be reached: our rate divided by lwIP's.
AIMS = {"keep-alive": 1.2, "pipelined": None, "bulk": 1.5}
ROUNDS = 5


def our_server():
    """Built for speed, with TCP's defaults."""
    options = ("-Dtcp=whole", "-Doptimization=3", "-Dbulk=true")
    return build.build(str(ROOT / "bench" / "server"), build.HOSTED, BUILD / "bench-hosted", options)


def lwip_server():
    """Debian's liblwip behind bench/peers/lwip_server.c."""
    program = BUILD / "bench-lwip"
    source = ROOT / "bench" / "peers" / "lwip_server.c"
    shell.work("building lwIP's server", ["gcc", "-O2", "-o", program, source, "-I/usr/include/lwip", "-llwip"])
    return program


def loads(address, seconds, script):
    """NAME: a function that puts the load on and gives a rate."""
    return {
        "keep-alive": lambda: request_load(f"http://{address}/", seconds)[1],
        "pipelined": lambda: request_load(f"http://{address}/", seconds, script)[1],
        "bulk": lambda: request_load(f"http://{address}/bulk", seconds, connections=4)[1],
    }


def measure(command, environment, dhcp, seconds, script):
    """{load: rate} of one server, started anew."""
    with Wire(dhcp=dhcp) as wire, wire.namespace:
        with Guest(command(wire), extra_env=environment(wire)) as guest:
            if not guest.wait_for("listening", 10):
                raise Fault(f"{command(wire)[0]} did not come up:\n{guest.text}")
            return {load: put() for load, put in loads(wire.guest, seconds, script).items()}


def main(options):
    """Prints the medians and their ratios."""
    packages.ensure("build", "run", "peers", "bench")
    os.makedirs(BUILD, exist_ok=True)
    ours, theirs = our_server(), lwip_server()
    servers = {
        "uk": (lambda wire: [ours], lambda wire: {"UK_TAP": wire.name}, True),
        "lwIP": (lambda wire: [theirs, wire.name, wire.guest], lambda wire: {}, False),
    }
    rates = {name: {load: [] for load in AIMS} for name in servers}
    with tempfile.TemporaryDirectory(prefix="uk-bench-") as folder:
        script = deep_script(Path(folder))
        for turn in range(ROUNDS):
            for name, how in servers.items():
                for load, rate in measure(*how, options.seconds, script).items():
                    rates[name][load].append(rate)
            say(f"round {turn + 1} of {ROUNDS}")
    for load, aim in AIMS.items():
        ours, theirs = (statistics.median(rates[name][load]) for name in servers)
        verdict = "" if aim is None else f" (aim {aim}: {'reached' if ours >= aim * theirs else 'missed'})"
        say(f"  {load:<12} {ours:>12,.1f}/s, lwIP {theirs:>12,.1f}/s: {ours / theirs:.2f}{verdict}")
    say(f"32 connections, {DEPTH} requests deep where pipelined; bulk: 1 MiB each on 4 connections")
    return 0
