# SPDX-License-Identifier: BSL-1.0
"""The level table and the graph of includes below include/uk."""

import fnmatch

from layout import source

# Heavy libraries come in through one header each.
LIBRARIES = {"boost/": "meta.hpp", "fmt/": "print_float.hpp"}


class Levels:
    """Which level a header is on, from the text of levels.txt. Headers are named as below include/uk: net/arp.hpp."""

    def __init__(self, table):
        self.names, self._rows = [], []
        for line in table.splitlines():
            name, colon, patterns = line.split("#")[0].partition(":")
            if colon:
                self.names.append(name.strip())
                self._rows += [(len(self.names) - 1, pattern) for pattern in patterns.split()]

    def level(self, header):
        """The level's number, lowest 0; None for a header that the table does not know."""
        stem = header.removesuffix(".hpp")
        return next((level for level, pattern in self._rows if fnmatch.fnmatchcase(stem, pattern)), None)


def graph(headers):
    """{header: [the headers of ours that it includes]} from {header: text}."""
    return {name: sorted(path.removeprefix("uk/") for _, path in source.includes(text) if path.startswith("uk/"))
            for name, text in sorted(headers.items())}


def room(header):
    """The room (folder) of a header; empty for one at the top."""
    return header.rpartition("/")[0].partition("/")[0]


def pointing_up(levels, edges):
    """Includes that do not point down or sideways, as sentences; unknown headers too."""
    for name, targets in edges.items():
        if levels.level(name) is None:
            yield f"{name} stands in no level of tests/layout/levels.txt"
            continue
        for target in targets:
            if target not in edges:
                yield f"{name} includes {target}, which does not exist"
            elif (levels.level(target) or 0) > levels.level(name):
                yield (f"{name} ({levels.names[levels.level(name)]}) includes {target} "
                       f"({levels.names[levels.level(target)]}), which is above it")


def between_rooms(edges):
    """Includes from one room into another, as sentences."""
    for name, targets in edges.items():
        for target in targets:
            if room(name) and room(target) and room(name) != room(target):
                yield f"{name} includes {target}: rooms never include each other"


def cycles(edges):
    """Circles of includes, as sentences."""
    done, path = set(), []

    def visit(name):
        if name in path:
            yield " includes ".join(path[path.index(name):] + [name])
            return
        if name in done:
            return
        done.add(name)
        path.append(name)
        for target in edges.get(name, ()):
            yield from visit(target)
        path.pop()

    for name in edges:
        yield from visit(name)


def foreign(headers):
    """Includes of a heavy library outside its one header, and quoted includes, as sentences."""
    for name, text in headers.items():
        for delimiter, path in source.includes(text):
            if delimiter == '"':
                yield f'{name} includes "{path}": write <uk/...>'
            for library, home in LIBRARIES.items():
                if path.startswith(library) and name != home:
                    yield f"{name} includes <{path}>, which only {home} may"
    if "boost/hana.hpp" in {path for text in headers.values() for _, path in source.includes(text)}:
        yield "Hana comes by piece: its umbrella header costs every file a second"


def as_text(levels, edges):
    """The graph for a reader: level by level, each header with what it includes."""
    lines = []
    for number, level in reversed(list(enumerate(levels.names))):
        lines.append(level)
        lines += [f"  {name:<32} {' '.join(targets)}".rstrip()
                  for name, targets in edges.items() if levels.level(name) == number]
    return "\n".join(lines)


def as_dot(levels, edges):
    """The graph in Graphviz's language, one cluster per level."""
    lines = ["digraph uk {", "  rankdir=BT; node [shape=box, fontname=sans];"]
    for number, level in enumerate(levels.names):
        inside = " ".join(f'"{name}";' for name in edges if levels.level(name) == number)
        lines.append(f'  subgraph cluster_{number} {{ label="{level}"; {inside} }}')
    lines += [f'  "{name}" -> "{target}";' for name, targets in edges.items() for target in targets]
    return "\n".join(lines + ["}"])
