# SPDX-License-Identifier: BSL-1.0
"""What `uk run` does as a client of the guest: waits for it, and checks its answer."""

import http.client
import socket
import time

from tool import shell
from tool.fault import Fault

EXPECTED = b"hello"


def poll(guest, seconds, attempt):
    """Seconds from the guest's start until attempt(time-out) succeeds; None when it does not, or the guest ended.

    Attempts are short at first, since one that is made too early is lost, and longer later, for slow machines.
    """
    guest.wait_for(".", 1)
    deadline, patience = time.monotonic() + seconds, 0.05
    while guest.alive and time.monotonic() < deadline:
        try:
            attempt(patience)
            return time.monotonic() - guest.begin
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)
            patience = min(patience * 1.3, 2)
    return None


def wait_for_page(port, guest, seconds):
    """poll() for http://127.0.0.1:port/."""
    def attempt(patience):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
        try:
            connection.request("GET", "/", headers={"Connection": "close"})
            connection.getresponse().read()
        finally:
            connection.close()

    return poll(guest, seconds, attempt)


def check_page(port, seconds):
    """Fetches the page once with curl; the text that says what came. A Fault says why it is not right."""
    url = f"http://127.0.0.1:{port}/"
    code, text = shell.capture(["curl", "--silent", "--show-error", "--max-time", seconds, "--noproxy", "*",
                                "--write-out", "\n%{http_code}", url], timeout=seconds + 5)
    body, _, status = text.rpartition("\n")
    if code != 0:
        raise Fault(f"check failed: curl ended with {code} for {url}: {body.strip()}")
    if status != "200" or EXPECTED.decode() not in body:
        raise Fault(f"check failed: {url} gave status {status} and {body.strip()[:200]!r}; "
                    f"expected 200 and a body with '{EXPECTED.decode()}'")
    return f"{url} gave 200: {body.strip()[:200]}"


def wait_for_echo(port, guest, seconds):
    """poll() for the TCP echo."""
    return poll(guest, seconds, lambda patience: echo_tcp(port, patience))


def echo_tcp(port, patience=2):
    """One exchange by TCP; OSError when it fails."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as peer:
        peer.sendall(b"hello\n")
        got = b""
        while len(got) < 6 and (part := peer.recv(64)):
            got += part
        if got != b"hello\n":
            raise OSError(f"the TCP echo gave {got!r}")


def echo_udp(port):
    """One exchange by UDP, tried a few times; OSError when it fails."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(0.5)
        peer.connect(("127.0.0.1", port))
        for _ in range(5):
            peer.send(b"hello\n")
            try:
                if peer.recv(64) == b"hello\n":
                    return
            except TimeoutError:
                continue
        raise OSError("the UDP echo does not answer")


def check_echo(port, udp):
    """Checks both echoes; the text that says what came. A Fault says why it is not right."""
    try:
        echo_tcp(port)
        if udp:
            echo_udp(port)
    except OSError as error:
        raise Fault(f"check failed: echo on port {port}: {error}") from None
    return f"127.0.0.1:{port} returned 'hello' by TCP{' and UDP' if udp else ''}"


def ask_names(port, text, patience=2):
    """What resolve answers to one datagram; OSError when nothing comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(patience)
        peer.connect(("127.0.0.1", port))
        peer.send(text.encode())
        return peer.recv(2048).decode().strip()


def wait_for_names(port, guest, seconds):
    """poll() for resolve, which knows a dotted address without asking anybody."""
    return poll(guest, seconds, lambda patience: ask_names(port, "192.0.2.1", patience))


def check_names(port):
    """Has resolve look an address up that needs no server; the text that says what came."""
    try:
        answer = ask_names(port, "192.0.2.1")
    except OSError as error:
        raise Fault(f"check failed: resolve on port {port}: {error}") from None
    if answer != "192.0.2.1":
        raise Fault(f"check failed: resolve took 192.0.2.1 for {answer!r}")
    return f"127.0.0.1:{port} answered by UDP"
