# SPDX-License-Identifier: BSL-1.0
"""A plain HTTP/1.1 client on a socket, which sends exactly the octets that a test wants and checks the framing."""

from dataclasses import dataclass, field

from tool.cases import Failure, expect


@dataclass
class Response:
    """A response as it came; `body` without chunk framing."""
    status: int
    headers: dict
    body: bytes = b""
    chunks: list = field(default_factory=list)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:80]!r}"


class Connection:
    """One TCP connection. Every read is bounded by the socket's time-out; what is not HTTP is a Failure."""

    def __init__(self, peer):
        self.peer = peer
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def send(self, data):
        """Sends octets as they are."""
        self.peer.sendall(data.encode() if isinstance(data, str) else data)

    def request(self, method="GET", path="/", headers=(), body=b"", version="1.1"):
        """Sends one request; `headers` are whole lines."""
        head = [f"{method} {path} HTTP/{version}", "Host: test", *headers]
        self.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def get(self, path="/", close=False):
        """One GET and its response."""
        self.request(path=path, headers=["Connection: close"] if close else [])
        return self.response()

    def _more(self):
        data = self.peer.recv(65536)
        if not data:
            raise Failure(f"the connection ended inside a response, after {self._buffer[:80]!r}")
        self._buffer += data

    def _line(self):
        while b"\r\n" not in self._buffer:
            expect(len(self._buffer) < 1 << 16, f"a line without end: {self._buffer[:80]!r}")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def _exactly(self, count):
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def response(self, head_only=False):
        """The next response. `head_only`: it answers HEAD, so that no body follows."""
        line = self._line()
        version, _, rest = line.partition(" ")
        expect(version in ("HTTP/1.1", "HTTP/1.0") and rest[:3].isdigit(), f"no status line: {line[:80]!r}")
        found = Response(int(rest[:3]), {})
        while line := self._line():
            name, colon, value = line.partition(":")
            expect(colon and name == name.strip(), f"no header field: {line[:80]!r}")
            expect(name.lower() not in found.headers, f"a header field twice: {name}")
            found.headers[name.lower()] = value.strip()
        if head_only or found.status in (204, 304) or found.status < 200:
            return found
        if found.headers.get("transfer-encoding", "").lower() == "chunked":
            expect("content-length" not in found.headers, "both Transfer-Encoding and Content-Length")
            while size := int(self._line().partition(";")[0], 16):
                found.chunks.append(self._exactly(size))
                expect(self._line() == "", "a chunk is longer than its size")
            expect(self._line() == "", "no empty line after the last chunk")
            found.body = b"".join(found.chunks)
        elif "content-length" in found.headers:
            found.body = self._exactly(int(found.headers["content-length"]))
        else:
            found.body = self.rest()
        return found

    def rest(self):
        """Everything until the other side closes. A reset counts as closing."""
        data, self._buffer = self._buffer, b""
        try:
            while part := self.peer.recv(65536):
                data += part
        except ConnectionError:
            pass
        return data

    def closed(self):
        """Whether the other side closes with nothing more to say, within the time-out."""
        return self.rest() == b""
