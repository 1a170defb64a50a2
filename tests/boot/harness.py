# SPDX-License-Identifier: BSL-1.0
"""Boots a program somewhere and gives the tests a client's view of it."""

import contextlib
import functools
import json
import socket
import threading
import time
from dataclasses import dataclass

from boot import wire_http
from tool import build, ports, qemu, shell
from tool.cases import Failure, Skip, expect
from tool.fault import Fault
from tool.guest import Guest
from tool.netns import Wire

MACHINES = list(qemu.MACHINES)
HOSTED = build.HOSTED
USER, TAP = "user network", "tap"
BOOT_SECONDS = 20
WAIT = 5                    # seconds for one answer; a longer silence fails
MAC = "52:54:00:12:34:56"   # QEMU's default for its first network card

_building = threading.Lock()


# Programs that are an example built in another way: NAME: (example, options for Meson).
VARIANTS = {"http-whole": ("http", ("-Dtcp=whole",)), "http-fast": ("http", ("-Dtcp=whole", *build.FAST))}


@functools.lru_cache(maxsize=None)
def _image(program, target):
    if program in VARIANTS:
        example, options = VARIANTS[program]
        return build.build(example, target, shell.BUILD / f"{program}-{target}", options)
    return build.build(program, target)


def image(program, target="kvm"):
    """The built program; built once per run."""
    with _building:
        return _image(program, target)


@dataclass
class Site:
    """A running guest and the way to it."""
    guest: Guest
    where: str
    net: str
    address: str
    ports: dict             # guest port: port on `address`, where they differ
    wire: Wire = None

    def inside(self):
        """A context in which this thread's sockets and processes reach the guest."""
        return self.wire.namespace if self.wire else contextlib.nullcontext()

    def connect(self, port=80, timeout=WAIT):
        """A TCP socket to a port of the guest; OSError when it does not accept."""
        with self.inside():
            return socket.create_connection((self.address, self.ports.get(port, port)), timeout)

    def datagrams(self, port):
        """A UDP socket connected to a port of the guest."""
        with self.inside():
            peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(WAIT)
        peer.connect((self.address, self.ports.get(port, port)))
        return peer

    def http(self, timeout=WAIT):
        """A new HTTP connection."""
        return wire_http.Connection(self.connect(80, timeout))

    def get(self, path="/", timeout=WAIT):
        """The response to one GET on a connection of its own."""
        with self.http(timeout) as connection:
            return connection.get(path, close=True)

    def status(self):
        """The status page, read."""
        response = self.get("/status")
        expect(response.status == 200, f"/status gave {response.status}")
        try:
            return json.loads(response.body)
        except ValueError:
            raise Failure(f"/status is no JSON: {response.body[:300]!r}") from None

    def url(self, path="/"):
        """A URL for real clients, which must run inside()."""
        return f"http://{self.address}:{self.ports.get(80, 80)}{path}"

    def run(self, *command, seconds=30):
        """Runs a real client; (exit code, output)."""
        with self.inside():
            return shell.capture(command, seconds)

    def answers(self, seconds=WAIT, patience=WAIT):
        """Fails unless the page comes within `seconds`: what must hold after everything bad.

        `patience` is for the first attempt; later ones wait longer.
        """
        deadline, last = time.monotonic() + seconds, "no try"
        while (left := deadline - time.monotonic()) > 0:
            try:
                response = self.get(timeout=min(patience, left))
                expect(response.status == 200 and b"hello" in response.body, f"the page is {response}")
                return
            except (OSError, Failure) as error:
                last = error
                expect(self.guest.alive, "the guest has ended")
                time.sleep(0.005)
                patience *= 1.3
        raise Failure(f"no page within {seconds} s: {last}")


def free_port():
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return port if ports.is_free(port) else free_port()


@contextlib.contextmanager
def site(where="microvm", net=USER, program="http-whole", memory=None, forwards=(("tcp", 80),), make_wire=Wire,
         binary=None, extra=(), words=()):
    """A Site of `program` on a machine of QEMU, or as a Linux process (which needs `net` = TAP). Always cleaned up.

    `make_wire()` gives the Wire of a TAP. `binary` is an image to run instead of a program's, `words` its arguments,
    `extra` more of QEMU's.

    A failure inside carries the end of the guest's console.
    """
    with contextlib.ExitStack() as stack:
        place, wire, mapped = contextlib.nullcontext(), None, {}
        address = "127.0.0.1"
        binary = binary or image(program, HOSTED if where == HOSTED else "kvm")
        if net == TAP:
            try:
                wire = stack.enter_context(make_wire())
            except Fault as fault:
                raise Skip(str(fault)) from None
            place, address, netdev = wire.namespace, wire.guest, qemu.tap_network(wire.name)
        else:
            mapped = {port: free_port() for _, port in forwards}
            netdev = qemu.user_network([(proto, mapped[port], port) for proto, port in forwards])
        with place:
            if where == HOSTED:
                guest = Guest([binary, *words], extra_env={"UK_TAP": wire.name})
            else:
                extra = [*extra, "-append", " ".join(words)] if words else extra
                guest = qemu.boot(qemu.command(binary, where, memory, netdev, extra=extra))
        stack.enter_context(guest)
        try:
            found = Site(guest, where, net, address, mapped, wire)
            if binary.name in ("http", "page", "stream"):
                # Before the guest has its address, attempts are lost: many short ones.
                guest.wait_for(".", 1)
                found.answers(BOOT_SECONDS, 0.05)
            yield found
        except (Failure, OSError) as failure:
            tail = "\n".join((guest.text + guest.complaints()).splitlines()[-15:])
            state = "runs" if guest.alive else f"ended with {guest.process.returncode}"
            raise Failure(f"{failure}\nthe guest {state}; the end of its console:\n{tail}") from failure


def run_to_end(where, program, seconds=BOOT_SECONDS, memory=None):
    """Runs a program without a network to its end; (exit status, console)."""
    binary = image(program, HOSTED if where == HOSTED else "kvm")
    if where == HOSTED:
        with Guest([binary]) as guest:
            return guest.wait(seconds), guest.text
    with qemu.boot(qemu.command(binary, where, memory)) as guest:
        return qemu.status(guest, seconds), guest.text
