# SPDX-License-Identifier: BSL-1.0
"""QEMU's monitor (QMP) on a socket: what the machine itself says, from outside the guest."""

import contextlib
import json
import socket
import tempfile
import time
from pathlib import Path

from tool import qemu
from tool.cases import Failure


class Monitor:
    """A connection to the monitor of a QEMU that was just started; waits for its socket."""

    def __init__(self, path, seconds=10):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    self._socket.close()
                    raise Failure(f"no monitor: {error}") from None
                time.sleep(0.01)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()      # the greeting
        self.ask("qmp_capabilities")

    def ask(self, name, /, **arguments):
        """What a command returns."""
        self._socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        for line in self._lines:
            answer = json.loads(line)
            if "error" in answer:
                raise Failure(f"{name}: {answer['error']}")
            if "return" in answer:      # else it is an event
                return answer["return"]
        raise Failure(f"{name}: the monitor is gone")

    def human(self, command):
        """The text of a command of the monitor for people, such as `info tlb`."""
        return self.ask("human-monitor-command", **{"command-line": command}).replace("\r", "")

    def close(self):
        """Ends the connection; the machine runs on."""
        self._lines.close()
        self._socket.close()


@contextlib.contextmanager
def watched(image, machine, extra=()):
    """(Guest, Monitor) of a running image."""
    with tempfile.TemporaryDirectory(prefix="uk-monitor-") as folder:
        path = Path(folder) / "qmp"
        line = qemu.command(image, machine, extra=["-qmp", f"unix:{path},server=on,wait=off", *extra])
        with qemu.boot(line) as guest, contextlib.closing(Monitor(path)) as monitor:
            yield guest, monitor
