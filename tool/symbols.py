# SPDX-License-Identifier: BSL-1.0
"""Turns the addresses of a panic report into names, by LLVM's symbolizer on the unstripped image."""

import re
from pathlib import Path

from tool import shell
from tool.packages import which
from tool.shell import ROOT

BACKTRACE = re.compile(r"^\s*backtrace:((?:\s+0x[0-9a-fA-F]+)+)\s*$")
TRAP = re.compile(r"\brip\s+(0x[0-9a-fA-F]+)")


def resolve(image, addresses):
    """For each address, `0x... function at file:line` (inlined callers follow after `, in`)."""
    tool = which("llvm-symbolizer-19")
    if tool is None or not addresses:
        return list(addresses)
    code, text = shell.capture([tool, "--demangle", f"--obj={image}", *addresses])
    if code != 0:
        return list(addresses)
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    if len(blocks) != len(addresses):
        return list(addresses)
    return [f"{address} {', in '.join(frames(block))}" for address, block in zip(addresses, blocks)]


def frames(block):
    """Function and place, line by line, as `name at file:line`."""
    for name, place in zip(block[0::2], block[1::2]):
        path, _, rest = place.partition(":")
        line = rest.partition(":")[0]
        if path in ("??", ""):
            yield "?" if name == "??" else name
            continue
        try:
            path = Path(path).resolve().relative_to(ROOT)
        except ValueError:
            pass
        yield f"{name} at {path}:{line}"


def explain(image, console):
    """The lines to print below a console text that holds panics: one per address. Empty when there is none."""
    found, at = [], None
    for line in console.splitlines():
        if trap := TRAP.search(line):
            at = trap[1]
            found += ["  at " + text for text in resolve(image, [at])]
        if trace := BACKTRACE.match(line):
            # The trap's own address is told already. A return address lies behind its call: one byte back is inside
            # the caller's line.
            calls = [hex(int(address, 16) - 1) for address in trace[1].split() if address != at]
            found += ["  from " + text for text in resolve(image, calls)]
    return found
