# SPDX-License-Identifier: BSL-1.0
"""Makes sure that the Debian packages of tool/packages.txt are there, installing them where we may."""

import hashlib
import os
import shutil
import sys

from tool import shell
from tool.fault import Fault
from tool.shell import BUILD, ROOT

LIST = ROOT / "tool" / "packages.txt"
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def which(binary):
    """The path of a program, also of one that lives in an administrator's folder; None where it is missing."""
    return shutil.which(binary, path=PATH)


def rows(purposes):
    """The list's rows for `purposes`: (package, binary or None)."""
    for line in LIST.read_text().splitlines():
        words = line.split("#")[0].split()
        if words and words[0] in purposes:
            yield words[1], words[2] if len(words) > 2 else None


def missing(wanted):
    """The packages of `wanted` that dpkg does not report as installed."""
    code, text = shell.capture(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted])
    if code == 127:
        return []
    have = {line.split()[0] for line in text.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in have]


def install(names):
    """Installs `names` by apt-get as root or by sudo; else a Fault with the command to type."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *names]
    remedy = "sudo " + " ".join(command)
    if which("apt-get") is None:
        raise Fault(f"missing (Debian names): {' '.join(names)}; install them with this system's package manager")
    if os.geteuid() != 0:
        if which("sudo") is None or (not sys.stdin.isatty() and shell.capture(["sudo", "-n", "true"])[0] != 0):
            raise Fault(f"packages are missing; run: {remedy}")
        command = ["sudo", "DEBIAN_FRONTEND=noninteractive", *command]
    shell.say(f"installing {len(names)} Debian packages: {' '.join(names)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        shell.work("apt-get install", command, quiet)
    except Fault:
        # The lists may be empty or old, as in a fresh container.
        update = ["apt-get", "update"] if os.geteuid() == 0 else ["sudo", "apt-get", "update"]
        shell.work("apt-get update", update, quiet)
        shell.work("apt-get install", command, quiet)


def ensure(*purposes):
    """Returns when everything for `purposes` is installed. Costs no process while the stamp in build/ is good."""
    wanted = dict(rows(purposes))
    absent = [package for package, binary in wanted.items() if binary and which(binary) is None]
    digest = hashlib.sha256((repr(sorted(wanted)) + repr(sorted(purposes))).encode()).hexdigest()[:16]
    stamp = BUILD / ".packages" / digest
    if not absent and stamp.exists():
        return
    names = sorted(set(absent) | set(missing(list(wanted))))
    if names:
        install(names)
    still = [package for package, binary in wanted.items() if binary and which(binary) is None]
    if still:
        raise Fault(f"still missing after the installation: {' '.join(still)}; see tool/packages.txt")
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()


def unpacked():
    """The folder that holds what the packages of the purpose `unpack` hold, of which none is installed."""
    names = [name for name, _ in rows(["unpack"])]
    digest = hashlib.sha256(repr(names).encode()).hexdigest()[:16]
    folder = BUILD / ".packages" / f"unpacked-{digest}"
    if folder.exists():
        return folder
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "deb").mkdir(parents=True)
    download = ["apt-get", "download", *names]
    try:
        shell.work("apt-get download", download, cwd=part / "deb")
    except Fault:
        # The lists may be empty or old; only root may renew them.
        shell.work("apt-get update", ["apt-get", "update"])
        shell.work("apt-get download", download, cwd=part / "deb")
    for file in sorted((part / "deb").glob("*.deb")):
        shell.capture(["dpkg", "-x", file, part], check=True)
    shutil.rmtree(part / "deb")
    part.rename(folder)
    return folder
