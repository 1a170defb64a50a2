# SPDX-License-Identifier: BSL-1.0
"""Cases: the resolve example asks dnsmasq and unbound for names."""

import contextlib
import os
import re
import subprocess
import tempfile
import threading
import time

from boot.harness import HOSTED, TAP, site
from tool import packages, shell
from tool.cases import Case, Failure, expect
from tool.probe import READY

PORT = 7053
MANY = [f"10.9.0.{i}" for i in range(1, 51)]      # more than a datagram without EDNS holds
CHAIN = 6

DNSMASQ = [
    "--host-record=www.test,10.1.2.3,fd00::1", *[f"--host-record=many.test,{address}" for address in MANY],
    *[f"--cname=alias{i}.test,alias{i + 1}.test" for i in range(CHAIN)], f"--cname=alias{CHAIN}.test,www.test",
    "--host-record=brief.test,10.1.2.4,1", "--txt-record=text.test,hello",
    "--local=/test/", "--local-ttl=60",
]

UNBOUND = """
server:
  interface: {host}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/pid"
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  local-zone: "test." static
  local-data: "test. 60 IN SOA ns.test. me.test. 1 2 3 4 30"
  local-data: "www.test. 60 IN A 10.1.2.3"
  local-data: "www.test. 60 IN AAAA fd00::1"
  local-data: "text.test. 60 IN TXT hello"
  local-data: "alias0.test. 60 IN CNAME www.test."
{many}
remote-control:
  control-enable: no
"""


@contextlib.contextmanager
def serving(wire, command, started, environment=None):
    """Runs a name server in the wire's namespace until the block ends."""
    log = tempfile.TemporaryFile()
    with wire.namespace:
        shell.show(command, environment)
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                  env=shell.environment(environment))
    try:
        for _ in range(250):
            text = os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")
            if started in text:
                break
            expect(server.poll() is None, f"{command[0]} ended at once: {text}")
            time.sleep(0.02)
        else:
            raise Failure(f"{command[0]} did not start within 5 s: {text}")
        yield
    finally:
        server.kill()
        server.wait()
        log.close()


@contextlib.contextmanager
def dnsmasq(wire, *options):
    """dnsmasq as a name server on the wire's host address."""
    command = [packages.which("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--no-resolv",
               "--no-hosts", "--log-facility=-", "--pid-file", f"--listen-address={wire.host}", "--bind-interfaces",
               *DNSMASQ, *options]
    with serving(wire, command, "started"):
        yield


@contextlib.contextmanager
def unbound(wire):
    """unbound, taken out of its package."""
    folder = packages.unpacked()
    with tempfile.TemporaryDirectory(prefix="uk-unbound-") as place:
        file = os.path.join(place, "conf")
        many = "\n".join(f'  local-data: "many.test. 60 IN A {address}"' for address in MANY)
        with open(file, "w", encoding="ascii") as out:
            out.write(UNBOUND.format(host=wire.host, folder=place, many=many))
        libraries = f"{folder}/usr/lib/x86_64-linux-gnu"
        with serving(wire, [folder / "usr/sbin/unbound", "-d", "-c", file], "start of service",
                     {"LD_LIBRARY_PATH": libraries}):
            yield


class Asker:
    """A running resolve, asked by datagrams."""

    def __init__(self, found):
        self.found = found

    def __call__(self, text, seconds=20):
        with self.found.datagrams(PORT) as peer:
            peer.settimeout(seconds)
            peer.send(text.encode())
            return peer.recv(4096).decode().strip()

    def counters(self):
        """What the resolver has counted."""
        return {name: int(value) for name, value in (pair.split("=") for pair in self("?").split())}


@contextlib.contextmanager
def resolving(where, net=TAP, forwards=(("udp", PORT),)):
    """A running resolve that is ready."""
    with site(where, net, "resolve", forwards=forwards) as found:
        expect(found.guest.wait_for(READY, 20), "resolve did not say that it is ready")
        yield found, Asker(found)


def same(got, wanted):
    """Fails unless both are the same addresses, in whatever order."""
    expect(sorted(got.split()) == sorted(wanted.split()), f"'{wanted}' was to come, but '{got}' came")


def real_server(where, server, questions):
    """Addresses of both kinds, aliases, what is not there, and what is too long for a datagram."""
    with resolving(where) as (found, ask), server(found.wire):
        same(ask(f"@{found.wire.host} www.test"), "10.1.2.3")
        same(ask("WWW.Test."), "10.1.2.3")
        same(ask("aaaa www.test"), "fd00:0:0:0:0:0:0:1")
        same(ask("alias0.test"), "10.1.2.3")
        same(ask("many.test"), " ".join(MANY))
        expect(ask("none.test") == "no such name", "a name that does not exist was found")
        expect(ask("text.test") == "the name has no address", "a text has an address")
        expect(ask("a..b") == "not a name", "'a..b' is a name")
        counters = ask.counters()
        expect(counters["cached"] == 1 and counters["by_stream"] == 1 and counters["truncated"] == 1, f"{counters}")
        expect(counters["sent"] == questions and counters["answered"] == questions, f"{counters}")
        bad = {name: value for name, value in counters.items() if name.startswith("bad_") and value}
        expect(not bad and not counters["failed"], f"{counters}")


def together():
    """Those who ask for one name at one time make one question, and all get its answer."""
    with resolving(HOSTED) as (found, ask), dnsmasq(found.wire):
        ask(f"@{found.wire.host} 10.0.0.1")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ask("www.test"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(answers == ["10.1.2.3"] * 4, f"{answers}")
        counters = ask.counters()
        expect(counters["sent"] == 1, f"{counters}")


def time_to_live():
    """An answer is asked for again when its time is over."""
    with resolving(HOSTED) as (found, ask), dnsmasq(found.wire):
        ask(f"@{found.wire.host} 10.0.0.1")
        for wait, sent in ((0, 1), (0, 1), (1.2, 2)):
            time.sleep(wait)
            same(ask("brief.test"), "10.1.2.4")
            expect(ask.counters()["sent"] == sent, f"not {sent} questions: {ask.counters()}")


def nobody_there():
    """Without a server the look-up ends with an error after its tries."""
    with resolving(HOSTED) as (found, ask):
        begin = time.monotonic()
        answer = ask("@10.0.2.77 www.test")
        expect(re.fullmatch("no name server answered in time", answer), answer)
        expect(6.5 < time.monotonic() - begin < 9, f"it took {time.monotonic() - begin:.1f} s, not 7")
        expect(ask.counters()["timed_out"] == 3, f"{ask.counters()}")


def leased_server():
    """Nobody has said which server to ask but the lease."""
    with resolving("microvm") as (found, ask), dnsmasq(found.wire):
        same(ask("www.test"), "10.1.2.3")


def cases():
    """Both servers, as a process and as a machine."""
    # unbound leaves aliases among its own data to whoever asks: one more question.
    for where in (HOSTED, "microvm"):
        yield Case(f"names from dnsmasq, {where}", lambda w=where: real_server(w, dnsmasq, 6))
    for where in (HOSTED, "pc"):
        yield Case(f"names from unbound, {where}", lambda w=where: real_server(w, unbound, 7))
    yield Case("names from the server of the lease", leased_server)
    yield Case("names asked for together", together)
    yield Case("names whose time is over", time_to_live)
    yield Case("names that nobody answers for", nobody_there)
