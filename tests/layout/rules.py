# SPDX-License-Identifier: BSL-1.0
"""Rules for single files. Each takes (path, text) with the path as below the repository, and yields sentences."""

import re

from layout import source

FILE_LINES = 600
FUNCTION_LINES = 70
COLUMNS = 120
PROMISE = re.compile(r"// (?:expect|resolve)[\w-]*: ")    # an expected text stands on one line, however long
LICENSE = "SPDX-License-Identifier: BSL-1.0"
CPP = (".hpp", ".cpp")
CODE = CPP + (".py", ".S", ".ld", ".sh")
BANNED = re.compile(r"\b(virtual|throw|dynamic_cast|typeid|reinterpret_pointer_cast)\b|\b(try|catch)\s*[({]")
# A function of the library that takes references, and a member of a template argument among what it is given.
BOUND = re.compile(r"\bstd::(?:min|max|clamp|chrono::\w+)(?:<[^<>]*>)?\([^;{}]*?\b(?:Limits|Options)\.\w+")
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)", re.M)
# Headers that may define macros, and the names that they may define: our switches, fmt's own configuration.
MACROS = {"config.hpp": r"UK_|FMT_"}
# Paths of somebody's machine, and signatures, which belong into the history. Written so as not to match themselves.
MACHINE = re.compile(r"(?<![\w.$}])/(?:home|root|work|mnt|Users)/\w|(?<![\w.$}])/tmp/\w")
SIGNED = re.compile(r"(?i)@" r"author\b|co-" r"authored-by|generated " r"(?:by|with) \w*(?:ai|gpt)\b")

# A unit test as a page names it, a test case as its file does, and a row of a table of requirements.
NAMED = re.compile(r'`(\w+(?:/\w+)*)` "([^"]+)"')
TEST_CASE = re.compile(r'TEST_CASE\(\s*"([^"]+)"\s*\)')
SEED = re.compile(r"seed `(\w+/[\w-]+)`")
FRAMES = re.compile(r"frames `([\w-]+)`")
COUNTER = re.compile(r"`(\w+)\.(\w+)`")
CLASS = re.compile(r"\| (BI-\d+) \|(.*)\|$")
REQUIREMENT = re.compile(r"\| MUST-(\d+) \| [^|]+ \| ([^|]*?) *\| ([^|]*?) *\|(.*)\|$")


def header(path):
    """The path below include/uk, or None."""
    return path.removeprefix("include/uk/") if path.startswith("include/uk/") else None


def license_line(path, text):
    """The licence stands on the first line (the second under a #! line)."""
    if path.endswith(CODE) or text.startswith("#!"):
        lines = text.splitlines()[:2]
        if not any(LICENSE in line for line in lines[:2 if text.startswith("#!") else 1]):
            yield f"{path}:1: the first line is not: {LICENSE}"


def length(path, text):
    """Files stay short, and so do lines."""
    if not path.endswith(CODE):
        return
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        yield f"{path}: {len(lines)} lines, at most {FILE_LINES} are allowed"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and not PROMISE.match(line):
            yield f"{path}:{number}: {len(line)} columns, at most {COLUMNS} are allowed"
        if line != line.rstrip() or "\t" in line and not path.endswith(".S"):
            yield f"{path}:{number}: a tab, or a blank at the line's end"


def function_length(path, text):
    """Functions stay short."""
    functions = ()
    if path.endswith(CPP):
        functions = source.cpp_functions(text)
    elif path.endswith(".py"):
        functions = source.python_functions(text)
    for line, lines in functions:
        if lines > FUNCTION_LINES:
            yield f"{path}:{line}: a function of {lines} lines, at most {FUNCTION_LINES} are allowed"


def pragma_once(path, text):
    """Headers are included once."""
    if path.endswith(".hpp") and not re.search(r"^#pragma once$", text, re.M):
        yield f"{path}: #pragma once is missing"


def macros(path, text):
    """Public headers define no macro but those that MACROS names."""
    name = header(path)
    if name is None:
        return
    for macro in DEFINE.findall(source.plain(text)):
        if not re.match(MACROS.get(name, r"$."), macro):
            yield f"{path}: defines the macro {macro}"


def banned_words(path, text):
    """No virtual functions, no exceptions, no RTTI in what goes into an image."""
    if path.startswith(("include/", "src/")) and path.endswith(CPP):
        for number, line in enumerate(source.plain(text).splitlines(), 1):
            if found := BANNED.search(line):
                yield f"{path}:{number}: uses {found[0].strip('({ ')}"


