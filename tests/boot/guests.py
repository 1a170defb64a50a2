# SPDX-License-Identifier: BSL-1.0
"""Cases: programs of tests/boot/guest do what a machine must allow, and what it must not."""

import functools
import re
import time

from boot import monitor
from tool import build, qemu, shell, symbols
from tool.cases import Case, Failure, expect
from tool.elf import Elf
from tool.shell import ROOT

GUESTS = ROOT / "tests" / "boot" / "guest"
PAGE = 4096
SECONDS = 20
EVERYWHERE = ("panic", "write-text", "write-constants", "execute-stack", "read-0", "overflow", "invalid-opcode")


@functools.lru_cache(maxsize=None)
def program(name):
    """The image of tests/boot/guest/NAME.cpp; built once per run."""
    where = shell.BUILD / "guest-kvm"
    build.configure(GUESTS, "kvm", where)
    shell.work(f"building the guest {name}", ["ninja", "-C", where, name])
    return where / name


def run(name, mode, machine="microvm", extra=(), on_line=None):
    """(exit status, console) of a guest in a mode."""
    line = qemu.command(program(name), machine, extra=["-append", mode, *extra])
    with qemu.boot(line, on_line) as guest:
        return qemu.status(guest, SECONDS), guest.text


def promises(name):
    """{mode: [(kind, pattern)]} of the guest's source, its {placeholders} filled in: see fault.cpp."""
    source = (GUESTS / f"{name}.cpp").read_text()
    found = {}
    for kind, mode, pattern in re.findall(r"^// (expect|resolve)-([\w-]+): (.+)$", source, re.M):
        found.setdefault(mode, []).append((kind, pattern))
    return source, found


def filled(pattern, source, elf):
    """The pattern with the image's addresses and the source's line numbers."""
    def line(match):
        numbers = [i for i, text in enumerate(source.splitlines(), 1) if text.endswith("// " + match[1])]
        expect(len(numbers) == 1, f"the comment '{match[1]}' ends {len(numbers)} lines")
        return str(numbers[0])

    def address(match):
        value = elf.symbol(match[1])
        expect(value is not None, f"the image has no symbol {match[1]}")
        return hex(value - int(match[2] or 0))

    pattern = re.sub(r"\{line:([^}]+)\}", line, pattern)
    return re.sub(r"\{([A-Za-z_]\w*)(?:-(\d+))?\}", address, pattern)


def fault(mode, machine):
    """What the mode does stops the machine, status 127, with the report that the source promises."""
    source, found = promises("fault")
    status, text = run("fault", mode, machine)
    binary = program("fault")
    names = "\n".join(symbols.explain(binary, text)) + "\n"
    expect(text.startswith("A\n"), f"it did not come to the fault:\n{text}")
    expect("B\n" not in text, f"it went on after what is forbidden:\n{text}")
    expect(status == 127, f"status {status} instead of 127; its console:\n{text}")
    elf = Elf(binary)
    for kind, pattern in found[mode]:
        wanted = filled(pattern, source, elf)
        expect(re.search(wanted, text if kind == "expect" else names, re.M),
               f"no match for {kind} {wanted} in:\n{text}\n{names}")


def harmless():
    """The same guest with a mode that does nothing says A and B: the faults are those of the modes."""
    status, text = run("fault", "nothing")
    expect((status, text) == (0, "A\nB\n"), f"status {status}, console {text!r}")


def exits(wanted, machine):
    """The application's status is the machine's."""
    status, text = run("fault", f"exit-{wanted}", machine)
    expect((status, text) == (wanted, ""), f"status {status} instead of {wanted}, console {text!r}")


def prints(mode, wanted, machine="microvm"):
    """The mode ends well and its console matches."""
    status, text = run("machine", mode, machine)
    expect(status == 0 and re.fullmatch(wanted, text), f"status {status}; no match for {wanted} in:\n{text}")


