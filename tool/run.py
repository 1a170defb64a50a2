# SPDX-License-Identifier: BSL-1.0
"""`uk run`: builds a program, boots it, and shows where it serves and what it cost."""

import contextlib
from dataclasses import dataclass

from tool import build, client, packages, ports, probe, qemu, symbols
from tool.elf import Elf
from tool.fault import Fault, unknown
from tool.guest import Guest
from tool.netns import Wire
from tool.shell import say

PANIC = 127         # the exit status of a panic
CHECK_SECONDS = 40  # for boot and first answer; a check is bounded by 60 s in all
SERVE_SECONDS = 15  # after this much silence a run says that nothing answers


@dataclass(frozen=True)
class Service:
    """What a program offers on the network: which guest port, and how to tell that it works."""
    kind: str               # none, client, echo, names or http
    port: int = 0
    udp: bool = False


SERVICES = {"hello": Service("none"), "fetch": Service("client"), "echo": Service("echo", 7, udp=True),
            "resolve": Service("names", 7053, udp=True)}
WEB = Service("http", 80)   # the default, also for projects of the user's own


def main(options):
    """Runs one program. Returns the exit code of the tool."""
    packages.ensure("build", "run")
    machines = [name for name in qemu.MACHINES]
    if options.machine not in machines:
        raise unknown("machine", options.machine, machines)
    if options.on not in build.targets():
        raise unknown("target", options.on, build.targets())
    memory = qemu.parse_size(options.memory) if options.memory else None
    folder = build.locate(options.example)
    service = SERVICES.get(folder.name, WEB)
    port = ports.choose(options.port) if service.port or options.port is not None else None
    image = build.build(options.example, options.on)
    runner = on_hosted if options.on == build.HOSTED else on_qemu
    return runner(image, service, port, memory, options)


def on_qemu(image, service, port, memory, options):
    """Boots the image under QEMU."""
    memory = memory or qemu.needed_memory(image, options.machine)
    accel = probe.accelerator(image, options.machine, memory)
    forwards = []
    if service.port:
        forwards = [(proto, port, service.port) for proto in (("tcp", "udp") if service.udp else ("tcp",))]
    net = None if service.kind == "none" else qemu.user_network(forwards)
    say(f"{image.name}: {Elf(image).loadable:,} bytes loadable, {memory // 1024:,} KiB of memory, "
        f"{options.machine} under {accel}")
    command = qemu.command(image, options.machine, memory, net, accel, options.args)
    with qemu.boot(command, show) as guest:
        code = attend(guest, service, port, options)
        return code if code is not None else ended(image, guest, qemu.status(guest))


def on_hosted(image, service, port, _memory, options):
    """Runs the program as a Linux process, behind a TAP of its own where it serves."""
    say(f"{image.name}: a Linux process, {image.stat().st_size:,} bytes on disk")
    with contextlib.ExitStack() as stack:
        where, extra = contextlib.nullcontext(), {}
        if service.kind != "none":
            wire = stack.enter_context(Wire())
            if service.port:
                stack.callback(ports.Relay(port, wire.namespace, (wire.guest, service.port)).close)
            where, extra = wire.namespace, {"UK_TAP": wire.name}
        with where:
            guest = Guest([image, *options.args], on_line=show, extra_env=extra)
        stack.enter_context(guest)
        code = attend(guest, service, port, options)
        return code if code is not None else ended(image, guest, guest.wait())


def show(line):
    """A line of the guest's console."""
    print(line, flush=True)


def attend(guest, service, port, options):
    """Waits until the guest serves, checks it where asked, and stays until Ctrl-C. None: the guest has ended."""
    if not service.port:
        code = guest.wait(CHECK_SECONDS if options.check else None)
        if code is None:
            raise Fault(f"check failed: the program did not end within {CHECK_SECONDS} s")
        return None
    wait = {"http": client.wait_for_page, "names": client.wait_for_names}.get(service.kind, client.wait_for_echo)
    answered = wait(port, guest, CHECK_SECONDS if options.check else SERVE_SECONDS)
    if not guest.alive:
        return None
    if answered is None and options.check:
        raise Fault(f"check failed: nothing answered on 127.0.0.1:{port} within {CHECK_SECONDS} s")
    place = f"http://127.0.0.1:{port}/" if service.kind == "http" else f"127.0.0.1:{port}"
    if answered is None:
        say(f"{place} does not answer yet; Ctrl-C stops the guest")
    else:
        first = guest.first_byte
        console = f"first console byte after {first * 1e3:.0f} ms, " if first is not None else ""
        print(f"{place}  ({console}answering after {answered * 1e3:.0f} ms)", flush=True)
    if options.check:
        udp = service.udp and options.on != build.HOSTED
        check = {"http": lambda: client.check_page(port, 10), "names": lambda: client.check_names(port)}
        print(check.get(service.kind, lambda: client.check_echo(port, udp))())
        return 0
    say("Ctrl-C stops it")
    try:
        guest.wait()
    except KeyboardInterrupt:
        say("\nstopped")
        return 0
    return None


def ended(image, guest, status):
    """The tool's exit code for a guest that ended by itself, after saying how."""
    for line in symbols.explain(image, guest.text):
        print(line)
    if status is None:
        raise Fault(f"{image.name} stopped without an exit status (QEMU's exit code {guest.process.returncode})")
    say(f"{image.name} ended with status {status}{' (panic)' if status == PANIC else ''}")
    return status
