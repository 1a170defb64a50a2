# SPDX-License-Identifier: BSL-1.0
"""Cases: what nothing needs is not in an image, neither as a symbol nor inlined into another function."""

import functools
import re
import tempfile
from pathlib import Path

from boot import guests
from boot.harness import image
from tool import shell
from tool.cases import Case, expect
from tool.elf import Elf

# Parts, each with the pattern that finds its functions and objects by name, template arguments left out.
THINGS = {
    "net::ethernet": r"\buk::net::ethernet\b",
    "net::arp": r"\buk::net::arp\b",
    "net::ipv4": r"\buk::net::ipv4\b",
    "net::icmp": r"\buk::net::icmp\b",
    "net::udp": r"\buk::net::udp",
    "net::dhcp": r"\buk::net::dhcp",
    "net::tcp": r"\buk::net::tcp",
    "drv::virtio_net": r"\buk::drv::virtio_net",
    "drv::virtio_rng": r"\buk::drv::virtio_rng",
    "virtio and its buses": r"\buk::drv::",
    "packets": r"\buk::(packet|outgoing)",
    "loop": r"\buk::loop\b",
    "tasks and timers": r"\buk::(task|scheduler|timer|timer_wheel|arena)\b",
    "any_entropy": r"\buk::any_entropy\b",
    "kvm::clock": r"\buk::kvm::clock\b",
    "kvm::entropy": r"\buk::kvm::entropy\b",
    "kvm::bus": r"\buk::kvm::bus\b",
    "the APIC": r"\buk::kvm::start_apic\b",
    "device memory": r"^uk_map_device$",
    "wake-ups": r"^uk_wake$",
    "the command line": r"^uk_command_line$",
}
NETWORK = [thing for thing in THINGS if thing.startswith("net::")]
CARD = ["drv::virtio_net", "packets"]
DATAGRAMS = ["net::udp", "net::dhcp", "net::tcp", "drv::virtio_rng", "any_entropy"]

ABSENT = {"hello": list(THINGS), "machine": NETWORK + CARD, "quiet": DATAGRAMS}
# Uses everything: there each pattern must find something, or it would find nothing anywhere.
CONTROL = "echo"

OPERATOR = re.compile(r"\boperator ?(?:<=>|->\*?|<<=?|>>=?|<=|>=|<(?=\()|>(?=\())")


def plain(name):
    """A name without template arguments: those of a stack hold every part that was offered."""
    text = OPERATOR.sub("operator", name).replace("->", "")
    kept, depth = [], 0
    for character in text:
        depth += character == "<"
        if depth == 0:
            kept.append(character)
        depth -= character == ">"
        if depth < 0:
            return name
    # What does not balance stays whole: rather a part too many than one that hides.
    return name if depth else "".join(kept)


def symbols(binary):
    """The names in the symbol table."""
    _, text = shell.capture(["llvm-nm-19", "--demangle", "--format=just-symbols", binary], check=True)
    return set(text.splitlines())


def functions(binary):
    """The names of the functions at every single octet of the text, those inlined there among them, by the DWARF."""
    elf = Elf(binary)
    with tempfile.TemporaryDirectory(prefix="uk-names-") as folder:
        # A response file: the addresses are too many for one command line.
        addresses = Path(folder) / "addresses"
        addresses.write_text("\n".join(map(hex, range(elf.symbol("uk_image_start"), elf.symbol("uk_text_end")))))
        _, text = shell.capture(["llvm-symbolizer-19", "--demangle", "--inlines", f"--obj={binary}", f"@{addresses}"],
                                check=True)
    found, inlined = set(), 0
    for block in text.strip().split("\n\n"):
        names = block.splitlines()[0::2]
        found.update(names)
        inlined += len(names) > 1
    expect(inlined, f"{binary.name} has no debug information: what is inlined cannot be seen")
    return found


@functools.lru_cache(maxsize=None)
def named(program):
    """(names in the symbol table, names of functions) of an image, template arguments left out."""
    binary = guests.program(program) if program in ("machine", "quiet") else image(program)
    return [sorted(map(plain, names)) for names in (symbols(binary), functions(binary))]


def holding(thing, names):
    """The names that belong to a part. What no tool can demangle is searched for the part's last word."""
    pattern, word = re.compile(THINGS[thing]), re.sub(r".*\W", "", thing)
    return [name for name in names if pattern.search(name) or name.startswith("_Z") and word in name]


def absent(program):
    """No symbol and no function of what the program does not need."""
    for kind, names in zip(("symbols", "functions"), named(program)):
        for thing in ABSENT[program]:
            found = holding(thing, names)
            expect(not found, f"{program} does not need {thing}, but has the {kind}: " + "; ".join(found[:5]))
    return f"{len(ABSENT[program])} parts"


def control():
    """Where they are needed, the same search finds them all, most in the symbol table too."""
    table, inlined = named(CONTROL)
    for thing in THINGS:
        expect(holding(thing, table + inlined), f"{CONTROL} uses {thing}, but the search does not find it")
    for thing in ("net::udp", "net::ethernet", "drv::virtio_net", "virtio and its buses"):
        expect(holding(thing, table), f"{CONTROL} uses {thing}, but the symbol table does not have it")
    for program, other in (("machine", "quiet"), ("quiet", "machine")):
        for thing in sorted(set(ABSENT[other]) - set(ABSENT[program])):
            expect(holding(thing, sum(named(program), [])), f"{program} uses {thing}, but the search does not find it")


def names_self_test():
    """Template arguments go, whatever they hold; the rest stays."""
    for name, wanted in {
        "uk::stack<uk::machine<uk::drv::virtio_net<>>>::each(f<1>&)": "uk::stack::each(f&)",
        "uk::drv::virtio_net<x{1}>::in<server>::poll()": "uk::drv::virtio_net::in::poll()",
        "bool uk::operator<(a<b>, c)": "bool uk::operator(a, c)",
        "auto uk::operator<=><int>(a)": "auto uk::operator(a)",
        "a::operator->() const": "a::operator() const",
        "uk::net::udp<(a > b)>::x": "uk::net::udp<(a > b)>::x",
        "uk::net::udp<(a < b)>::x": "uk::net::udp<(a < b)>::x",
    }.items():
        expect(plain(name) == wanted, f"{name} became {plain(name)}")


def cases():
    """The search itself, then the images."""
    yield Case("names without template arguments", names_self_test)
    yield Case(f"parts are found in {CONTROL}, which needs them", control)
    for program in ABSENT:
        yield Case(f"nothing unneeded in {program}", lambda p=program: absent(p))
