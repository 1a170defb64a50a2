# SPDX-License-Identifier: BSL-1.0
"""The packetdrill suite: the object that packetdrill takes by --so_filename, driven as the tool drives it."""

from tool import unit

TARGETS = ["tests/packetdrill/uk-packetdrill.so", "tests/packetdrill/test-packetdrill"]


def run(context):
    """Yields one Result per doctest case and compiler."""
    return unit.run(context, "packetdrill", TARGETS)


def names(context):
    """The cases of both compilers."""
    return unit.names(context, "packetdrill", TARGETS)
