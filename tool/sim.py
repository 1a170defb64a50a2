# SPDX-License-Identifier: BSL-1.0
"""`uk sim`: whole hosts on virtual time, from a seed; and the builds of the simulator that the sim suite uses."""

import functools
import subprocess
import sys

from tool import packages, shell
from tool.fault import Fault
from tool.shell import BUILD, ROOT

FOLDER = ROOT / "tests" / "sim"
DOCUMENT = ROOT / "docs" / "sim.md"
COMPILERS = {"clang": "clang++-19", "gcc": "g++"}
SANITIZED = ("-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1", "-Ddebug=true")
MARKS = ("<!-- table -->\n", "<!-- end of table -->\n")


@functools.cache
def build(compiler, target="simulate", extra=(), name=None):
    """The program `target` built by `compiler`, with `extra` options of Meson, in a folder for `name`."""
    where = BUILD / f"sim-{name or compiler}"
    if not (where / "build.ninja").exists():
        shell.work(f"setting up the simulator for {name or compiler}", ["meson", "setup", where, FOLDER, *extra],
                   {"CXX": COMPILERS[compiler]})
    shell.work(f"building {target} with {name or compiler}", ["ninja", "-C", where, target])
    return where / target


def with_table(text, table):
    """The document `text` with `table` between its marks."""
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise Fault(f"{DOCUMENT.name} has no place for the table")
    return before + begin + table + end + after


def draw_table(program, write):
    """Prints the golden table, or writes it into its document."""
    done = subprocess.run([program, "--table"], stdout=subprocess.PIPE, text=True)
    if write:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text(), done.stdout))
    else:
        print(done.stdout, end="")
    return done.returncode


def main(options):
    """Runs the scenarios asked for; 1 where one broke a promise."""
    if options.count < 1 or options.seed < 0:
        raise Fault("--count must be at least 1, --seed at least 0", 2)
    if options.pcap and options.count != 1:
        raise Fault("--pcap takes one scenario: leave --count out", 2)
    packages.ensure("build")
    program = build(options.compiler)
    if options.table or options.write:
        return draw_table(program, options.write)
    command = [program, "--seed", str(options.seed), "--count", str(options.count)]
    if options.pcap:
        command += ["--pcap", options.pcap]
    command += ["--trace"] * (options.count <= 20 or options.verbose) + ["--verbose"] * options.verbose
    shell.show(command)
    sys.stdout.flush()
    return subprocess.run(command).returncode
