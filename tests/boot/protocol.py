# SPDX-License-Identifier: BSL-1.0
"""Cases: HTTP/1.1 to the letter, against the stream example."""

import tempfile
import threading
from pathlib import Path

from boot.harness import HOSTED, TAP, USER, site
from tool.cases import Case, expect


def keep_alive(found):
    """Twenty requests on one connection, then Connection: close is obeyed."""
    with found.http() as connection:
        for number in range(20):
            expect(connection.get().status == 200, f"request {number} failed")
        response = connection.get(close=True)
        expect(response.headers.get("connection", "").lower() == "close", f"no Connection: close in {response}")
        expect(connection.closed(), "the connection stays open after Connection: close")


def old_version(found):
    """HTTP/1.0 without keep-alive ends with its response (RFC 9112, section 9.3)."""
    with found.http() as connection:
        connection.request(version="1.0")
        expect(connection.response().status == 200 and connection.closed(), "HTTP/1.0: not one response and an end")


def pipelined(found):
    """Fifty requests in one write are answered in order."""
    with found.http() as connection:
        paths = ["/", "/big?octets=3000", "/missing", "/chunked"] * 12 + ["/", "/missing"]
        connection.send("".join(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n" for path in paths))
        for number, path in enumerate(paths):
            status = connection.response().status
            expect(status == (404 if path == "/missing" else 200), f"response {number} ({path}) is {status}")


def octet_by_octet(found):
    """A request in single octets is one request."""
    with found.http() as connection:
        for octet in b"GET / HTTP/1.1\r\nHost: test\r\n\r\n":
            connection.send(bytes([octet]))
        expect(connection.response().status == 200, "a request sent in single octets failed")


def head(found):
    """HEAD gives GET's header fields and no body (RFC 9110, section 9.3.2)."""
    with found.http() as connection:
        full = connection.get()
        connection.request("HEAD")
        bare = connection.response(head_only=True)
        expect(bare.status == 200, f"HEAD gave {bare}")
        expect(bare.headers.get("content-length") == full.headers.get("content-length"), f"HEAD {bare}, GET {full}")
        expect(connection.get().status == 200, "octets after the response to HEAD")


POST = b"POST /echo HTTP/1.1\r\nHost: t\r\n"

# (what, request octets, acceptable statuses)
REFUSED = [
    ("an unknown path", b"GET /missing HTTP/1.1\r\nHost: t\r\n\r\n", {404}),
    ("a method the route lacks", b"DELETE / HTTP/1.1\r\nHost: t\r\n\r\n", {405}),
    ("no request at all", b"\x00\xff garbage\r\n\r\n", {400}),
    ("a line without version", b"GET /\r\n\r\n", {400}),
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", {400}),
    ("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
    ("a space before the colon", b"GET / HTTP/1.1\r\nHost : t\r\n\r\n", {400}),
    ("a folded header", b"GET / HTTP/1.1\r\nHost: t\r\nA: b\r\n c\r\n\r\n", {400}),
    ("a future version", b"GET / HTTP/3.0\r\nHost: t\r\n\r\n", {400, 505}),
    ("a negative length", POST + b"Content-Length: -1\r\n\r\n", {400}),
    ("a length over 64 bits", POST + b"Content-Length: 18446744073709551617\r\n\r\n", {400, 413}),
    ("two lengths", POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", {400}),
    ("a length and chunks", POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    ("an unknown coding", POST + b"Transfer-Encoding: zip\r\n\r\n", {400, 501}),
    ("a chunk size that is none", POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", {400}),
    ("a body over the limit", POST + b"Content-Length: 4294967297\r\n\r\n", {413}),
    ("too many header octets", b"GET / HTTP/1.1\r\nHost: t\r\n" + b"X-Long: " + b"a" * 65536 + b"\r\n\r\n", {431}),
]


def refused(found, request, statuses):
    """A bad request gets its status (the connection may end before all is sent), and the guest still answers."""
    with found.http() as connection:
        try:
            connection.send(request)
        except ConnectionError:
            pass
        response = connection.response()
        expect(response.status in statuses, f"{response.status} instead of {sorted(statuses)}")
        if response.status == 405:
            expect("allow" in response.headers, "405 without Allow (RFC 9110, section 15.5.6)")
    found.answers()


def chunked_response(found):
    """A response in several chunks, and the same as one text for a real client."""
    with found.http() as connection:
        response = connection.get("/chunked")
        expect(response.status == 200 and len(response.chunks) > 1, f"not several chunks: {response}")
        expect(connection.get().status == 200, "octets after the last chunk")
    code, text = found.run("curl", "-sS", "--max-time", "10", "--noproxy", "*", found.url("/chunked"))
    expect(code == 0 and text == response.body.decode(), f"curl ended with {code} and read {text[:200]!r}")


def download(found):
    """A megabyte arrives whole at a real client, at full speed and through one that reads slowly."""
    size = 1 << 20
    line = b"The quick brown fox jumps over the lazy dog, again and again.\n\n"
    expected = (line * (size // len(line) + 1))[:size]
    for limit in ([], ["--limit-rate", "1M"]):
        with tempfile.NamedTemporaryFile() as file:
            code, text = found.run("curl", "-sS", "--max-time", "20", "--noproxy", "*", *limit, "-o", file.name,
                                   found.url(f"/big?octets={size}"))
            got = Path(file.name).read_bytes()
        expect(code == 0 and len(got) == size, f"curl ended with {code} after {len(got)} of {size} octets: {text}")
        expect(got == expected, "the octets are not those that were sent")


def bodies(found):
    """POST /echo returns the body, sent with a length and in chunks, small and larger than any buffer."""
    for size in (0, 1, 100, 1460, 5000, 100_000):
        data = bytes((7 * i) & 255 for i in range(size))
        with found.http() as connection:
            connection.request("POST", "/echo", [f"Content-Length: {size}"])
            expect(exchange(connection, data).body == data, f"a body of {size} octets came back otherwise")
            framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in pieces(data)) + b"0\r\n\r\n"
            connection.request("POST", "/echo", ["Transfer-Encoding: chunked"])
            expect(exchange(connection, framed).body == data, f"chunks of {size} octets came back otherwise")
            expect(connection.get().status == 200, "the connection is out of step after a body")


def pieces(data, size=777):
    """`data` cut into pieces."""
    return [data[at:at + size] for at in range(0, len(data), size)]


def exchange(connection, data):
    """Sends `data` from a thread while the response is read, as the server may answer before it has everything."""
    sender = threading.Thread(target=connection.send, args=(data,), daemon=True)
    sender.start()
    response = connection.response()
    sender.join(5)
    return response


def long_line(found):
    """A request line of 1 MB is refused or cut off, and the guest still answers at once."""
    with found.http() as connection:
        try:
            connection.send(b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: t\r\n\r\n")
            answer = connection.rest()
        except ConnectionError:
            answer = b""
        expect(answer == b"" or answer.startswith(b"HTTP/1.1 4"), f"1 MB of request line gave {answer[:80]!r}")
    found.answers(1)


def expect_continue(found):
    """curl sends Expect: 100-continue before a large body; it must not wait in vain (RFC 9110, section 10.1.1)."""
    code, text = found.run("curl", "-sS", "--max-time", "10", "--noproxy", "*", "-H", "Expect: 100-continue",
                           "--expect100-timeout", "8", "-d", "x" * 3000, "-w", "|%{http_code} %{time_total}",
                           found.url("/echo"))
    body, _, figures = text.rpartition("|")
    status, _, seconds = figures.partition(" ")
    expect(code == 0 and status == "200" and body == "x" * 3000, f"curl ended with {code}, status {status}")
    expect(float(seconds) < 5, f"it took {seconds} s")


STEPS = [keep_alive, old_version, pipelined, octet_by_octet, head, chunked_response, download, bodies, long_line,
         expect_continue]


def on_site(where, net, step):
    """A case's function: boots, then does the step."""
    def function():
        with site(where, net, "stream") as found:
            step(found)
    return function


def cases():
    """Every step on the image and as a Linux process."""
    for where, net in (("microvm", USER), (HOSTED, TAP)):
        for step in STEPS:
            yield Case(f"http {step.__name__.replace('_', ' ')} on {where}", on_site(where, net, step))
        for what, request, statuses in REFUSED:
            yield Case(f"http refuses {what} on {where}",
                       on_site(where, net, lambda found, r=request, s=statuses: refused(found, r, s)))
