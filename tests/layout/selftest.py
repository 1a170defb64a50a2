# SPDX-License-Identifier: BSL-1.0
"""Shows every layout rule something bad that it must refuse, and something good that it must accept."""

from layout import rules, source
from layout.levels import Levels, between_rooms, cycles, foreign, graph, pointing_up
from tool.cases import expect

TABLE = "low: a b\nrooms: net/* drv/*\nhigh: top\n"
LONG = "int f() {\n" + "  g();\n" * 69 + "}\n"
PY_LONG = "def f():\n" + "    g()\n" * 70

# (rule, path, bad text, good text)
FILES = [
    (rules.license_line, "src/a.cpp", "int a;\n", "// " + rules.LICENSE + "\n"),
    (rules.license_line, "tool", "#!/bin/sh\ntrue\n", "#!/bin/sh\n# " + rules.LICENSE + "\n"),
    (rules.length, "src/a.cpp", "\n" * 601, "\n" * 600),
    (rules.length, "src/a.cpp", "x" * 121, "x" * 120),
    (rules.length, "tests/a.cpp", "// " + "x" * 121, "// expect-gcc: " + "x" * 121),
    (rules.length, "src/a.cpp", "x ", "x"),
    (rules.function_length, "src/a.cpp", LONG, LONG.replace("  g();\n", "", 1)),
    (rules.function_length, "src/a.cpp", "struct s {\n s() : a_{1}, b_(2)\n {" + "\n" * 70 + "}\n};",
     "namespace n {" + "\n" * 99 + "struct s {" + "\n" * 99 + "}; }"),
    (rules.function_length, "src/a.cpp", "void f() {\n for (;;) { if (a) { b(\"}\"); } }" + "\n" * 70 + "}",
     "int f(); // {\nint table[] = {" + "\n" * 99 + "};"),
    (rules.function_length, "tool/a.py", PY_LONG, PY_LONG.replace("    g()\n", "", 1)),
    (rules.pragma_once, "include/uk/a.hpp", "int a;\n", "#pragma once\n"),
    (rules.macros, "include/uk/a.hpp", "#  define A 1\n", "// #define A 1\n"),
    (rules.macros, "include/uk/config.hpp", "#define PRINT 1\n", "#define FMT_HEADER_ONLY 1\n"),
    (rules.banned_words, "include/uk/a.hpp", "virtual void f();", "// virtual, throw\nauto s = \"throw\";"),
    (rules.banned_words, "src/a.cpp", "try { f(); }", "entry();"),
    (rules.bound_arguments, "include/uk/a.hpp", "x = std::min(y,\n  Limits.z);", "x = std::min(y, int{Limits.z});"),
    (rules.bound_arguments, "include/uk/a.hpp", "std::chrono::seconds(Limits.z)", "seconds(Limits.z); std::min(a, b);"),
    (rules.machine_paths, "a.md", "see /ho" "me/me/x", "see https://example.org/home/x and docs/home/x"),
    (rules.machine_paths, "a.md", "@aut" "hor me", "the author"),
]

# (check of a graph, bad headers, good headers)
GRAPHS = [
    (lambda e: pointing_up(Levels(TABLE), e), {"a.hpp": "#include <uk/top.hpp>", "top.hpp": ""},
     {"top.hpp": "#include <uk/a.hpp>", "a.hpp": "#include <uk/b.hpp>", "b.hpp": ""}),
    (lambda e: pointing_up(Levels(TABLE), e), {"unknown.hpp": ""}, {"net/x.hpp": ""}),
    (lambda e: pointing_up(Levels(TABLE), e), {"a.hpp": "#include <uk/gone.hpp>"}, {"a.hpp": "#include <span>"}),
    (between_rooms, {"net/x.hpp": "#include <uk/drv/y.hpp>", "drv/y.hpp": ""},
     {"net/x.hpp": "#include <uk/net/z.hpp>", "net/z.hpp": "// #include <uk/drv/y.hpp>"}),
    (cycles, {"a.hpp": "#include <uk/b.hpp>", "b.hpp": "#include <uk/a.hpp>"}, {"a.hpp": "#include <uk/b.hpp>"}),
]

FOREIGN = [
    ({"net/x.hpp": "#include <fmt/core.h>"}, {"print_float.hpp": "#include <fmt/core.h>"}),
    ({"a.hpp": "#include <boost/hana/tuple.hpp>"}, {"meta.hpp": "#include <boost/hana/tuple.hpp>"}),
    ({"meta.hpp": "#include <boost/hana.hpp>"}, {"meta.hpp": "#include <boost/hana/type.hpp>"}),
    ({"a.hpp": '#include "b.hpp"'}, {"a.hpp": "#include <uk/b.hpp>"}),
]

