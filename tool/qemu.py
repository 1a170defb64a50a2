# SPDX-License-Identifier: BSL-1.0
"""QEMU's command lines for the machines that an image boots on."""

import os

from tool.elf import Elf
from tool.fault import Fault
from tool.guest import Guest

MACHINES = {
    "microvm": "microvm,acpi=off",      # virtio-mmio, slots named on the kernel command line
    "microvm-acpi": "microvm",          # virtio-mmio, slots at their documented place, second IOAPIC
    "pc": "pc",                         # PCI
    "q35": "q35",                       # PCI Express
}
KIB, MIB = 1 << 10, 1 << 20
SMALLEST = MIB      # the machines' firmware is tested down to this much memory
FIRMWARE = 256 * KIB
UNITS = {"": 1, "K": KIB, "M": MIB, "G": 1 << 30}


def parse_size(text):
    """`512K`, `2M`, `1G` or plain bytes as a number; a Fault for anything else."""
    number, unit = (text[:-1], text[-1].upper()) if text and not text[-1].isdigit() else (text, "")
    if not number.isdigit() or unit not in UNITS or int(number) == 0:
        raise Fault(f"'{text}' is no memory size; write it as 512K, 2M or 1G", 2)
    return int(number) * UNITS[unit]


def needed_memory(image, machine="microvm"):
    """Bytes of guest memory that the image asks for: up to its top, in steps of 64 KiB, at least SMALLEST."""
    step = 64 * KIB
    top = Elf(image).memory_top
    # SeaBIOS keeps its tables at the top of the memory above 1 MiB.
    if top > MIB and not machine.startswith("microvm"):
        top += FIRMWARE
    return max(SMALLEST, -(-top // step) * step)


def user_network(forwards=()):
    """QEMU's own network (10.0.2.0/24, DHCP), with (protocol, host port, guest port) forwards."""
    rules = [f"hostfwd={proto}:127.0.0.1:{host}-:{guest}" for proto, host, guest in forwards]
    return ",".join(["user,id=n0", *rules])


def tap_network(name):
    """A TAP that exists already."""
    return f"tap,id=n0,ifname={name},script=no,downscript=no"


def command(image, machine="microvm", memory=None, net=None, accel="tcg", extra=()):
    """The whole command. `net`: a -netdev value with id n0, or None for no card."""
    mmio = machine.startswith("microvm")
    line = ["qemu-system-x86_64", "-M", MACHINES[machine], "-accel", accel,
            "-cpu", "host" if accel == "kvm" else "max",
            "-m", f"{(memory or needed_memory(image, machine)) // KIB}k",
            # QEMU 7.2's TCG loses notifications between fences that it skips for a machine with one possible CPU.
            "-smp", "1,maxcpus=2",
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-device", "isa-debug-exit", "-kernel", str(image)]
    if mmio:
        line += ["-global", "virtio-mmio.force-legacy=false"]
    tail = "device" if mmio else "pci,disable-legacy=on"
    if net is not None:
        rom = "" if mmio else ",romfile="
        line += ["-netdev", net, "-device", f"virtio-net-{tail},netdev=n0{rom}"]
        line += ["-device", f"virtio-rng-{tail}"]
    return line + list(extra)


def boot(line, on_line=None):
    """Starts QEMU with a command() line."""
    return Guest(line, on_line, split=True)


def status(guest, seconds=None):
    """The exit status of a guest that ends within `seconds`; None when it runs on, or ended without a status.

    isa-debug-exit makes 2 * s + 1 of the status s. QEMU's own errors end with 1 too, but not silently: a Fault.
    """
    code = guest.wait(seconds)
    errors = [line for line in guest.complaints().splitlines() if line.startswith("qemu") and "warning:" not in line]
    if code == 1 and errors:
        raise Fault(f"QEMU did not start: {errors[0].partition(': ')[2]}")
    return code // 2 if code is not None and code > 0 and code & 1 else None


def may_use_kvm():
    """Whether this user may open /dev/kvm at all."""
    return os.access("/dev/kvm", os.R_OK | os.W_OK)
