# SPDX-License-Identifier: BSL-1.0
"""Cases: what the images weigh and how long they build."""

import re
import shutil
import tempfile
import time
from pathlib import Path

from boot.harness import VARIANTS, image
from tool import build, shell
from tool.cases import Case, expect
from tool.elf import PF_W, PF_X, Elf

# Loadable bytes: a server of one page, http with the least TCP, and http with all that TCP can do.
LIMITS = {"hello": 2048, "page": 40960, "http": 46080, "http-whole": 57344}


def weight(program, most):
    """Loadable bytes stay below the limit."""
    loadable = Elf(image(program)).loadable
    expect(loadable <= most, f"{program} has {loadable:,} loadable bytes, at most {most:,} are allowed")
    return f"{loadable:,} of {most:,} loadable bytes"


def write_or_execute(program):
    """No segment is both writable and executable, and none asks for an executable stack."""
    for segment in Elf(image(program)).segments:
        expect(not (segment.flags & PF_W and segment.flags & PF_X), f"writable and executable: {segment}")


def build_time(program):
    """Seconds from an empty build folder, as information: the machine may be busy."""
    folder = tempfile.mkdtemp(prefix="uk-build-")
    try:
        where = Path(folder) / "b"
        example, options = VARIANTS.get(program, (program, ()))
        build.configure(build.locate(example), "kvm", where, options)
        begin = time.monotonic()
        code, text = shell.capture(["ninja", "-C", where], 300)
        expect(code == 0, text)
        return f"{time.monotonic() - begin:.1f} s"
    finally:
        shutil.rmtree(folder)


def bench():
    """`uk bench net` counts the instructions of a ping, and its profile sums up to them."""
    code, text = shell.capture([shell.ROOT / "uk", "bench", "net", "--image", "fast", "--load", "ping", "--seconds",
                                "1", "--profile"], 120)
    each = re.search(r"ping +([\d,]+) instructions each", text)
    expect(code == 0 and each, text)
    number = int(each[1].replace(",", ""))
    expect(300 < number < 5000, text)
    files = text.partition("by file")[2].partition("by function")[0]
    parts = [float(part.replace(",", "")) for part in re.findall(r"^ +([\d,]+\.\d)  ", files, re.M)]
    expect(0.8 * number < sum(parts) < 1.01 * number, f"{sum(parts)} of {number}:\n{text}")
    return f"{number:,} instructions"


def cases():
    """All measured examples."""
    yield Case("uk bench net counts", bench)
    for program, most in LIMITS.items():
        yield Case(f"{program} weighs at most {most:,} bytes", lambda p=program, m=most: weight(p, m))
        yield Case(f"{program} has no segment to write and execute", lambda p=program: write_or_execute(p))
        yield Case(f"{program} build time", lambda p=program: build_time(p))
