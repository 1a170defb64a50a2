# SPDX-License-Identifier: BSL-1.0
"""Errors meant for the user: one line that says what is wrong and what to do about it."""

import difflib


class Fault(Exception):
    """Ends the tool with one line on stderr and the exit code `code` (2: wrong usage, 1: the work failed)."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def unknown(kind, word, known):
    """The Fault for a name that does not exist: suggests the nearest one and lists those that do."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    hint = f" did you mean '{near[0]}'?" if near else ""
    return Fault(f"unknown {kind} '{word}':{hint} there are: {', '.join(known) or 'none'}", 2)
