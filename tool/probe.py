# SPDX-License-Identifier: BSL-1.0
"""Decides between KVM and TCG: KVM only where this very image has shown that it runs under it."""

import hashlib
import json

from tool import qemu, shell
from tool.fault import Fault
from tool.shell import BUILD

SECONDS = 3     # a working KVM needs a tenth of that
READY = r"listening|ready|\d+\.\d+\.\d+\.\d+"     # a program that serves prints its address
CACHE = BUILD / "kvm-probe.json"


def accelerator(image, machine, memory):
    """`kvm` or `tcg`. The answer for an image on a machine is kept in build/."""
    if not qemu.may_use_kvm():
        return "tcg"
    key = f"{hashlib.sha256(image.read_bytes()).hexdigest()[:32]} {machine} {memory}"
    try:
        known = json.loads(CACHE.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get(key) not in ("kvm", "tcg"):
        known[key] = "kvm" if runs_under_kvm(image, machine, memory) else "tcg"
        # Only the newest answers are of use: images change with every build.
        known = dict(list(known.items())[-32:])
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        CACHE.write_text(json.dumps(known, indent=1))
    return known[key]


def runs_under_kvm(image, machine, memory):
    """Whether the image says that it is ready, or ends well, within SECONDS under KVM."""
    shell.say(f"probing KVM with this image (at most {SECONDS} s) ...")
    with qemu.boot(qemu.command(image, machine, memory, qemu.user_network(), "kvm")) as guest:
        try:
            return guest.wait_for(READY, SECONDS) is not None or qemu.status(guest, 1) == 0
        except Fault:
            return False
