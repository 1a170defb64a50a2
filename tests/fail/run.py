# SPDX-License-Identifier: BSL-1.0
"""The fail suite: each promised compile error, on both compilers, matched on its diagnostic line alone.

A case is tests/fail/NAME.cpp. Comments at its top say what must come:

    // expect: REGEX            for both compilers, or
    // expect-clang: REGEX      and  // expect-gcc: REGEX
    // errors: N                at most N error lines (default 1)
    // target: kvm              what the build is for (default hosted)

It must compile cleanly with -DUK_CONTROL, which selects its good twin, so that it cannot fail for another reason.
"""

import re
from pathlib import Path

from tool import shell
from tool.cases import Case, Failure, expect, run_cases
from tool.shell import ROOT

FOLDER = Path(__file__).resolve().parent
COMPILERS = {
    "clang": ["clang++-19", "-std=c++26"],
    "gcc": ["g++", "-std=c++23"],
}
FLAGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fno-exceptions",
         "-fno-rtti", "-fdiagnostics-color=never", f"-I{ROOT / 'include'}"]
TARGETS = {"hosted": [], "kvm": ["-DUK_TARGET_KVM=1"]}
NOTE = re.compile(r"^//\s*(expect(?:-clang|-gcc)?|errors|target):\s*(.+?)\s*$")
ERROR = re.compile(r"^\S.*?:\s*(?:fatal )?error: (.*)$")


def notes(text):
    """The notes at the top of a case, up to its first line that is no comment."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("//"):
            break
        if note := NOTE.match(line):
            found[note[1]] = note[2]
    return found


def judge(found, compiler, code, output):
    """Raises Failure unless `output` holds exactly the promised error."""
    pattern = found.get(f"expect-{compiler}", found.get("expect"))
    expect(pattern, f"the case does not say what to expect; add // expect-{compiler}: REGEX")
    errors = [line for line in output.splitlines() if ERROR.match(line)]
    expect(code != 0 and errors, f"it compiled, but must not; promised was: {pattern}")
    expect(re.search(pattern, ERROR.match(errors[0])[1]),
           f"the first error line is\n  {errors[0]}\nbut promised was\n  {pattern}\n{output}")
    most = int(found.get("errors", 1))
    expect(len(errors) <= most, f"{len(errors)} error lines, at most {most} were promised:\n" + "\n".join(errors))


def check(path, compiler):
    """Compiles one case as its good twin and as itself."""
    found = notes(path.read_text())
    target = found.get("target", "hosted")
    expect(target in TARGETS, f"unknown target '{target}'; there are: {', '.join(TARGETS)}")
    command = [*COMPILERS[compiler], *FLAGS, *TARGETS[target], path.relative_to(ROOT)]
    code, output = shell.capture([*command, "-DUK_CONTROL"], 120, cwd=ROOT)
    expect(code == 0, f"the control does not compile:\n{output}")
    judge(found, compiler, *shell.capture(command, 120, cwd=ROOT))


def self_test():
    """The judge must accept what was promised and refuse everything else."""
    found = {"expect": "needs port::ip"}
    good = "a.hpp:3:1: error: static assertion failed: tcp needs port::ip, add it\na.cpp:9:2: note: required from here"
    judge(found, "gcc", 1, good)
    judge({**found, "errors": "2"}, "gcc", 1, f"{good}\nb.cpp:1:1: error: more")
    bad = {
        "a case that compiles": (0, ""),
        "another error": (1, "a.cpp:1:1: error: 'x' was not declared"),
        "the text in a note only": (1, "a.cpp:1:1: error: no\na.cpp:2:1: note: needs port::ip"),
        "the text in a later error only": (1, f"a.cpp:1:1: error: no\n{good}"),
        "the text in the file's name only": (1, "needs port::ip.cpp:1:1: error: no"),
        "two errors": (1, f"{good}\nb.cpp:1:1: error: more"),
    }
    for name, result in bad.items():
        try:
            judge(found, "gcc", *result)
        except Failure:
            continue
        raise Failure(f"the judge accepted {name}")


def cases():
    """Every case once per compiler, after the runner's own test."""
    yield Case("the runner itself", self_test)
    for path in sorted(FOLDER.glob("*.cpp")):
        for compiler in COMPILERS:
            yield Case(f"{path.stem} ({compiler})", lambda path=path, compiler=compiler: check(path, compiler))


def run(context):
    """Yields the Results, two compilers at a time."""
    return run_cases(context, cases(), workers=2)


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases() if context.wants(case.name)]
