# SPDX-License-Identifier: BSL-1.0
"""Builds an example, or any user's project, for a target by Meson and Ninja."""

import hashlib
import shutil
from pathlib import Path

from tool import shell
from tool.fault import Fault, unknown
from tool.shell import BUILD, ROOT

HOSTED = "hosted"
FAST = ("--cross-file", str(ROOT / "cross" / "fast.ini"))  # options for an image built for speed


def examples():
    """The names under examples/."""
    return sorted(p.parent.name for p in (ROOT / "examples").glob("*/meson.build"))


def targets():
    """`hosted`, and every target that has a cross file."""
    return [HOSTED] + sorted(p.stem for p in (ROOT / "cross").glob("*.ini") if p.stem in ("kvm", "xen"))


def locate(name):
    """The folder of an example, or of a user's project given by its path."""
    folder = ROOT / "examples" / name
    if "/" not in name and (folder / "meson.build").exists():
        return folder
    folder = Path(name)
    if ("/" in name or folder.is_dir()) and (folder / "meson.build").exists():
        return folder.resolve()
    if "/" in name or folder.is_dir():
        raise Fault(f"{name} holds no meson.build; make a project there with: ./uk new {name}", 2)
    raise unknown("example", name, examples())


def configure(folder, target, where, options=()):
    """Runs `meson setup` where the build folder is missing, or was made from something else."""
    setup = ["meson", "setup", where, folder]
    stamp = " ".join([str(folder), *options])
    if target != HOSTED:
        cross = ROOT / "cross" / f"{target}.ini"
        setup += ["--cross-file", cross]
        stamp += cross.read_text()
    setup += options  # of cross files the last one decides
    stamp = hashlib.sha256(stamp.encode()).hexdigest()
    mark = where / ".uk-setup"
    if (where / "build.ninja").exists() and mark.exists() and mark.read_text() == stamp:
        return
    if where.exists():
        shutil.rmtree(where)
    where.parent.mkdir(parents=True, exist_ok=True)
    shell.work(f"setting up {folder.name} for {target}", setup, cwd=ROOT)
    mark.write_text(stamp)


def build(name, target, where=None, options=()):
    """Builds and returns the path of the unstripped image (or program).

    `where`: another build folder; `options`: of the project, for Meson.
    """
    if target not in targets():
        raise unknown("target", target, targets())
    folder = locate(name)
    where = where or BUILD / f"{folder.name}-{target}"
    configure(folder, target, where, options)
    shell.work(f"building {folder.name} for {target}", ["ninja", "-C", where])
    image = where / folder.name
    if image.is_file():
        return image
    # A user's project may name its program as it likes.
    found = [p for p in where.iterdir() if p.is_file() and p.read_bytes()[:4] == b"\x7fELF"]
    if len(found) != 1:
        raise Fault(f"{where} holds {len(found)} programs; name the one to run '{folder.name}' in its meson.build")
    return found[0]