def clock(machine):
    """The clock never goes back; sleeps last as long as they say, on the guest's clock and on ours."""
    seen = []
    status, text = run("machine", "clock", machine, on_line=lambda line: seen.append((time.monotonic(), line)))
    expect(status == 0 and "never back\n" in text, f"status {status}; its console:\n{text}")
    notes = []
    for length, rounds in ((20, 5), (300, 3)):
        begins = [at for at, line in seen if line == f"begin {length}"]
        ends = [at for at, line in seen if line == f"end {length}"]
        own = [int(ns) / 1e6 for ns in re.findall(rf"^slept {length} for (\d+)$", text, re.M)]
        expect(len(begins) == len(ends) == len(own) == rounds, f"not {rounds} sleeps of {length} ms:\n{text}")
        expect(min(own) >= length, f"a sleep of {length} ms took {min(own):.3f} ms on the guest's clock")
        ours = [(end - begin) * 1e3 for begin, end in zip(begins, ends)]
        # The best of them: a busy host makes single ones late, never the clock slow or fast.
        for who, took in (("guest", min(own)), ("host", min(ours))):
            expect(took < 1.1 * length + 5, f"the best sleep of {length} ms took {took:.1f} ms on the {who}'s clock")
        apart = min(abs(a - b) for a, b in zip(own, ours))
        expect(apart < 0.03 * length + 5, f"the clocks differ by {apart:.1f} ms in {length} ms: {own} and {ours}")
        notes.append(f"{length} ms: {min(ours):.1f}")
    return ", ".join(notes) + " on the host's clock"


def late_sleep():
    """A sleep lasts from when it is asked for, however long the task computed before."""
    status, text = run("machine", "late-sleep")
    took = re.fullmatch(r"slept 20 for (\d+)\n", text)
    expect(status == 0 and took, f"status {status}; its console:\n{text}")
    expect(int(took[1]) >= 20_000_000, f"a sleep of 20 ms, asked for after a computation, took {took[1]} ns")


def drawn(machine, *extra):
    """What two fills of one boot gave; None where both said that there is no randomness."""
    status, text = run("machine", "entropy", machine, extra)
    lines = re.findall(r"^fill (true|false)((?: [0-9a-f]{2}){40})$", text, re.M)
    expect(status == 0 and len(lines) == 2, f"status {status}; its console:\n{text}")
    expect(lines[0][0] == lines[1][0], f"only one of two fills worked:\n{text}")
    return [octets for _, octets in lines] if lines[0][0] == "true" else None


def no_entropy(machine):
    """Without any source, fill is false and not a guess."""
    expect(drawn(machine, "-cpu", "qemu64,-rdrand,-rdseed") is None, "fill is true without a source of randomness")


def entropy(machine, *source):
    """With one source, no two of four fills in two boots agree, nor do they hold a run of one octet."""
    fills = []
    for _ in range(2):
        got = drawn(machine, *source)
        expect(got is not None, "fill is false")
        fills += got
    # 8 octets at every place: a word that was handed out twice, or never written.
    words = [octets.split()[i:i + 8] for octets in fills for i in range(33)]
    distinct = {tuple(word) for word in words}
    expect(len(distinct) == len(words), f"not random: {fills}")


def rng(machine):
    """QEMU's arguments for a CPU without randomness and a virtio device with it."""
    device = "virtio-rng-device" if machine.startswith("microvm") else "virtio-rng-pci,disable-legacy=on"
    return ("-cpu", "qemu64,-rdrand,-rdseed", "-device", device)


def waiting(machine):
    """The monitor's view of a guest that halts, after A."""
    return monitor.watched(program("machine"), machine, ["-append", "wait"])


def nmi(machine):
    """A non-maskable interrupt from outside stops the halted machine with a report."""
    with waiting(machine) as (guest, view):
        expect(guest.wait_for("A\n", SECONDS), "the guest did not start")
        view.ask("inject-nmi")
        status = qemu.status(guest, SECONDS)
        expect(status == 127 and re.search(r"panic: #NI at rip 0x[0-9a-f]+\n", guest.text) and "B\n" not in guest.text,
               f"status {status}; its console:\n{guest.text}")


