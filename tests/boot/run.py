# SPDX-License-Identifier: BSL-1.0
"""The boot suite's cases, the quick ones first."""

from boot import (absent, features, fetch, floods, frames, guests, hostile, images, link, load, names as lookups,
                  protocol, serve)
from tool.cases import Case, run_cases


def cases():
    """All of them."""
    yield Case("the frames themselves", frames.self_test)
    for module in (images, absent, features, guests, serve, link, lookups, fetch, protocol, hostile, floods, load):
        yield from module.cases()


def run(context):
    """Yields the Results, one guest at a time: their times would disturb each other."""
    return run_cases(context, cases())


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases() if context.wants(case.name)]
