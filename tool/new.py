# SPDX-License-Identifier: BSL-1.0
"""`uk new`: a project of the user's own, made from examples/hello."""

import shutil
from pathlib import Path

from tool.fault import Fault
from tool.shell import ROOT


def main(options):
    """Copies the example, names it after its folder and links uk as its subproject."""
    model, folder = ROOT / "examples" / "hello", Path(options.dir)
    if folder.exists():
        raise Fault(f"{folder} exists already; choose another folder", 2)
    if not (model / "meson.build").exists():
        raise Fault("examples/hello is missing from this copy of uk; clone it again")
    try:
        shutil.copytree(model, folder, symlinks=True, ignore=shutil.ignore_patterns("subprojects"))
        (folder / "subprojects").mkdir()
        (folder / "subprojects" / "uk").symlink_to(ROOT)
    except OSError as error:
        raise Fault(f"cannot make {folder}: {error.strerror}") from None
    build = folder / "meson.build"
    build.write_text(build.read_text().replace("'hello'", f"'{folder.resolve().name}'"))
    print(f"{folder} is a project of its own. Build and run it with: ./uk run {folder.resolve()}")
    return 0
