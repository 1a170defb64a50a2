# SPDX-License-Identifier: BSL-1.0
"""The layout suite's cases. `./uk test layout --graph [--dot]` prints the graph of includes."""

import re

from layout import levels, rules, selftest
from tool import shell
from tool.cases import Case, expect, run_cases
from tool.shell import ROOT

INCLUDE = ROOT / "include" / "uk"
FOLDER = ROOT / "tests" / "layout"
FLAGS = ["-x", "c++", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror",
         "-fno-exceptions", "-fno-rtti", f"-I{ROOT / 'include'}"]
COMPILERS = {"clang": ["clang++-19", "-std=c++26"], "gcc": ["g++", "-std=c++23"]}
TEXT = {".hpp", ".cpp", ".py", ".S", ".ld", ".md", ".txt", ".build", ".ini", ".options", ".sh", ""}


def headers():
    """{path below include/uk: text} of every public header."""
    return {str(p.relative_to(INCLUDE)): p.read_text() for p in sorted(INCLUDE.rglob("*.hpp"))}


def files():
    """(path, text) of every file that belongs to the repository, by Git where it can tell."""
    code, text = shell.capture(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"])
    if code == 0:
        paths = [ROOT / line for line in text.splitlines()]
    else:
        paths = [p for p in ROOT.rglob("*") if not {".git", "build"} & set(p.relative_to(ROOT).parts)]
    for path in sorted(paths):
        # A link such as examples/*/subprojects/uk leads back to the repository.
        if path.suffix in TEXT and path.is_file() and ROOT.joinpath(path).resolve() == path:
            yield str(path.relative_to(ROOT)), path.read_text(errors="replace")


def table():
    """The level table."""
    return levels.Levels((FOLDER / "levels.txt").read_text())


def refuse(sentences):
    """Raises Failure with the sentences, if there are any."""
    sentences = list(sentences)
    expect(not sentences, "\n".join(sentences))


def excused():
    """The headers of unmirrored.txt; each needs a reason."""
    rows = [line.partition(":") for line in (FOLDER / "unmirrored.txt").read_text().splitlines()
            if line.strip() and not line.startswith("#")]
    refuse(f"unmirrored.txt gives no reason for {name}" for name, _, reason in rows if not reason.strip())
    return {name.strip() for name, _, _ in rows}


def check_mirrors():
    """Headers and unit tests mirror each other, and all tests are built."""
    unit = ROOT / "tests" / "unit"
    tests = {str(p.relative_to(unit)) for p in unit.rglob("*.cpp")}
    refuse([*rules.mirrors(set(headers()), tests, excused()), *rules.built(tests, (unit / "meson.build").read_text())])


def unit_titles():
    """{file below tests/unit: the titles of its test cases}."""
    unit = ROOT / "tests" / "unit"
    return {str(p.relative_to(unit).with_suffix("")): set(rules.TEST_CASE.findall(p.read_text()))
            for p in unit.rglob("*.cpp")}


def check_tcp_page():
    """docs/tcp.md names tests that exist, and has a row for each MUST of RFC 9293."""
    page = (ROOT / "docs" / "tcp.md").read_text()
    refuse([*rules.named_tests("docs/tcp.md", page, unit_titles()), *rules.requirements("docs/tcp.md", page, 69)])


def counter_names():
    """Every "part.counter" of the headers: those of a part's own file, of what it inherits, and TCP's and HTTP's."""
    own = {"virtio_net": ["drv/virtio_net"], "http": ["net/http_transport"], "tcp": ["net/tcp_record"]}
    for name in ("arp", "dhcp", "dns", "ethernet", "icmp", "igmp", "ipv4", "udp"):
        own[name] = [f"net/{name}"]
    text = headers()
    for part, files_of in own.items():
        for file in files_of:
            for found in re.finditer(r"names =((?:\s*\"[^\"]*\")+)", text[f"{file}.hpp"]):
                yield from (f"{part}.{word}" for word in "".join(re.findall(r'"([^"]*)"', found[1])).split())


def check_bad_input_page():
    """docs/bad-input.md has a row for each class, and all that it names exists."""
    from boot import catalogue, frames  # pylint: disable=import-outside-toplevel
    from fuzz import seeds              # pylint: disable=import-outside-toplevel
    made = catalogue.catalogue(frames.Sender(bytes(6), bytes(4)), 1)
    known = {"seeds": seeds.names(), "frames": {bad.name for bad in made}, "counters": set(counter_names())}
    wanted = [f"BI-{number:02}" for number in (*range(1, 9), 14, *range(16, 29), 30, 31, *range(33, 37))]
    page = (ROOT / "docs" / "bad-input.md").read_text()
    refuse([*rules.named_tests("docs/bad-input.md", page, unit_titles()),
            *rules.bad_input("docs/bad-input.md", page, known, wanted),
            *(f"catalogue.py counts on {name}, which does not exist" for bad in made for name in bad.counters
              if name not in known["counters"])])


def compile_alone(name, compiler):
    """A header compiles with nothing before it, without a warning."""
    command = [*COMPILERS[compiler], *FLAGS, "-include", f"uk/{name}", "/dev/null"]
    code, output = shell.capture(command, 120, cwd=ROOT)
    expect(code == 0, output)


def rule_case(rule):
    """One case for a rule over every file."""
    return Case(rule.__name__.replace("_", " "),
                lambda: refuse(text for path, content in files() for text in rule(path, content)))


def cases():
    """The rules' own test, the rules, then each header alone."""
    def on_graph(check):
        return lambda: refuse(check(levels.graph(headers())))

    yield Case("the rules themselves", selftest.check)
    yield Case("includes point down", on_graph(lambda edges: levels.pointing_up(table(), edges)))
    yield Case("rooms stay apart", on_graph(levels.between_rooms))
    yield Case("no circles", on_graph(levels.cycles))
    yield Case("libraries have one door", lambda: refuse(levels.foreign(headers())))
    yield Case("mirrors", check_mirrors)
    yield Case("docs/tcp.md is true", check_tcp_page)
    yield Case("docs/bad-input.md is true", check_bad_input_page)
    yield from map(rule_case, rules.EACH_FILE)
    for name in headers():
        for compiler in COMPILERS:
            yield Case(f"{name} alone ({compiler})", lambda n=name, c=compiler: compile_alone(n, c))


def run(context):
    """Yields the Results, two compilers at a time."""
    return run_cases(context, cases(), workers=2)


def names(context):
    """The names of the wanted cases."""
    return [case.name for case in cases() if context.wants(case.name)]


def print_graph(dot):
    """Prints the graph of includes."""
    edges = levels.graph(headers())
    print(levels.as_dot(table(), edges) if dot else levels.as_text(table(), edges))
    return 0
