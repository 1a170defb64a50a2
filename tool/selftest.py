# SPDX-License-Identifier: BSL-1.0
"""The tool suite: the tool's own errors, readers and bounds."""

import contextlib
import io
import socket
import struct
import tempfile
import time
from pathlib import Path

from tool import fault, ports, qemu, size, symbols, unit
from tool.cases import FAILED, PASSED, Case, Failure, expect, run_cases
from tool.elf import Elf
from tool.guest import Guest
from tool.shell import ROOT, capture

UK = ROOT / "uk"


def refuses(words, *texts, code=2):
    """`./uk WORDS` ends with `code` and one line on the screen that contains `texts`."""
    got, output = capture([UK, *words.split()], 30)
    lines = output.splitlines()
    expect(got == code, f"./uk {words} ended with {got}, not {code}:\n{output}")
    expect(len(lines) == 1 and lines[0].startswith("uk: "), f"./uk {words} does not say it in one line:\n{output}")
    for text in texts:
        expect(text in output, f"./uk {words} does not mention '{text}':\n{output}")


def wrong_words():
    """Names that do not exist: the nearest one is suggested, and those that do exist are listed."""
    refuses("rnu", "'rnu'", "did you mean 'run'", "size")
    refuses("run htpp", "did you mean 'http'", "hello")
    refuses("run --on kwm", "did you mean 'kvm'", "hosted")
    refuses("run --machine q36", "did you mean 'q35'")
    refuses("run --memory 12Q", "512K")
    refuses("test units", "did you mean 'unit'")
    refuses("run --bogus", "--bogus", "--help")
    refuses("size", "IMAGE", "--help")
    refuses("sim --count 0", "--count")
    refuses("sim --count 2 --pcap two.pcap", "--pcap", "--count")
    refuses("new examples", "exists already")


def wrong_ports():
    """Ports that do not exist or are taken."""
    for port in ("0", "-1", "65536"):
        refuses(f"run --port={port}", "1 to 65535")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refuses(f"run --port {taken.getsockname()[1]}", "in use", "--port", code=1)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", ports.DEFAULT)))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        expect(ports.choose(None) != ports.DEFAULT, "it takes a port that is in use")


def wrong_images():
    """Files that are no image, or only the beginning of one."""
    refuses("size no-such-file", "no-such-file", "No such file")
    refuses("size uk", "not an ELF")
    whole = Path("/usr/bin/env").read_bytes()
    with tempfile.NamedTemporaryFile() as file:
        for size in (3, 20, 60, 100, len(whole) // 2):
            file.seek(0)
            file.truncate()
            file.write(whole[:size])
            file.flush()
            refuses(f"size {file.name}", "ELF")


def images_by_name():
    """An example's name stands for its image; where that is not built, the command that builds it is said."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = size.find("hello", Path(folder))
        except fault.Fault as error:
            expect("./uk run hello --check" in str(error), f"how to build it is not said: {error}")
        else:
            raise Failure(f"what is not built is found at {found}")
        image = Path(folder) / "hello-kvm" / "hello"
        image.parent.mkdir()
        image.write_bytes(Path("/usr/bin/env").read_bytes())
        expect(size.find("hello", Path(folder)) == image, "what is built is not found")
        expect(size.measure(size.find("hello", Path(folder)))["loadable"] > 0, "it weighs nothing")
        expect(size.find(str(image)) == str(image), "a path is not taken as it is")
    expect(size.find("no-such-example") == "no-such-example", "what is no example's name is taken for one")


def elf_figures():
    """The reader's sums, on an image made by hand: 100 octets of code, 8 of data with 24 zeroed behind them."""
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHI3QI6H", 2, 62, 1, 0x10000, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    code = struct.pack("<II6Q", 1, 5, 0, 0x10000, 0x10000, 100, 100, 1)
    data = struct.pack("<II6Q", 1, 6, 0, 0x11000, 0x11000, 8, 32, 1)
    with tempfile.NamedTemporaryFile() as file:
        file.write(header + code + data)
        file.flush()
        elf = Elf(file.name)
        expect((elf.loadable, elf.memory_top) == (108, 0x11020), f"{elf.loadable} loadable, top {elf.memory_top:#x}")
        expect(qemu.needed_memory(file.name) == qemu.SMALLEST, "a small image does not get the smallest memory")


def panic_report():
    """Addresses become names, by the symbols of a real program."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "p"
        source = Path(folder) / "p.c"
        source.write_text("void uk_somewhere(void) {}\nint main(void) { uk_somewhere(); return 0; }\n")
        capture(["clang-19", "-g", "-no-pie", source, "-o", program], check=True)
        at = Elf(program).symbol("uk_somewhere") + 1
        lines = symbols.explain(program, f"panic: x at y:1\nbacktrace: {at:#x}\nmore")
        expect(len(lines) == 1 and "uk_somewhere" in lines[0] and "p.c:1" in lines[0], f"resolved to {lines}")
        expect(not symbols.explain(program, "backtrace: none\nhello"), "it resolves what is no report")


def unit_reports():
    """doctest's report, whole and broken off."""
    good = '<TestCase name="a"><OverallResultsAsserts test_case_success="true" duration="0.5"/></TestCase>'
    bad = ('<TestCase name="b" filename="f.cpp" line="3"><Expression success="false" type="CHECK" filename="f.cpp" '
           'line="4"><Original>x</Original><Expanded>1</Expanded></Expression>'
           '<OverallResultsAsserts test_case_success="false"/></TestCase>')
    whole = f"<doctest><TestSuite>{good}{bad}</TestSuite></doctest>"
    results = list(unit.parse("gcc p", whole))
    expect([r.state for r in results] == [PASSED, FAILED], f"states: {results}")
    expect("f.cpp:4" in results[1].output, f"no place: {results[1].output}")
    expect(len(list(unit.parse("p", whole[:whole.index("<TestCase name=\"b\"") + 20]))) == 1, "a cut-off report")
    expect(not list(unit.parse("p", "")), "an empty report")


def bounded_guests():
    """Waits end in time, and a process that ignores SIGTERM is reaped."""
    begin = time.monotonic()
    with Guest(["sh", "-c", "trap '' TERM; echo one; sleep 60 & wait; wait"]) as guest:
        expect(guest.wait_for("one", 5), "no output")
        expect(guest.wait_for("two", 0.1) is None and guest.wait(0.1) is None, "a wait that does not fail")
    expect(not guest.alive and time.monotonic() - begin < 15, "the guest outlives its test")
    for code, status in ((1, 0), (255, 127), (0, None), (2, None)):
        with Guest(["sh", "-c", f"exit {code}"]) as ended:
            expect(qemu.status(ended, 5) == status, f"exit code {code} is not taken for status {status}")
    with qemu.boot(["sh", "-c", "echo qemu-system: no such machine >&2; exit 1"]) as broken:
        try:
            code = qemu.status(broken, 5)
        except fault.Fault:
            return
        raise Failure(f"QEMU's own error passes for status {code}")


def cases():
    """All of them, by the names of their functions."""
    for function in (wrong_words, wrong_ports, wrong_images, images_by_name, elf_figures, panic_report, unit_reports,
                     bounded_guests):
        yield Case(function.__name__.replace("_", " "), function)


def run(context):
    """Yields the Results."""
    return run_cases(context, cases())


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases() if context.wants(case.name)]