def mapped(view):
    """[(first address, physical address, octets, flags)] of each page that is mapped, by the machine itself."""
    rows = re.findall(r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([-XGPDACTUW]{9})\s*$", view.human("info tlb"), re.M)
    return [(int(at, 16), int(to, 16), 512 * PAGE if "P" in flags else PAGE, flags) for at, to, flags in rows]


def pages(machine):
    """No page is writable and executable; text alone is executable; the guards and everything else are not mapped."""
    with waiting(machine) as (guest, view):
        expect(guest.wait_for("A\n", SECONDS), "the guest did not start")
        found = mapped(view)
    elf = Elf(program("machine"))
    table = "\n".join(f"{at:#x} {size:#x} {flags}" for at, _, size, flags in found)
    kinds = {}
    for at, to, size, flags in found:
        where = f"{at:#x} ({size:#x} octets, {flags})"
        writable, executable = "W" in flags, "X" not in flags       # QEMU's X is the bit that forbids
        expect(at == to, f"not at its own address: {where}")
        expect(not (writable and executable), f"writable and executable: {where}\n{table}")
        expect("U" not in flags, f"for user mode: {where}")
        if at < elf.symbol("uk_image_end"):
            kinds.setdefault((writable, executable), set()).update(range(at, at + size, PAGE))
        else:
            expect(writable and {"C", "T"} <= set(flags), f"above the image, but no device memory: {where}\n{table}")

    def between(first, last):
        return set(range(elf.symbol(first), elf.symbol(last), PAGE))

    wanted = {(False, True): between("uk_image_start", "uk_rodata_start"),
              (False, False): between("uk_rodata_start", "uk_pt"),
              (True, False): between("uk_stack_start", "uk_image_end")}
    expect(kinds == wanted, f"the pages are not those of the image's parts:\n{table}")
    return f"{sum(map(len, kinds.values()))} pages of the image, {len(found)} entries"


def cases():
    """Faults first, all on one machine and some on the others; then what works."""
    yield Case("guest without a fault", harmless)
    _, modes = promises("fault")
    if not modes:
        raise Failure("fault.cpp promises nothing")
    for mode in modes:
        for machine in ("microvm", "pc", "q35") if mode in EVERYWHERE else ("microvm",):
            yield Case(f"guest fault {mode} on {machine}", lambda m=mode, w=machine: fault(m, w))
    for machine in ("microvm", "q35"):
        yield Case(f"guest nmi on {machine}", lambda w=machine: nmi(w))
    for machine in ("microvm", "pc", "q35"):
        yield Case(f"guest pages on {machine}", lambda w=machine: pages(w))
        yield Case(f"guest exit status 3 on {machine}", lambda w=machine: exits(3, w))
        yield Case(f"guest clock on {machine}", lambda w=machine: clock(w))
    yield Case("guest sleep after a computation", late_sleep)
    for status in range(3):
        yield Case(f"guest exit status {status} on microvm", lambda s=status: exits(s, "microvm"))
    # 1/1² + ... + 1/4000² is 1.644684; the square root of 2 is 1.414213; two thirds in single precision.
    yield Case("guest floating point", lambda: prints("float", r"sum 1644684 root 1414213 single 666666\n"))
    yield Case("guest memory functions", lambda: prints("memory", r"0 of 18081 wrong\n"))
    full = r" tasks, then: the task arena is exhausted\nawaited: the task arena is exhausted\n"
    yield Case("guest arena exhausted", lambda: prints("arena", rf"(\d\d+){full}\1{full}as many again\n"))
    for machine in ("microvm", "pc"):
        yield Case(f"guest entropy, none on {machine}", lambda w=machine: no_entropy(w))
        yield Case(f"guest entropy, virtio on {machine}", lambda w=machine: entropy(w, *rng(w)))
    yield Case("guest entropy, the CPU's", lambda: entropy("microvm", "-cpu", "max"))
