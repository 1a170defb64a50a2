# SPDX-License-Identifier: BSL-1.0
"""`uk size`: what an image weighs, by segment, section and symbol."""

import json
from pathlib import Path

from tool import build, shell
from tool.elf import PF_W, PF_X, SHF_ALLOC, SHT_NOBITS, Elf
from tool.fault import Fault
from tool.packages import which

TOP_SYMBOLS = 12


def find(name, folder=shell.BUILD):
    """The path of an image: a file, or the one that an example's name stands for."""
    if Path(name).exists() or name not in build.examples():
        return name
    path = folder / f"{name}-kvm" / name
    if not path.is_file():
        raise Fault(f"{name} is not built for kvm yet; build it with: ./uk run {name} --check")
    return path


def measure(path):
    """The figures of one image, as a dictionary that JSON can hold. All sizes are bytes."""
    elf = Elf(path)
    kinds = {"code": 0, "read_only": 0, "data": 0, "zeroed": 0}
    for load in elf.loads:
        kind = "code" if load.flags & PF_X else "data" if load.flags & PF_W else "read_only"
        kinds[kind] += load.filesz
        kinds["zeroed"] += load.memsz - load.filesz
    sections = [{"name": s.name, "bytes": s.size, "zeroed": s.type == SHT_NOBITS}
                for s in elf.sections if s.flags & SHF_ALLOC and s.size]
    largest = sorted((s for s in elf.symbols if s.size), key=lambda s: -s.size)[:TOP_SYMBOLS]
    names = demangle([s.name for s in largest])
    return {"image": str(path), "loadable": elf.loadable, **kinds, "memory": sum(s.memsz for s in elf.loads),
            "memory_top": elf.memory_top, "footprint": elf.symbol("uk_footprint"), "sections": sections,
            "symbols": [{"name": name, "bytes": s.size} for name, s in zip(names, largest)]}


def demangle(names):
    """C++ names as written in the source, where LLVM's tool is installed."""
    tool = which("llvm-cxxfilt-19")
    if not names or tool is None:
        return names
    code, text = shell.capture([tool, *names])
    lines = text.splitlines()
    return lines if code == 0 and len(lines) == len(names) else names


def table(figures):
    """The figures as the text that a person reads."""
    lines = [figures["image"]]

    def row(label, value, note=""):
        lines.append(f"  {label:<28} {value:>10,}  {note}".rstrip())

    row("loadable", figures["loadable"], "sum of the PT_LOAD file sizes")
    for kind in ("code", "read_only", "data"):
        row("  " + kind.replace("_", "-"), figures[kind])
    row("zeroed", figures["zeroed"])
    row("memory", figures["memory"], f"up to address {figures['memory_top']:#x}")
    if figures["footprint"] is not None:
        row("footprint", figures["footprint"], "uk_footprint: what the whole system needs")
    lines.append("  sections")
    for section in figures["sections"]:
        row("  " + section["name"], section["bytes"], "zeroed" if section["zeroed"] else "")
    if figures["symbols"]:
        lines.append("  largest symbols")
        lines += [f"    {s['bytes']:>10,}  {s['name'][:100]}" for s in figures["symbols"]]
    return "\n".join(lines)


def main(options):
    """Prints one table per image, or one JSON list."""
    figures = [measure(find(image)) for image in options.image]
    print(json.dumps(figures, indent=2) if options.json else "\n".join(table(f) for f in figures))
    return 0
