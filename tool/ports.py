# SPDX-License-Identifier: BSL-1.0
"""Ports of 127.0.0.1: which one to use, and a relay from it into a network namespace."""

import contextlib
import socket
import threading

from tool.fault import Fault
from tool.shell import say

DEFAULT = 8080
TRIES = 100


def is_free(port):
    """Whether TCP and UDP could both be bound on 127.0.0.1:port."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def choose(asked):
    """The port to use: the one asked for, or from DEFAULT on the first that is free. A Fault names the remedy."""
    if asked is not None:
        if not 1 <= asked <= 65535:
            raise Fault(f"port {asked} does not exist; choose one from 1 to 65535, such as --port {DEFAULT}", 2)
        if not is_free(asked):
            raise Fault(f"port {asked} is in use or not allowed; choose another by --port, or leave --port out")
        return asked
    for port in range(DEFAULT, DEFAULT + TRIES):
        if is_free(port):
            if port != DEFAULT:
                say(f"port {DEFAULT} is in use: taking {port}")
            return port
    raise Fault(f"no free port between {DEFAULT} and {DEFAULT + TRIES - 1}; choose one by --port")


class Relay:
    """Carries TCP connections from 127.0.0.1:port to `address` inside `namespace`, each on two threads."""

    def __init__(self, port, namespace, address):
        self.namespace, self.address = namespace, address
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            try:
                with self.namespace:
                    guest = socket.create_connection(self.address, timeout=5)
            except OSError:
                return
            with guest:
                guest.settimeout(None)
                back = threading.Thread(target=pump, args=(guest, client), daemon=True)
                back.start()
                pump(client, guest)
                back.join()

    def close(self):
        """Accepts no more connections."""
        # shutdown() wakes the thread that waits in accept().
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def pump(source, sink):
    """Copies until the source ends, then ends the sink's direction too."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
