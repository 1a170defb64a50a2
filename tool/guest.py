# SPDX-License-Identifier: BSL-1.0
"""A running guest: a QEMU or a hosted program, its console, and its end."""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time

from tool import shell


class Guest:
    """Runs `command`; collects its console in `text`. Waits are bounded; stop() always reaps the process.

    stderr is part of the console, except with `split`: then complaints() gives it.
    """

    def __init__(self, command, on_line=None, extra_env=None, split=False):
        shell.show(command, extra_env)
        self.command = list(map(str, command))
        self.text = ""
        self.first_byte = None      # seconds from start to the first byte on the console
        self._on_line = on_line
        self._changed = threading.Condition()
        self._over = False
        self._errors = tempfile.TemporaryFile() if split else None
        self.begin = time.monotonic()
        # A session of its own: Ctrl-C reaches the tool alone, which then stops the guest.
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self._errors or subprocess.STDOUT,
                                        env=shell.environment(extra_env), start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self):
        partial = ""
        stream = self.process.stdout
        while chunk := stream.read1(65536):
            if self.first_byte is None:
                self.first_byte = time.monotonic() - self.begin
            part = chunk.decode(errors="replace").replace("\r", "")
            with self._changed:
                self.text += part
                self._changed.notify_all()
            *lines, partial = (partial + part).split("\n")
            for line in lines:
                self._tell(line)
        if partial:
            self._tell(partial)
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _tell(self, line):
        if self._on_line:
            self._on_line(line)

    def complaints(self):
        """What the process wrote to a split stderr so far."""
        if self._errors is None:
            return ""
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace")

    @property
    def alive(self):
        """Whether the process still runs."""
        return self.process.poll() is None

    def wait_for(self, pattern, seconds=10):
        """The first match of the regular expression on the console; None after `seconds`, or when the guest ended."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                if found := re.search(pattern, self.text):
                    return found
                left = deadline - time.monotonic()
                if self._over or left <= 0:
                    return None
                self._changed.wait(left)

    def wait(self, seconds=None):
        """The exit code, with the console complete; None when the guest still runs after `seconds`."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(5)
        return code

    def stop(self):
        """Ends the process, by force where it must, and reaps it. Harmless when it has ended."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                # Whatever it started goes too: the session is its own.
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(5)
        if not self._reader.is_alive():
            self.process.stdout.close()
