# SPDX-License-Identifier: BSL-1.0
"""Network namespaces of our own, with a TAP and a DHCP server inside, for guests that want a wire.

A namespace has no name on the system: it lives as long as the file descriptor here and the processes in it, so that
nothing stays behind, however the tool ends.
"""

import contextlib
import ctypes
import os
import subprocess
import tempfile
import threading
import time

from tool import packages, shell
from tool.fault import Fault

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def thread_namespace():
    """An open descriptor of the calling thread's network namespace."""
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def call(function, *arguments):
    """A C call that reports by errno."""
    if getattr(libc, function)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


class Namespace:
    """`with namespace:` moves the calling thread inside: sockets made and processes started there belong to it."""

    def __init__(self):
        home = thread_namespace()
        try:
            call("unshare", CLONE_NEWNET)
        except OSError as error:
            os.close(home)
            raise Fault(f"no network namespace ({error.strerror}); run it as root: sudo ./uk ...") from None
        self._inside = thread_namespace()
        call("setns", home, CLONE_NEWNET)
        os.close(home)
        self._homes = threading.local()
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self):
        if not hasattr(self._homes, "stack"):
            self._homes.stack = []
        self._homes.stack.append(thread_namespace())
        call("setns", self._inside, CLONE_NEWNET)
        return self

    def __exit__(self, *_):
        home = self._homes.stack.pop()
        call("setns", home, CLONE_NEWNET)
        os.close(home)

    @property
    def path(self):
        """A file that stands for the namespace, while this process lives: for `ip link ... netns`."""
        return f"/proc/{os.getpid()}/fd/{self._inside}"

    def run(self, *command):
        """Runs a short command inside; a Fault when it fails. Returns its output."""
        with self:
            return shell.capture([packages.which(command[0]) or command[0], *command[1:]], check=True)[1]

    def close(self):
        """Gives the namespace up; it ends with the last process in it."""
        os.close(self._inside)


class Wire:
    """A namespace with the TAP `name`, our address on it and, with `dhcp`, a dnsmasq that leases only `guest`."""

    def __init__(self, name="uk0", host="10.0.2.2", guest="10.0.2.15", dhcp=True):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            exists = os.path.exists("/dev/net/tun")
            raise Fault("no right to open /dev/net/tun; run it as root: sudo ./uk ..." if exists else
                        "/dev/net/tun is missing; load it with: sudo modprobe tun")
        self.name, self.host, self.guest = name, host, guest
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as undo:
            self.namespace = Namespace()
            undo.callback(self.namespace.close)
            run = self.namespace.run
            try:
                run("ip", "tuntap", "add", "dev", name, "mode", "tap")
                # The host's own IPv6 chatter would disturb counts of frames.
                self._silence_ipv6()
                run("ip", "address", "add", f"{host}/24", "dev", name)
                run("ip", "link", "set", name, "up")
            except Fault as fault:
                raise Fault(f"cannot make a TAP: {fault}; run it as root: sudo ./uk ...") from None
            if dhcp:
                self._serve_dhcp(undo)
            self._stack = undo.pop_all()

    def _silence_ipv6(self):
        with self.namespace, contextlib.suppress(OSError):
            with open(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6", "w", encoding="ascii") as file:
                file.write("1")

    def _serve_dhcp(self, undo):
        folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="uk-dhcp-"))
        self.dhcp_log = os.path.join(folder, "log")
        command = [packages.which("dnsmasq") or "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
                   "--no-ping", "--user=root", f"--interface={self.name}", "--bind-dynamic", "--log-dhcp",
                   f"--log-facility={self.dhcp_log}", f"--pid-file={folder}/pid",
                   f"--dhcp-leasefile={folder}/leases", f"--dhcp-range={self.guest},{self.guest},255.255.255.0,1h",
                   f"--dhcp-option=option:router,{self.host}", f"--dhcp-option=option:dns-server,{self.host}",
                   "--dhcp-authoritative"]
        with self.namespace:
            shell.show(command)
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE)
        undo.callback(self._end, server)
        for _ in range(100):
            if server.poll() is not None:
                raise Fault(f"dnsmasq ended at once: {server.stderr.read().decode(errors='replace').strip()}")
            if os.path.exists(self.dhcp_log) and "started" in self.dhcp_text():
                return
            time.sleep(0.02)
        raise Fault("dnsmasq did not start within 2 s")

    def dhcp_text(self):
        """What dnsmasq logged so far."""
        with open(self.dhcp_log, encoding="utf-8", errors="replace") as file:
            return file.read()

    @staticmethod
    def _end(server):
        server.kill()
        server.wait()
        server.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the DHCP server and gives the namespace up."""
        self._stack.close()