def bound_arguments(path, text):
    """No reference to a member of a template argument of class type: Clang 19 lays such an object out wrongly."""
    if path.startswith("include/") and path.endswith(CPP):
        plain = source.plain(text)
        for found in BOUND.finditer(plain):
            line = plain[:found.end()].count("\n") + 1
            yield f"{path}:{line}: take its value first, as std::uint32_t{{Limits.x}}"


def machine_paths(path, text):
    """Nothing names a place on somebody's machine, nor signs itself."""
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            yield f"{path}:{number}: names a path of one machine: {line.strip()[:80]}"
        if SIGNED.search(line):
            yield f"{path}:{number}: is signed: {line.strip()[:80]}"


def mirrors(headers, tests, excused):
    """Each header has its unit test and each unit test its header; `excused` are headers with a stated reason."""
    wanted = {name.removesuffix(".hpp") for name in headers}
    have = {name.removesuffix(".cpp") for name in tests} - {"main"}
    free = {name.removesuffix(".hpp") for name in excused}
    for name in sorted(wanted - have - free):
        yield f"include/uk/{name}.hpp has no tests/unit/{name}.cpp, nor a reason in tests/layout/unmirrored.txt"
    for name in sorted(have - wanted):
        yield f"tests/unit/{name}.cpp has no include/uk/{name}.hpp"
    for name in sorted(free - wanted):
        yield f"tests/layout/unmirrored.txt excuses {name}.hpp, which does not exist"
    for name in sorted(free & have):
        yield f"tests/layout/unmirrored.txt excuses {name}.hpp, which has a test"


def built(tests, text):
    """Each unit test is in the list of tests/unit/meson.build, `text`, so that it is built and run."""
    listed = set(re.findall(r"'([^']+)'", text.partition("unit_tests = [")[2].partition("]")[0]))
    for name in sorted({name.removesuffix(".cpp") for name in tests} - {"main"} - listed):
        yield f"tests/unit/{name}.cpp is not in unit_tests of tests/unit/meson.build"


def named_tests(path, text, tests):
    """Each test that a page names as `net/x` "title" exists; `tests` is {"net/x": its titles}."""
    for number, line in enumerate(text.splitlines(), 1):
        for file, title in NAMED.findall(line):
            if title not in tests.get(file, ()):
                yield f'{path}:{number}: tests/unit/{file}.cpp has no test case "{title}"'


def requirements(path, text, last):
    """A table has one row for each of MUST-1 to MUST-`last`; what is met has its test, what is not its reason."""
    seen = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (row := REQUIREMENT.match(line)):
            continue
        must, state, reason, named = int(row[1]), row[2], row[3], row[4]
        seen.append(must)
        if state not in ("met", "in part", "not met", "not applicable"):
            yield f"{path}:{number}: MUST-{must} is '{state}', which is no answer"
        elif state in ("met", "in part") and not NAMED.search(named):
            yield f"{path}:{number}: MUST-{must} names no test"
        elif not reason:
            yield f"{path}:{number}: MUST-{must} says neither where nor why not"
    for must in range(1, last + 1):
        if seen.count(must) != 1:
            yield f"{path}: MUST-{must} has {seen.count(must)} rows instead of one"
    for must in sorted(set(seen) - set(range(1, last + 1))):
        yield f"{path}: there is no MUST-{must}"


def bad_input(path, text, known, classes):
    """A table has one row for each of `classes`, with six cells that say something. What it names is `known`: "seeds"
    and "frames" by the beginnings of their names, "counters" as part.counter.
    """
    seen = []
    for number, line in enumerate(text.splitlines(), 1):
        for kind, pattern in (("seeds", SEED), ("frames", FRAMES)):
            for name in pattern.findall(line):
                if not any(other.startswith(name) for other in known[kind]):
                    yield f"{path}:{number}: there are no {kind} {name}"
        if not (row := CLASS.match(line)):
            continue
        seen.append(row[1])
        cells = [cell.strip() for cell in row[2].split("|")]
        if len(cells) != 5 or not all(cells):
            yield f"{path}:{number}: {row[1]} leaves a cell empty"
        elif not NAMED.search(cells[1]):
            yield f"{path}:{number}: {row[1]} names no unit test"
        else:
            for counter in COUNTER.findall(cells[4]):
                if ".".join(counter) not in known["counters"]:
                    yield f"{path}:{number}: there is no counter {'.'.join(counter)}"
    for name in sorted(set(classes) ^ set(seen) | {name for name in seen if seen.count(name) > 1}):
        yield f"{path}: {name} has {seen.count(name)} rows"


EACH_FILE = [license_line, length, function_length, pragma_once, macros, banned_words, bound_arguments, machine_paths]
