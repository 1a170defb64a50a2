# SPDX-License-Identifier: BSL-1.0
"""The sim suite: scenarios from seeds, on both compilers and under sanitizers, and the golden table.

`seeds.txt` holds the seeds that once found something, each with what it was.
"""

import struct
import tempfile
from pathlib import Path

from tool import shell, sim
from tool.cases import Case, Failure, expect, run_cases
from tool.shell import BUILD

SEEDS = Path(__file__).resolve().parent / "seeds.txt"
BLOCK, BLOCKS = 5_000, 4        # scenarios in a case, and cases
COMPARED = 400                  # scenarios whose traces both compilers must agree on
SANITIZED = 400
SECONDS = 600
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


def simulate(program, *words):
    """What a simulator says; a Failure where it found something."""
    code, text = shell.capture([program, *map(str, words)], SECONDS, SANITIZERS)
    expect(code == 0, f"{text}\nsee one with: ./uk sim --seed N --verbose --pcap FILE")
    return text


def sums(text):
    """The last line of the simulator, for a note."""
    return text.strip().splitlines()[-1]


def self_test(compiler):
    """The watcher and the judge see what they must."""
    code, text = shell.capture([sim.build(compiler, "self")], 120)
    expect(code == 0, text)


def block(number):
    """A block of scenarios."""
    return sums(simulate(sim.build("clang"), "--seed", 1 + number * BLOCK, "--count", BLOCK))


def regressions():
    """Every seed that once found a bug."""
    seeds = [line.split()[0] for line in SEEDS.read_text().splitlines() if line.strip() and not line.startswith("#")]
    expect(seeds, "seeds.txt is empty")
    program = sim.build("clang")
    for seed in seeds:
        simulate(program, "--seed", seed)
    return f"{len(seeds)} seeds"


def same_traces():
    """Both compilers see the same, frame by frame."""
    texts = {name: simulate(sim.build(name), "--seed", 1, "--count", COMPARED, "--trace") for name in sim.COMPILERS}
    first, second = (text.splitlines() for text in texts.values())
    for one, other in zip(first, second):
        expect(one == other, f"{' and '.join(texts)} differ:\n{one}\n{other}")
    expect(len(first) == len(second) == COMPARED + 1, "a trace is missing")
    expect(len({line.split()[3] for line in first[:-1]}) > COMPARED * 9 / 10, "the traces hardly differ")
    return sums(texts["gcc"])


def sanitized():
    """Nothing that a sanitizer objects to."""
    program = sim.build("clang", extra=sim.SANITIZED, name="sanitized")
    return sums(simulate(program, "--seed", 100_001, "--count", SANITIZED))


def checksum(octets):
    """RFC 1071 over `octets`: 0 where they contain their own right checksum."""
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def frames(octets):
    """(nanoseconds, frame) of a capture, read by its specification."""
    magic, major, minor, _, _, longest, link = struct.unpack_from(">IHHIIII", octets)
    expect((magic, major, minor, longest, link) == (0xa1b23c4d, 2, 4, 65535, 1), "not such a capture")
    at = 24
    while at < len(octets):
        seconds, nanoseconds, size, original = struct.unpack_from(">IIII", octets, at)
        expect(size == original and at + 16 + size <= len(octets), "a frame is cut off")
        yield seconds * 10**9 + nanoseconds, octets[at + 16:at + 16 + size]
        at += 16 + size


def capture_reads():
    """A replay writes a capture with as many TCP segments as it says, with right checksums, in order of time."""
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "one.pcap"
        text = simulate(sim.build("clang"), "--seed", 6, "--trace", "--pcap", path)
        content = list(frames(path.read_bytes()))
    expect(simulate(sim.build("clang"), "--seed", 6, "--trace") == text, "watching changes the trace")
    segments = 0
    for _, frame in content:
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        segments += 1
        pseudo = frame[26:34] + struct.pack(">HH", 6, len(frame) - 34)
        expect(checksum(frame[14:34]) == 0 and checksum(pseudo + frame[34:]) == 0, "a wrong checksum")
    told = int(text.split()[text.split().index("segments") + 1])
    expect(segments == told > 0, f"{segments} segments in the capture, {told} were sent")
    expect([time for time, _ in content] == sorted(time for time, _ in content), "time goes back")
    return f"{len(content)} frames"


def golden_table():
    """Throughput is where theory has it, and docs/sim.md says so."""
    code, text = shell.capture([sim.build("clang"), "--table"], SECONDS)
    expect(code == 0, text)
    document = sim.DOCUMENT.read_text()
    if sim.with_table(document, text) != document:
        raise Failure(f"the table has changed; if that is right: ./uk sim --write\n{text}")


def cases():
    """All of them."""
    yield Case("its own tests (clang)", lambda: self_test("clang"))
    yield Case("its own tests (gcc)", lambda: self_test("gcc"))
    yield Case("seeds that once found a bug", regressions)
    for number in range(BLOCKS):
        first = 1 + number * BLOCK
        yield Case(f"scenarios {first} to {first + BLOCK - 1}", lambda n=number: block(n))
    yield Case("same traces on both compilers", same_traces)
    yield Case("under sanitizers", sanitized)
    yield Case("a capture of a replay", capture_reads)
    yield Case("golden table", golden_table)


def run(context):
    """Yields the Results."""
    return run_cases(context, cases())


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases() if context.wants(case.name)]
