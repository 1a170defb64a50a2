# SPDX-License-Identifier: BSL-1.0
"""Cases: what the images weigh, how long they build, and how they report a panic."""

import re
import shutil
import tempfile
import time
from pathlib import Path

from boot.harness import image
from tool import build, qemu, shell, symbols
from tool.cases import Case, Skip, expect
from tool.elf import PF_W, PF_X, Elf
from tool.shell import ROOT

LIMITS = {"hello": 2048, "http": 49152}     # loadable bytes
GUESTS = ROOT / "tests" / "boot" / "guest"


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
        build.configure(build.locate(program), "kvm", where)
        begin = time.monotonic()
        code, text = shell.capture(["ninja", "-C", where], 300)
        expect(code == 0, text)
        return f"{time.monotonic() - begin:.1f} s"
    finally:
        shutil.rmtree(folder)


def guest_program(name):
    """The image of tests/boot/guest/NAME.cpp."""
    if not (GUESTS / "meson.build").exists():
        raise Skip("tests/boot/guest has no meson.build")
    where = shell.BUILD / "guest-kvm"
    build.configure(GUESTS, "kvm", where)
    shell.work("building the boot tests' guests", ["ninja", "-C", where])
    return where / name


def faults(name):
    """A guest that does something forbidden says A before it, never B after it, and stops with a panic.

    Its source states what the report must hold: `// expect: REGEX` lines; `// resolve: REGEX` lines are matched on the
    report with its addresses turned into names.
    """
    source = (GUESTS / f"{name}.cpp").read_text()
    binary = guest_program(name)
    with qemu.boot(qemu.command(binary)) as guest:
        status = qemu.status(guest, 20)
        text = guest.text
    names = "\n".join(symbols.explain(binary, text))
    expect(status == 127, f"status {status} instead of 127; its console:\n{text}")
    expect("B\n" not in text, f"it went on after what is forbidden:\n{text}")
    wanted = re.findall(r"^// (expect|resolve): (.+)$", source, re.M)
    expect(wanted, f"{name}.cpp does not say what to expect")
    for kind, pattern in wanted:
        where = text if kind == "expect" else names
        expect(re.search(pattern, where), f"no match for {kind} {pattern} in:\n{text}\n{names}")


def cases():
    """Both measured examples, then every guest of tests/boot/guest."""
    for program, most in LIMITS.items():
        yield Case(f"{program} weighs at most {most:,} bytes", lambda p=program, m=most: weight(p, m))
        yield Case(f"{program} has no segment to write and execute", lambda p=program: write_or_execute(p))
        yield Case(f"{program} build time", lambda p=program: build_time(p))
    for path in sorted(GUESTS.glob("*.cpp")):
        yield Case(f"guest {path.stem}", lambda n=path.stem: faults(n))
