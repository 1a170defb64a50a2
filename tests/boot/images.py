# SPDX-License-Identifier: BSL-1.0
"""Cases: what the images weigh and how long they build."""

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


def cases():
    """All measured examples."""
    for program, most in LIMITS.items():
        yield Case(f"{program} weighs at most {most:,} bytes", lambda p=program, m=most: weight(p, m))
        yield Case(f"{program} has no segment to write and execute", lambda p=program: write_or_execute(p))
        yield Case(f"{program} build time", lambda p=program: build_time(p))
