# SPDX-License-Identifier: BSL-1.0
"""`uk test`: runs suites, prints each result as it comes, and ends with one line of counts."""

import importlib.util
import sys
import time
from collections import Counter

from tool import packages
from tool.cases import FAILED, PASSED, SKIPPED, Context, Result
from tool.fault import Fault, unknown
from tool.shell import ROOT, say

# In the order of their cost: the cheap ones report first.
SUITES = {
    "layout": "tests/layout/run.py",
    "tool": "tool/selftest.py",
    "fail": "tests/fail/run.py",
    "unit": "tool/unit.py",
    "packetdrill": "tests/packetdrill/run.py",
    "fuzz": "tests/fuzz/run.py",
    "sim": "tests/sim/run.py",
    "boot": "tests/boot/run.py",
    "peers": "tests/peers/run.py",
}
# Only where they are asked for.
LONG = {"soak": "tests/fuzz/soak.py"}


def load(name):
    """The module of a suite, which may import its siblings as `boot.harness`, `layout.rules` and so on."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.insert(0, str(ROOT / "tests"))
    spec = importlib.util.spec_from_file_location(f"suite_{name}", ROOT / (SUITES | LONG)[name])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def guarded(module, name, context):
    """The suite's results; what stops the suite itself counts as one failed case."""
    try:
        yield from module.run(context)
    except Fault as fault:
        yield Result(f"the {name} suite itself", FAILED, str(fault), 0.0)


def report(suite, result):
    """Prints one result; the output of a case only where it failed or says why it was skipped."""
    label = {PASSED: "ok", FAILED: "FAILED", SKIPPED: "skipped"}[result.state]
    note = ""
    lines = result.output.strip().splitlines()
    if lines and result.state != FAILED and len(lines) == 1:
        note, lines = f": {lines[0]}", []
    print(f"{label:<7} {suite} {result.name}{note} ({result.seconds:.2f} s)", flush=True)
    for line in lines:
        print(f"        {line}", flush=True)


def run_suite(name, context):
    """Runs one suite; its counts by state."""
    counts = Counter()
    begin = time.monotonic()
    for result in guarded(load(name), name, context):
        report(name, result)
        counts[result.state] += 1
    print(f"        {name}: {counts[PASSED]} of {counts.total()} in {time.monotonic() - begin:.1f} s", flush=True)
    return counts


def main(options):
    """Runs the suites asked for, or all. 1 where a case failed, or none ran."""
    for name in options.suite:
        if name not in SUITES | LONG:
            raise unknown("suite", name, SUITES | LONG)
    chosen = [name for name in SUITES | LONG if name in (options.suite or SUITES)]
    if options.seconds < 1 or options.hours <= 0:
        raise Fault("--seconds must be at least 1, --hours more than 0", 2)
    context = Context(options.filter, options.long, options.seconds, options.hours, options.merge)
    if options.graph:
        return load("layout").print_graph(options.dot)
    packages.ensure("build", "run", "test", *(name for name in ("peers",) if name in chosen))
    if options.list:
        for name in chosen:
            for case in load(name).names(context):
                print(f"{name} {case}")
        return 0
    total = Counter()
    for name in chosen:
        total += run_suite(name, context)
    skipped = f", {total[SKIPPED]} skipped" if total[SKIPPED] else ""
    if not total[PASSED] and not total[FAILED]:
        say("uk: no test ran; the names are shown by: ./uk test --list")
    print(f"{total[PASSED]} passed, {total[FAILED]} failed{skipped}", flush=True)
    return 1 if total[FAILED] or not total[PASSED] else 0