# (headers, tests, excused)
BAD_MIRRORS = [({"a.hpp"}, set(), set()), (set(), {"a.cpp"}, set()), (set(), set(), {"a.hpp"}),
               ({"a.hpp"}, {"a.cpp"}, {"a.hpp"})]

ROW = '| MUST-1 | a | met | b | `net/x` "it works" |\n'
TESTS = {"net/x": {"it works"}}
BAD_ROWS = [ROW + ROW, "", ROW.replace("-1 ", "-2 "), ROW + ROW.replace("-1 ", "-2 "), ROW.replace("met", "perhaps"),
            ROW.replace("| b |", "|  |"), ROW.replace('`net/x` "it works"', ""),
            ROW.replace('`net/x` "it works"', "").replace("met", "in part")]


CLASS_ROW = '| BI-01 | a | `net/x` "it works" | seed `t/BI-01` | frames `BI-01` | `p.c` |\n'
KNOWN = {"seeds": {"t/BI-01-a"}, "frames": {"BI-01 a"}, "counters": {"p.c"}}
BAD_CLASSES = ["", CLASS_ROW * 2, CLASS_ROW.replace("BI-01 |", "BI-02 |"), CLASS_ROW.replace("| a |", "| |"),
               CLASS_ROW.replace("p.c", "p.d"), CLASS_ROW.replace("t/BI", "u/BI"),
               CLASS_ROW.replace("s `BI-01", "s `BI-03"),
               CLASS_ROW.replace('`net/x` "it works"', "none")]


def check_page_rules():
    """Those of docs/tcp.md and docs/bad-input.md."""
    for page in BAD_CLASSES:
        expect(list(rules.bad_input("a.md", page, KNOWN, ["BI-01"])), f"bad_input() accepts {page!r}")
    expect(not list(rules.bad_input("a.md", CLASS_ROW, KNOWN, ["BI-01"])), "bad_input() is too strict")
    for page in ('see `net/x` "it does"', 'see `net/y` "it works"', 'see `net/x` "it works"; `net/x` "it"'):
        expect(list(rules.named_tests("a.md", page, TESTS)), f"named_tests() accepts {page}")
    expect(not list(rules.named_tests("a.md", ROW, TESTS)), "named_tests() is too strict")
    for page in BAD_ROWS:
        expect(list(rules.requirements("a.md", page, 1)), f"requirements() accepts {page!r}")
    for page in (ROW, "| MUST-1 | a | not met | why | |\n"):
        expect(not list(rules.requirements("a.md", page, 1)), f"requirements() refuses {page!r}")
    found = rules.TEST_CASE.findall('TEST_CASE(\n    "a") {}\nTEST_CASE("b") {\n}')
    expect(found == ["a", "b"], "TEST_CASE misses one")


def check():
    """Raises Failure for a rule that is too strict or too lax."""
    for rule, path, bad, good in FILES:
        expect(list(rule(path, bad)), f"{rule.__name__} accepts {bad[:60]!r}")
        expect(not list(rule(path, good)), f"{rule.__name__} refuses {good[:60]!r}")
    for number, (rule, bad, good) in enumerate(GRAPHS):
        expect(list(rule(graph(bad))), f"graph rule {number} accepts {bad}")
        expect(not list(rule(graph(good))), f"graph rule {number} refuses {good}")
    for bad, good in FOREIGN:
        expect(list(foreign(bad)), f"foreign() accepts {bad}")
        expect(not list(foreign(good)), f"foreign() refuses {good}")
    for case in BAD_MIRRORS:
        expect(list(rules.mirrors(*case)), f"mirrors() accepts {case}")
    expect(not list(rules.mirrors({"a.hpp", "b.hpp"}, {"a.cpp", "main.cpp"}, {"b.hpp"})), "mirrors() is too strict")
    expect(list(rules.built({"a.cpp", "b/c.cpp"}, "x = ['b/c']\nunit_tests = [\n  'a',\n]\n")),
           "built() accepts a lack")
    expect(not list(rules.built({"a.cpp", "b/c.cpp", "main.cpp"}, "unit_tests = [\n  'a', 'b/c',\n]\n")),
           "built() is too strict")
    check_page_rules()
    expect(source.cpp_functions("int f() {\n}\nint g(int a) {\n\n}\n") == [(1, 2), (3, 3)], "cpp_functions() miscounts")
