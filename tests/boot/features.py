# SPDX-License-Identifier: BSL-1.0
"""Cases: a feature of TCP that is left out of the type is not in the image."""

import re

from boot import absent, guests
from tool.cases import Case, expect
from tool.elf import Elf

# Features, each with what finds its functions by name; those that are a few lines within others have none.
FEATURES = {
    "sack": r"\btcp_(rack|sent|sent_pool|sent_list)::|::(early_blocks|tell_early|take_blocks|sack_block)\b",
    "timestamps": r"\btcp_stamps\b|::echoed\b",
    "cookies": r"\btcp_cookie\b|::(send_cookie|on_cookie)\b",
    "errors": r"\btcp\b.*::(receive_error|on_narrow_path)\b",
    "ecn": r"::(tell_of_congestion|ecn_flags|agrees_on_ecn)\b",
    "window_scale": None,
    "keep_alive": None,
    "urgent": None,
}


def names(program):
    """All names of functions in a guest, inlined ones too, without template arguments."""
    binary = guests.program(program)
    return sorted(map(absent.plain, absent.symbols(binary) | absent.functions(binary)))


def loadable(program):
    """The guest's loadable octets."""
    return Elf(guests.program(program)).loadable


def left_out(feature):
    """Without the feature: none of its names, and fewer octets. With all features: they are there."""
    whole, less = loadable("features-all"), loadable(f"features-{feature}")
    expect(less < whole, f"without {feature} the image has {less:,} octets, with it {whole:,}")
    if FEATURES[feature]:
        pattern = re.compile(FEATURES[feature])
        found = [name for name in names(f"features-{feature}") if pattern.search(name)]
        expect(not found, f"{feature} is left out, but the image has: " + "; ".join(found[:5]))
        expect([name for name in names("features-all") if pattern.search(name)], f"the search does not find {feature}")
    return f"{whole - less:,} octets less"


def none():
    """The least TCP has none of all."""
    have = names("features-none")
    for feature, pattern in FEATURES.items():
        found = [name for name in have if pattern and re.search(pattern, name)]
        expect(not found, f"the least TCP has of {feature}: " + "; ".join(found[:5]))
    return f"{loadable('features-all') - loadable('features-none'):,} octets less"


def cases():
    """Each feature, and all."""
    for feature in FEATURES:
        yield Case(f"TCP without {feature} has nothing of it", lambda f=feature: left_out(f))
    yield Case("the least TCP has no feature", none)
