# SPDX-License-Identifier: BSL-1.0
"""The entry of the uk tool: reads the command line and calls one of its commands."""

import argparse
import importlib
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tool import shell  # noqa: E402
from tool.fault import Fault, unknown  # noqa: E402

HELP = {
    "run": ("build an example and boot it", "./uk run http --machine q35 --port 8080"),
    "test": ("run the tests", "./uk test unit --filter arp"),
    "sim": ("simulate whole hosts on virtual time, from a seed", "./uk sim --seed 7 --pcap seven.pcap"),
    "bench": ("what requests cost, in instructions of the guest", "./uk bench net --image fast --profile"),
    "size": ("what an image weighs", "./uk size http"),
    "new": ("start a project of your own", "./uk new ../my-server"),
}


class Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, and keeps the lines of its epilog."""

    def __init__(self, **given):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **given)

    def error(self, message):
        raise Fault(f"{message}; see: ./uk {self.prog.partition(' ')[2]} --help".replace("  ", " "), 2)


def parser():
    """The command line's grammar."""
    top = Parser(prog="uk", description="uk: builds, boots, measures and tests unikernels.",
                 epilog="example: ./uk run\neach command explains itself: ./uk COMMAND --help")
    top.add_argument("-v", "--verbose", action="store_true", help="print each plain command before running it")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    subs = {}
    for name, (text, example) in HELP.items():
        subs[name] = commands.add_parser(name, help=text, description=text + ".", epilog=f"example: {example}")
        subs[name].add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS,
                                help="print each plain command before running it")
    run = subs["run"]
    run.add_argument("example", nargs="?", default="http", metavar="EXAMPLE",
                     help="an example's name, or the folder of a project (default: http)")
    run.add_argument("--on", default="kvm", metavar="TARGET", help="kvm or hosted (default: kvm)")
    run.add_argument("--machine", default="microvm", help="microvm, pc or q35 (default: microvm)")
    run.add_argument("--port", type=int, metavar="N", help="port on 127.0.0.1 (default: 8080, or the next free one)")
    run.add_argument("--memory", metavar="SIZE", help="guest memory, such as 2M (default: what the image needs)")
    run.add_argument("--check", action="store_true", help="fetch the page once and exit: 0 when it is right")
    run.set_defaults(args=[])
    run.usage = "uk run [EXAMPLE] [--on TARGET] [--machine M] [--port N] [--memory SIZE] [--check] [-v] [-- ARGS]"
    run.epilog += "\nwhat follows -- goes to QEMU, or to the hosted program"
    test = subs["test"]
    test.add_argument("suite", nargs="*", metavar="SUITE",
                      help="layout, tool, fail, unit, packetdrill, fuzz, sim, boot, peers (default: all of these), "
                           "soak")
    test.add_argument("--list", action="store_true", help="list the tests, run none")
    test.add_argument("--filter", default="", metavar="TEXT", help="only tests whose name contains TEXT")
    test.add_argument("--long", action="store_true",
                      help="the long form of peers: up to 100 MiB a transfer, 64 connections for 10 minutes")
    test.add_argument("--seconds", type=int, default=60, metavar="N",
                      help="with fuzz: how long each target is fuzzed (default: 60)")
    test.add_argument("--merge", action="store_true",
                      help="with fuzz: make the committed corpora anew of what fuzzing has found")
    test.add_argument("--hours", type=float, default=8, metavar="H",
                      help="with soak: how long all targets are fuzzed in turn (default: 8)")
    test.add_argument("--graph", action="store_true", help="with layout: print the graph of includes")
    test.add_argument("--dot", action="store_true", help="with --graph: in Graphviz's language")
    sim = subs["sim"]
    sim.add_argument("--seed", type=int, default=1, metavar="N", help="the first scenario (default: 1)")
    sim.add_argument("--count", type=int, default=1, metavar="K", help="how many scenarios (default: 1)")
    sim.add_argument("--pcap", metavar="FILE", help="write what hosts send in the one scenario to FILE")
    sim.add_argument("--table", action="store_true", help="print the golden table of throughput instead")
    sim.add_argument("--write", action="store_true", help="write that table into docs/sim.md")
    sim.add_argument("--compiler", choices=("clang", "gcc"), default="clang", help="default: clang")
    test.epilog += ("\nfor peers: UK_SEED=N has the octets and the relay again (nft has no seed), "
                    "UK_PCAP=FILE keeps the frames of its last case"
                    "\nfor fuzz and soak: UK_SEED=N has the random choices again; what breaks something is kept, and "
                    "the command that replays it is shown")
    bench = subs["bench"]
    bench.add_argument("what", choices=("net", "rate"), metavar="WHAT",
                       help="net: instructions of requests and pings in a guest; rate: beside lwIP, as processes")
    bench.add_argument("--image", action="append", choices=("small", "fast", "whole"),
                       help="built for size, for speed, or for speed with all of TCP (default: each)")
    bench.add_argument("--load", action="append", choices=("keep-alive", "pipelined", "close", "ping"),
                       help="default: each")
    bench.add_argument("--seconds", type=int, default=3, metavar="N", help="for each load (default: 3)")
    bench.add_argument("--profile", action="store_true", help="where the instructions go, by file and by function")
    size = subs["size"]
    size.add_argument("image", nargs="+", metavar="IMAGE", help="an example's name, or an ELF image")
    size.add_argument("--json", action="store_true", help="print JSON")
    subs["new"].add_argument("dir", metavar="DIR", help="the folder to make")
    return top


def main(words):
    """Runs one command; the process's exit code."""
    rest = []
    if "--" in words:
        at = words.index("--")
        words, rest = words[:at], words[at + 1:]
    command = next((word for word in words if not word.startswith("-")), None)
    if command is not None and command not in HELP:
        raise unknown("command", command, HELP)
    top = parser()
    options = top.parse_args(words)
    shell.Options.verbose = options.verbose
    if options.command is None:
        top.print_help()
        return 0
    if rest and options.command != "run":
        raise Fault(f"'{options.command}' takes nothing after --; see: ./uk {options.command} --help", 2)
    options.args = rest
    if options.command == "bench":
        return importlib.import_module(f"bench.{options.what}").main(options)
    module = {"test": "suites"}.get(options.command, options.command)
    return importlib.import_module(f"tool.{module}").main(options)


def guarded(words):
    """main(), with every error as one line; with -v the traceback of an unexpected one too."""
    # As after Ctrl-C, so that guests are reaped in both cases.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return main(words)
    except Fault as fault:
        print(f"uk: {fault}", file=sys.stderr)
        return fault.code
    except KeyboardInterrupt:
        print("\nuk: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:  # pylint: disable=broad-except
        if shell.Options.verbose:
            raise
        print(f"uk: {type(error).__name__}: {error}; run it again with -v for the details", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(guarded(sys.argv[1:]))
