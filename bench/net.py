# SPDX-License-Identifier: BSL-1.0
"""`uk bench net`: what one request and one ping cost the guest, in instructions, by part; and how many a second does.

Instructions repeat within a few in a thousand, whatever else the machine does; rates mean nothing but side by side.
"""

import collections
import re
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from tool import build, packages, qemu, shell
from tool.fault import Fault
from tool.netns import Wire
from tool.shell import BUILD, ROOT, say

CONNECTIONS, DEPTH = 32, 16
# NAME: (options of Meson, what it is)
IMAGES = {
    "small": (("-Dtcp=minimal",), "the least TCP, for size"),
    "fast": (("-Dtcp=minimal", *build.FAST), "the least TCP, for speed"),
    "whole": (("-Dtcp=whole", *build.FAST), "TCP's defaults, for speed"),
}
# What is to be reached, and in the best case, in instructions.
AIMS = {"keep-alive": (5000, 3000), "pipelined": (2500, 1500), "close": (18000, 12000), "ping": (1500, 800)}


class Counter:
    """The blocks of code that the guest executed, as bench/blocks.c writes them."""

    def __init__(self, folder):
        self.plugin, self.file = folder / "blocks.so", folder / "blocks"
        shell.capture(["gcc", "-O2", "-shared", "-fPIC", "-o", self.plugin, ROOT / "bench" / "blocks.c"], check=True)

    def options(self):
        """For QEMU's command line."""
        return ["-plugin", f"{self.plugin},out={self.file}"]

    def read(self):
        """Instructions executed so far: {address of the block: number}."""
        found = collections.Counter()
        for address, instructions, executions in struct.iter_unpack("=QQQ", self.file.read_bytes()):
            if instructions == 0:
                return found
            found[address] += instructions * executions
        raise Fault("more blocks than bench/blocks.c has room for")


def deep_script(folder):
    """For wrk: `DEPTH` requests at a time."""
    script = folder / "deep.lua"
    script.write_text(f"local all\ninit = function() all = string.rep(wrk.format('GET'), {DEPTH}) end\n"
                      "request = function() return all end\n")
    return script


def request_load(url, seconds, script=None, connections=CONNECTIONS):
    """wrk's requests, and how many in a second."""
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", *(["-s", script] if script else []), url]
    text = shell.capture(command, check=True)[1]
    done = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not done or not rate or "Non-2xx" in text or int(done[1]) == 0:
        raise Fault(f"wrk says:\n{text}")
    return int(done[1]), float(rate[1])


def closing_load(url, requests):
    """A connection for each request."""
    text = shell.capture(["ab", "-q", "-n", str(requests), "-c", str(CONNECTIONS), url], check=True)[1]
    figures = dict(re.findall(r"^([A-Z][\w -]+):\s+([\d.]+)", text, re.M))
    if figures.get("Failed requests") != "0":
        raise Fault(f"ab says:\n{text}")
    return int(figures["Complete requests"]), float(figures["Requests per second"])


def ping_load(address, count):
    """Echoes, one after the other."""
    begin = time.monotonic()
    text = shell.capture(["ping", "-f", "-q", "-c", str(count), address], check=True)[1]
    done = int(re.search(r"(\d+) received", text)[1])
    return done, done / (time.monotonic() - begin)


def loads(guest, seconds, folder):
    """NAME: a function that puts the load on and says (how many, how many in a second)."""
    script = deep_script(folder)
    url = f"http://{guest}/"
    return {
        "keep-alive": lambda: request_load(url, seconds),
        "pipelined": lambda: request_load(url, seconds, script),
        "close": lambda: closing_load(url, 2000 * seconds),
        "ping": lambda: ping_load(guest, 2000 * seconds),
    }


def places(image, addresses):
    """For each address the innermost function and the file that it was written in."""
    text = subprocess.run(["llvm-symbolizer-19", "--demangle", f"--obj={image}", "--no-inlines"], text=True,
                          input="\n".join(map(hex, addresses)), stdout=subprocess.PIPE, check=True).stdout
    inner = subprocess.run(["llvm-symbolizer-19", "--demangle", f"--obj={image}"], text=True,
                           input="\n".join(map(hex, addresses)), stdout=subprocess.PIPE, check=True).stdout
    for outer, block in zip(text.strip().split("\n\n"), inner.strip().split("\n\n")):
        lines = block.splitlines()
        yield outer.splitlines()[0], re.sub(r".*/(include/uk|src)/", "", lines[1]).partition(":")[0]


def profile(image, executed, count, most=25):
    """Where the instructions go: by the file they were written in, and by function."""
    addresses = sorted(executed)
    files, functions = collections.Counter(), collections.Counter()
    for address, (function, file) in zip(addresses, places(image, addresses)):
        files[file] += executed[address]
        functions[re.sub(r"<.*>|\(.*\)", "", function)] += executed[address]
    for title, all_of in (("file", files), ("function", functions)):
        say(f"    by {title}")
        for name, number in all_of.most_common(most):
            say(f"    {number / count:>10,.1f}  {name[:100]}")


def measure(name, seconds, chosen, detail):
    """Boots one image and prints a line for each load."""
    options, text = IMAGES[name]
    image = build.build(str(ROOT / "bench" / "server"), "kvm", BUILD / f"bench-{name}", options)
    say(f"{name}: {text}")
    with tempfile.TemporaryDirectory(prefix="uk-bench-") as folder, Wire() as wire:
        folder = Path(folder)
        counter = Counter(folder)
        with wire.namespace:
            line = qemu.command(image, "microvm", None, qemu.tap_network(wire.name), extra=counter.options())
            with qemu.boot(line) as guest:
                if not guest.wait_for("listening", 20):
                    raise Fault(f"the image did not come up:\n{guest.text}{guest.complaints()}")
                for load, put in loads(wire.guest, seconds, folder).items():
                    if load not in chosen:
                        continue
                    before = counter.read()
                    count, rate = put()
                    time.sleep(0.2)
                    executed = counter.read() - before
                    each = executed.total() / count
                    aim, best = AIMS[load]
                    verdict = "best" if each <= best else "reached" if each <= aim else "missed"
                    say(f"  {load:<12} {each:>10,.0f} instructions each (aim {aim:,}, at best {best:,}: {verdict}); "
                        f"{rate:,.0f}/s")
                    if detail:
                        profile(image, executed, count)


def main(options):
    """Measures the images asked for."""
    packages.ensure("build", "run", "peers", "test")
    for name in options.image or IMAGES:
        measure(name, options.seconds, options.load or list(AIMS), options.profile)
    return 0
