# SPDX-License-Identifier: BSL-1.0
"""The peers suite's cases. The long form (`--long`) moves more, and takes an hour."""

from peers import bulk, cards, clients, differential, guessing, leases, many
from tool.cases import run_cases


def cases(long):
    """All of them."""
    for module in (differential, bulk, cards, clients, guessing, leases, many):
        yield from module.cases(long)


def run(context):
    """Yields the Results, one guest at a time: their times would disturb each other."""
    return run_cases(context, cases(context.long))


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases(context.long) if context.wants(case.name)]
