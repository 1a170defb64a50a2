# SPDX-License-Identifier: BSL-1.0
"""The soak suite: the fuzz targets for hours, two at a time. One of the two is the whole receive path, the other each
of the rest in turn. What is found is kept, and the next goes on.
"""

import time

from fuzz import run as suite
from tool import fuzz
from tool.cases import Case, run_cases

SLICE = 600     # seconds


def others():
    """All but the receive path."""
    return [name for name in fuzz.targets() if name != "receive"]


def run(context):
    """Yields a Result for each slice."""
    left = context.hours * 3600
    begin = time.monotonic()
    turn = 0
    while left > 1:
        seconds = int(min(SLICE, max(left, 1)))
        pair = ["receive", others()[turn % len(others())]]
        turn += 1
        cases = [Case(f"{name}, slice {turn}, {seconds} s", lambda n=name: suite.fuzzes(n, seconds)) for name in pair]
        yield from run_cases(context, cases, len(pair))
        left = context.hours * 3600 - (time.monotonic() - begin)


def names(context):
    """What would be run in turn."""
    return [name for name in ["receive", *others()] if context.wants(name)]
