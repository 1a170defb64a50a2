# SPDX-License-Identifier: BSL-1.0
"""The unit suite: builds tests/unit with both compilers under sanitizers and counts every doctest case. Other suites of
hosted tests are parts of the same build, under the suite's name that their meson.build gives them."""

import json
import time
import xml.etree.ElementTree as ElementTree

from tool import shell
from tool.cases import FAILED, PASSED, Result
from tool.fault import Fault
from tool.shell import BUILD, ROOT

COMPILERS = {"gcc": "g++", "clang": "clang++-19"}
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
SECONDS = 300   # for one test program


def prepare(name, suite, targets):
    """The folder of one compiler, configured and with the suite's `targets` built; none: all."""
    where = BUILD / f"unit-{name}"
    if not (where / "build.ninja").exists():
        # Clang links its sanitizers' run time only into the program, so that shared checks for undefined names fail.
        extra = ["-Db_lundef=false"] if name == "clang" else []
        shell.work(f"setting up the unit tests for {name}",
                   ["meson", "setup", where, ROOT, "-Dtests=true", "-Db_sanitize=address,undefined", *extra],
                   {"CXX": COMPILERS[name]})
    shell.work(f"building the {suite} tests with {name}", ["ninja", "-C", where, *targets])
    return where


def programs(where, suite):
    """(name, command) of every test of the suite that Meson knows in the folder."""
    code, text = shell.capture(["meson", "introspect", "--tests", where])
    if code != 0:
        raise Fault(f"meson introspect failed: {text.strip()}")
    return [(test["name"], test["cmd"]) for test in json.loads(text)
            if any(name.split(":")[-1] == suite for name in test["suite"])]


def run(context, suite="unit", targets=()):
    """Yields one Result per doctest case and compiler."""
    for compiler in COMPILERS:
        try:
            tests = programs(prepare(compiler, suite, targets), suite)
        except Fault as fault:
            yield Result(f"{compiler} build", FAILED, str(fault), 0.0)
            continue
        for name, command in tests:
            yield from run_program(context, f"{compiler} {name}", command)


def run_program(context, label, command):
    """Runs one doctest program; its cases by its XML report, and one failed case more where it broke off."""
    begin = time.monotonic()
    out = BUILD / f"{label.replace(' ', '-').replace('/', '-')}.xml"
    out.unlink(missing_ok=True)
    code, text = shell.capture([*command, "--reporters=xml", f"--out={out}", "--duration=true"], SECONDS, SANITIZERS)
    results = list(parse(label, out.read_text(errors="replace") if out.exists() else ""))
    yield from (result for result in results if context.wants(result.name))
    failed = any(result.state == FAILED for result in results)
    # What a sanitizer says stands on stderr, beside the report that the crash cut short.
    if code != 0 and (text.strip() or not failed):
        yield Result(f"{label} ended with {code}", FAILED, text, time.monotonic() - begin)
    elif not results:
        yield Result(f"{label} held no case", FAILED, text, time.monotonic() - begin)


def parse(label, report):
    """The Results in a doctest XML report. A report cut off by a crash yields the cases before it."""
    for _, case in events(report):
        verdict = case.find("OverallResultsAsserts") if case.tag == "TestCase" else None
        if verdict is None or case.get("skipped") == "true":
            continue
        good = verdict.get("test_case_success") == "true"
        yield Result(f"{label}: {case.get('name')}", PASSED if good else FAILED, "" if good else details(case),
                     float(verdict.get("duration", 0)))


def events(report):
    """The closed elements of a report, up to where it ends or breaks off."""
    reader = ElementTree.XMLPullParser(["end"])
    try:
        reader.feed(report)
        yield from reader.read_events()
    except ElementTree.ParseError:
        return


def details(case):
    """What failed in a case, from its report."""
    lines = []
    for item in case.iter():
        if item.tag == "Expression" and item.get("success") == "false":
            original, expanded = (item.findtext(tag, "").strip() for tag in ("Original", "Expanded"))
            lines.append(f"{item.get('filename')}:{item.get('line')}: {item.get('type')}( {original} )  is: {expanded}")
        elif item.tag in ("Exception", "Message"):
            lines.append(f"{item.get('filename', case.get('filename'))}:{item.get('line', '')}: "
                         + " ".join("".join(item.itertext()).split()))
    return "\n".join(lines) or f"{case.get('filename')}:{case.get('line')}"


def names(context, suite="unit", targets=()):
    """The cases of both compilers."""
    for compiler in COMPILERS:
        for name, command in programs(prepare(compiler, suite, targets), suite):
            text = shell.capture([*command, "--list-test-cases", "--no-version=true"])[1]
            for line in text.splitlines():
                if line and not line.startswith(("[doctest]", "===")) and context.wants(line):
                    yield f"{compiler} {name}: {line}"
