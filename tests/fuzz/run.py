# SPDX-License-Identifier: BSL-1.0
"""The fuzz suite: what is committed and the seeds of the catalogue of bad input are replayed, then each target is
fuzzed for a while. `./uk test soak` does the latter for hours.
"""

import os
import random

from fuzz import seeds
from tool import fuzz
from tool.cases import Case, expect, run_cases

WORKERS = 2             # machines of continuous integration have two cores
MOST = 256 * 1024       # octets of all committed inputs


def prepared(target):
    """The target's program and the folder of its seeds."""
    return fuzz.build(target), fuzz.write_seeds(target, seeds.of(target))


def seed():
    """That of a run: UK_SEED, or another each time."""
    return int(os.environ.get("UK_SEED") or random.randrange(1, 2**31))


def committed(target):
    """The target's committed inputs."""
    path = fuzz.CORPUS / target
    return sorted(path.iterdir()) if path.exists() else []


def replays(target):
    """All inputs that are known, once."""
    program, folder = prepared(target)
    files = [*committed(target), *sorted(folder.iterdir())]
    expect(files, f"{target} has no input")
    code, text = fuzz.replay(program, files)
    expect(code == 0, f"{fuzz.why(text)}\nreplay one with: {program} FILE")
    return f"{len(files)} inputs"


def fuzzes(target, seconds):
    """New ones."""
    program, folder = prepared(target)
    corpus = fuzz.CORPUS / target
    done = fuzz.fuzz(target, program, [fuzz.folder("corpus", target), *([corpus] if corpus.exists() else []), folder],
                     seconds, seed())
    told = "\n".join(f"kept; replay it with: {program} {path}" for path in done.found)
    expect(done.code == 0, f"{done.note()}\n{fuzz.why(done.text)}\n{told}")
    expect(done.executions > 100, f"hardly anything was tried: {done.note()}")
    return done.note()


def finds():
    """A bug that is there is found, kept and told of."""
    program = fuzz.build("control")
    empty = fuzz.folder("control")
    done = fuzz.fuzz("control", program, [empty], 60, 1)
    for path in empty.iterdir():
        path.unlink()
    expect(done.code != 0 and done.found, f"the bug of the control was not found:\n{done.text[-2000:]}")
    expect("broken promise" in fuzz.why(done.text), "it was not told what broke")
    code, _ = fuzz.replay(program, done.found)
    for path in done.found:
        path.unlink()
    expect(code != 0, "the input that was kept does not show the bug")


def small():
    """What is committed stays small."""
    total = sum(path.stat().st_size for target in fuzz.targets() for path in committed(target))
    expect(0 < total <= MOST, f"the committed corpora have {total:,} octets, at most {MOST:,} are allowed; "
                              "make them anew with: ./uk test fuzz --merge")
    return f"{total:,} octets"


def cases(context):
    """All of them; the programs are built by the replays."""
    yield Case("the committed corpora are small", small)
    yield Case("a bug is found and kept", finds)
    for target in fuzz.targets():
        yield Case(f"{target} replays its corpus", lambda t=target: replays(t))
    for target in fuzz.targets():
        yield Case(f"{target} for {context.seconds} s", lambda t=target: fuzzes(t, context.seconds))


def merges():
    """One case for each target: its committed corpus made anew."""
    for target in fuzz.targets():
        yield Case(f"{target}: corpus made anew", lambda t=target: fuzz.merge(t, *prepared(t)))


def run(context):
    """Yields the Results: first those that build, one by one, then two at a time."""
    if context.merge:
        yield from run_cases(context, merges())
        return
    every = list(cases(context))
    quick = [case for case in every if not case.name.endswith(" s")]
    yield from run_cases(context, quick)
    yield from run_cases(context, every[len(quick):], WORKERS)


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases(context) if context.wants(case.name)]
