# SPDX-License-Identifier: BSL-1.0
"""The fuzz targets of tests/fuzz: how they are built, what they start from, how one of them is run."""

import functools
import re
import shutil
import threading
import time
from dataclasses import dataclass

from tool import shell
from tool.fault import Fault
from tool.shell import BUILD, ROOT

FOLDER = ROOT / "tests" / "fuzz"
WHERE = BUILD / "fuzz"                  # the build
WORK = BUILD / "fuzz-work"              # what fuzzing has found so far: TARGET/ of inputs, found/ of crashes
CORPUS = FOLDER / "corpus"              # TARGET/ of committed inputs
LONGEST = 1024                          # octets of an input
SECONDS = 10                            # for one input; more is a hang
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
              "UBSAN_OPTIONS": "print_stacktrace=1"}


def targets():
    """The names of all targets, as their build has them."""
    listed = re.search(r"targets = \[(.*?)\]", (FOLDER / "meson.build").read_text(), re.S)
    return re.findall(r"'(\w+)'", listed[1])


_building = threading.Lock()


def build(name):
    """The program of one target, or of the control; built once per run."""
    with _building:
        return _build(name)


@functools.cache
def _build(name):
    if not (WHERE / "build.ninja").exists():
        shell.work("setting up the fuzz targets", ["meson", "setup", WHERE, FOLDER], {"CXX": "clang++-19"})
    shell.work(f"building the fuzz target {name}", ["ninja", "-C", WHERE, name])
    return WHERE / name


def folder(*parts):
    """A folder below WORK, made where there is none."""
    path = WORK.joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_seeds(target, seeds):
    """The folder of the target's seeds: {name: octets}, anew each time."""
    path = WORK / "seeds" / target
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    for name, octets in seeds.items():
        (path / name).write_bytes(octets)
    return path


@dataclass
class Outcome:
    """What came of a run."""
    code: int
    text: str
    seed: int
    executions: int = 0
    coverage: str = ""
    found: tuple = ()       # inputs that broke something

    def note(self):
        """One line."""
        return f"seed {self.seed}, {self.executions:,} executions, {self.coverage or 'no coverage'}"


def common(target):
    """The options that all runs of a target have."""
    return [f"-max_len={LONGEST}", f"-timeout={SECONDS}", "-rss_limit_mb=2048", "-print_final_stats=1",
            f"-artifact_prefix={folder('found')}/{target}-"]


def fuzz(target, program, folders, seconds, seed):
    """Fuzzes for `seconds`; the first of `folders` takes what is new."""
    before = set(folder("found").iterdir())
    command = [program, *common(target), f"-max_total_time={seconds}", f"-seed={seed}", *folders]
    code, text = shell.capture(command, seconds + 120, SANITIZERS)
    found = tuple(sorted(set(folder("found").iterdir()) - before))
    units = re.findall(r"number_of_executed_units: (\d+)", text)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", text)
    return Outcome(code, text, seed, int(units[-1]) if units else 0,
                   "cov {} ft {}".format(*covered[-1]) if covered else "",
                   tuple(path for path in found if path.name.startswith(f"{target}-")))


def replay(program, files):
    """Runs each input once; (exit code, what was said)."""
    return shell.capture([program, f"-timeout={SECONDS}", f"-artifact_prefix={folder('found')}/", *files], 300,
                         SANITIZERS)


def why(text):
    """The lines of a report that say what broke."""
    kept = [line for line in text.splitlines() if not re.match(r"(Running|Executed) |Running:", line) and
            re.search(r"broken promise|panic:|ERROR:|SUMMARY|runtime error|ALARM|tests/fuzz|include/uk", line)]
    return "\n".join(line[:200] for line in kept[:25]) or "\n".join(text.splitlines()[-20:])


def merge(target, program, seeds):
    """Makes the committed corpus anew, as small as it covers what it and fuzzing have covered."""
    now = CORPUS / target
    kept = {path.name: path.read_bytes() for path in now.iterdir() if "-" in path.name} if now.exists() else {}
    fresh = WORK / "merged" / target
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    begin = time.monotonic()
    code, text = shell.capture([program, f"-max_len={LONGEST}", "-set_cover_merge=1", "-use_counters=0", fresh,
                                *(path for path in (now, folder("corpus", target), seeds) if path.exists())], 3600,
                               SANITIZERS)
    if code != 0:
        raise Fault(f"merging the corpus of {target} failed:\n{why(text)}")
    shutil.rmtree(now, ignore_errors=True)
    now.mkdir(parents=True)
    for path in fresh.iterdir():
        if not (seeds / path.name).exists():
            shutil.copy(path, now / path.name[:16])
    for name, octets in kept.items():
        (now / name).write_bytes(octets)
    sizes = [path.stat().st_size for path in now.iterdir()]
    return f"{len(sizes)} inputs, {sum(sizes):,} octets, {time.monotonic() - begin:.0f} s"
