# SPDX-License-Identifier: BSL-1.0
"""Cases: the fetch example gets pages from servers of ours, by address and by name, and says so where it cannot."""

import contextlib
import http.server
import threading

from boot.harness import BOOT_SECONDS, HOSTED, TAP, USER, free_port, site
from boot.names import dnsmasq
from tool import qemu
from tool.cases import Case, Skip, expect
from tool.fault import Fault
from tool.netns import Wire

HOST = "10.0.2.2"       # of QEMU's user network, and of a Wire
LINES = "".join(f"line {i} of the page\n" for i in range(3000))


class Server(http.server.ThreadingHTTPServer):
    """Serves pages; `asked` holds (path, Host field) of each request."""

    daemon_threads = True

    def __init__(self, address, pages):
        super().__init__((address, 0), Handler)
        self.pages, self.asked = pages, []

    @property
    def port(self):
        """Where it listens."""
        return self.server_address[1]


class Handler(http.server.BaseHTTPRequestHandler):
    """A page is its text, or the place where it is instead, with `->` in front."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):   # pylint: disable=invalid-name
        """Answers by the table of pages."""
        self.server.asked.append((self.path, self.headers["Host"]))
        page = self.server.pages.get(self.path)
        body = b"nothing here\n" if page is None or page.startswith("->") else page.encode()
        self.send_response(404 if page is None else 302 if page.startswith("->") else 200)
        if page is not None and page.startswith("->"):
            self.send_header("Location", page[2:])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody wants to read that."""


@contextlib.contextmanager
def serving(address="127.0.0.1", pages=None):
    """A running Server on a port of its own."""
    with Server(address, {"/": LINES} if pages is None else pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def wire():
    """A Wire that is there before the guest, so that servers can be on it."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(Wire())
        except Fault as fault:
            raise Skip(str(fault)) from None
        yield found


def fetch(where, url, net=USER, place=None):
    """(exit status, console) of fetch with a URL."""
    with site(where, net, "fetch", forwards=(), make_wire=lambda: contextlib.nullcontext(place), words=[url]) as found:
        guest = found.guest
        return guest.wait(BOOT_SECONDS) if where == HOSTED else qemu.status(guest, BOOT_SECONDS), guest.text


def page(where):
    """The whole page is on the console, and nothing else; the status is 0."""
    with serving() as server:
        status, text = fetch(where, f"http://{HOST}:{server.port}/")
        expect(status == 0, f"status {status}; its console:\n{text[-300:]}")
        expect(text == LINES, f"{len(text)} octets of {len(LINES)}, or others: {text[:80]!r} ... {text[-80:]!r}")
        expect(server.asked == [("/", f"{HOST}:{server.port}")], f"it asked {server.asked}")


def redirect():
    """A redirect is followed, on the same server and to another one; one that never ends is not."""
    with serving(pages={"/": LINES}) as other, serving() as server:
        server.pages = {"/first": "->/second", "/second": f"->http://{HOST}:{other.port}/", "/loop": "->/loop"}
        status, text = fetch("microvm", f"http://{HOST}:{server.port}/first")
        expect(status == 0 and text == LINES, f"status {status}; its console:\n{text[-300:]}")
        expect([path for path, _ in server.asked] == ["/first", "/second"], f"it asked {server.asked}")
        expect(other.asked == [("/", f"{HOST}:{other.port}")], f"it asked {other.asked}")
        url = f"http://{HOST}:{server.port}/loop"
        complains("microvm", url, "too many redirects")


def complains(where, url, sentence, **more):
    """Without a page there is a sentence that says why, and a status."""
    status, text = fetch(where, url, **more)
    expect(status == 1 and text.endswith(f"fetch: {url}: {sentence}\n"),
           f"status {status}, not 1 with '{sentence}'; its console:\n{text}")


def refused(where):
    """Nobody listens at the port."""
    complains(where, f"http://{HOST}:{free_port()}/", "the connection was refused")


def absent():
    """The server has no such page; what it says is printed."""
    with serving() as server:
        complains("microvm", f"http://{HOST}:{server.port}/no", "the server answered with status 404")


def no_url():
    """What is no URL."""
    status, text = fetch("microvm", "https://example.org/")
    wanted = "fetch: https://example.org/ is not like http://example.org:80/path\n"
    expect(status == 2 and text == wanted, f"status {status}; its console:\n{text}")


def named(where):
    """By name, whose server the lease says, with a redirect to another name; and a name that nobody has."""
    with wire() as place, dnsmasq(place, f"--host-record=pages.test,{HOST}", f"--host-record=other.test,{HOST}"):
        with place.namespace:
            server = Server(HOST, {"/": LINES})
        with server, contextlib.ExitStack() as stack:
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            server.pages["/old"] = f"->http://other.test:{server.port}/"
            status, text = fetch(where, f"http://pages.test:{server.port}/old", TAP, place)
            expect(status == 0 and text == LINES, f"status {status}; its console:\n{text[-300:]}")
            wanted = [("/old", f"pages.test:{server.port}"), ("/", f"other.test:{server.port}")]
            expect(server.asked == wanted, f"it asked {server.asked}")
        complains(where, "http://none.test/", "the server's name has no known address", net=TAP, place=place)


def cases():
    """By address over the user network, by name on a wire."""
    for where in ("microvm", "q35"):
        yield Case(f"fetch a page on {where}", lambda w=where: page(w))
    yield Case("fetch with redirects", redirect)
    yield Case("fetch a page that is not there", absent)
    for where in ("microvm", "pc"):
        yield Case(f"fetch from a port where nobody listens on {where}", lambda w=where: refused(w))
    yield Case("fetch what is no URL", no_url)
    for where in ("microvm", HOSTED):
        yield Case(f"fetch by name on {where}", lambda w=where: named(w))
