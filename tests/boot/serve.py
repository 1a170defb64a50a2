# SPDX-License-Identifier: BSL-1.0
"""Cases: the web servers, small and smallest, serve on every machine and network, to real clients."""

from boot.harness import HOSTED, MACHINES, TAP, USER, run_to_end, site
from tool.cases import Case, expect
from tool.probe import READY

KIB = 1 << 10


def page(program, where, net, memory=None):
    """curl gets the page twice on one connection; over a TAP, dnsmasq gave the address and ping is answered."""
    with site(where, net, program, memory) as found:
        code, text = found.run("curl", "-sS", "--max-time", "10", "--noproxy", "*",
                               "-w", "|%{http_code} %{num_connects}|", found.url(), found.url())
        expect(code == 0, f"curl ended with {code}: {text}")
        expect(text.count("hello") == 2, f"the page twice, but: {text}")
        expect("|200 1|" in text and text.rstrip().endswith("|200 0|"), f"not two requests on one connection: {text}")
        if net == TAP:
            log = found.wire.dhcp_text()
            expect(f"DHCPACK({found.wire.name}) {found.address}" in log, f"no lease in dnsmasq's log:\n{log}")
            ping(found)
        return f"{found.guest.first_byte * 1e3:.0f} ms to the first byte" if found.guest.first_byte else None


def ping(found):
    """Three echo requests come back, small and at the link's full size."""
    for size in ("56", "1472"):
        code, text = found.run("ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", "-s", size, found.address)
        expect(code == 0 and " 0% packet loss" in text, f"ping with {size} octets:\n{text}")


def hello(where):
    """hello prints its line and ends with status 0."""
    status, console = run_to_end(where, "hello")
    expect(status == 0, f"hello ended with {status}; its console:\n{console}")
    expect("hello" in console, f"hello printed {console!r}")


def echo(where, net):
    """echo returns what comes by TCP and UDP."""
    with site(where, net, "echo", forwards=(("tcp", 7), ("udp", 7))) as found:
        expect(found.guest.wait_for(READY, 20), "echo did not say that it is ready")
        data = bytes(range(256)) * 256
        with found.connect(7) as peer:
            got, sent = b"", 0
            while len(got) < len(data):
                if sent < len(data):
                    peer.sendall(data[sent:sent + 4096])
                    sent += 4096
                part = peer.recv(65536)
                expect(part, f"TCP ended after {len(got)} octets")
                got += part
            expect(got == data, "TCP returned other octets")
        with found.datagrams(7) as peer:
            for size in (0, 1, 512, 1400):
                peer.send(data[:size])
                expect(peer.recv(2048) == data[:size], f"UDP lost or changed a datagram of {size} octets")


def cases():
    """The matrix."""
    for where in [*MACHINES, HOSTED]:
        yield Case(f"hello on {where}", lambda w=where: hello(w))
    for program in ("http", "page"):
        for where in MACHINES:
            for net in (USER, TAP):
                yield Case(f"{program} on {where}, {net}", lambda p=program, w=where, n=net: page(p, w, n))
        yield Case(f"{program} on {HOSTED}, {TAP}", lambda p=program: page(p, HOSTED, TAP))
        yield Case(f"{program} in 1 MiB of guest memory", lambda p=program: page(p, "microvm", USER, 1024 * KIB))
    for where in MACHINES:
        yield Case(f"http built for speed on {where}, {TAP}", lambda w=where: page("http-fast", w, TAP))
    for where, net in (("microvm", USER), ("pc", TAP), (HOSTED, TAP)):
        yield Case(f"echo on {where}, {net}", lambda w=where, n=net: echo(w, n))
