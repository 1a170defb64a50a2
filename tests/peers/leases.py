# SPDX-License-Identifier: BSL-1.0
"""Cases: the DHCP servers of other people lease an address to the http example, and renew the lease."""

import contextlib
import functools
import json
import os
import re
import subprocess
import tempfile
import time

from boot.harness import HOSTED, TAP, site
from tool import packages, shell
from tool.cases import Case, Failure, expect
from tool.netns import Wire

RENEW = 4       # seconds until the client asks to renew its lease
LEASE = 120     # seconds; the servers that do not tell when to renew give 2 * RENEW: clients renew after half of it

DHCPD = """
default-lease-time {lease}; max-lease-time {lease}; authoritative; ping-check false;
subnet 10.0.2.0 netmask 255.255.255.0 {{
  range {guest} {guest}; option routers {host};
}}
"""
UDHCPD = """
start {guest}
end {guest}
interface {name}
min_lease 5
lease_file {folder}/leases
pidfile {folder}/pid
option subnet 255.255.255.0
option router {host}
option lease {short}
"""


def dnsmasq(wire, folder):
    """(Command, text that says that it started, text of each lease given)."""
    return ([packages.which("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping",
             "--user=root", f"--interface={wire.name}", "--bind-dynamic", "--log-dhcp", "--log-facility=-",
             f"--pid-file={folder}/pid", f"--dhcp-leasefile={folder}/leases", "--dhcp-authoritative",
             f"--dhcp-range={wire.guest},{wire.guest},255.255.255.0,{LEASE}s", f"--dhcp-option=3,{wire.host}",
             f"--dhcp-option-force=58,{RENEW}"], "started", r"DHCPACK\({name}\) {guest}")


def file(folder, name, text):
    """The path of a new file."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def dhcpd(wire, folder):
    """ISC's."""
    conf = DHCPD.format(guest=wire.guest, host=wire.host, lease=2 * RENEW)
    return ([packages.unpacked() / "usr/sbin/dhcpd", "-4", "-f", "-d", "-cf", file(folder, "conf", conf),
             "-lf", file(folder, "leases", ""), "-pf", f"{folder}/pid", wire.name],
            "Server starting service", r"DHCPACK on {guest} to")


def kea(wire, folder):
    """ISC's newer one."""
    conf = {"Dhcp4": {
        # It only listens once a guest has opened the TAP.
        "interfaces-config": {"interfaces": [wire.name], "dhcp-socket-type": "raw",
                              "service-sockets-max-retries": 1000, "service-sockets-retry-wait-time": 20},
        "lease-database": {"type": "memfile", "persist": False},
        "valid-lifetime": LEASE, "renew-timer": RENEW, "rebind-timer": LEASE // 2,
        "subnet4": [{"subnet": "10.0.2.0/24", "pools": [{"pool": f"{wire.guest} - {wire.guest}"}],
                     "option-data": [{"name": "routers", "data": wire.host}]}],
        "loggers": [{"name": "kea-dhcp4", "severity": "DEBUG", "debuglevel": 15,
                     "output_options": [{"output": "stdout", "flush": True}]}]}}
    return ([packages.unpacked() / "usr/sbin/kea-dhcp4", "-c", file(folder, "conf", json.dumps(conf))],
            "DHCP4_STARTED", r"DHCP4_LEASE_(?:ALLOC|RENEW|REUSE).*lease {guest} has been")


def udhcpd(wire, folder):
    """BusyBox's."""
    conf = UDHCPD.format(guest=wire.guest, host=wire.host, name=wire.name, folder=folder, short=2 * RENEW)
    file(folder, "leases", "")
    return ([packages.unpacked() / "bin/busybox", "udhcpd", "-f", file(folder, "conf", conf)],
            "started", r"[Ss]ending ACK to {guest}")


SERVERS = {"dnsmasq": dnsmasq, "ISC dhcpd": dhcpd, "Kea": kea, "udhcpd": udhcpd}


class LeasedWire(Wire):
    """A wire with one of SERVERS on it."""

    def __init__(self, make):
        super().__init__(dhcp=False)
        with contextlib.ExitStack() as undo:
            undo.callback(super().close)
            folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="uk-dhcp-"))
            command, started, given = make(self, folder)
            self._given = given.format(name=self.name, guest=re.escape(self.guest))
            self._log = undo.enter_context(tempfile.TemporaryFile())
            self._serve(undo, command, started, folder)
            self._undo = undo.pop_all()

    def _serve(self, undo, command, started, folder):
        libraries = f"{packages.unpacked()}/usr/lib/x86_64-linux-gnu"
        own = {"LD_LIBRARY_PATH": libraries, "KEA_PIDFILE_DIR": folder, "KEA_LOCKFILE_DIR": folder}
        with self.namespace:
            shell.show(command, own)
            server = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=self._log,
                                      stderr=subprocess.STDOUT, env=shell.environment(own), cwd=folder)
        undo.callback(server.wait)
        undo.callback(server.kill)
        deadline = time.monotonic() + 10
        while started not in self.dhcp_text():
            expect(server.poll() is None, f"{command[0]} ended at once:\n{self.dhcp_text()}")
            expect(time.monotonic() < deadline, f"{command[0]} did not start within 10 s:\n{self.dhcp_text()}")
            time.sleep(0.02)

    def dhcp_text(self):
        """What the server logged so far."""
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")

    def leases(self):
        """How often the server gave the lease."""
        return len(re.findall(self._given, self.dhcp_text()))

    def close(self):
        """Ends the server and gives the namespace up."""
        self._undo.close()


def lease(where, make):
    """The address comes from the server, curl gets the page there, also after the lease was renewed."""
    with site(where, TAP, make_wire=functools.partial(LeasedWire, make)) as found:
        curl(found)
        first = found.wire.leases()
        expect(first >= 1, f"no lease in the server's log:\n{found.wire.dhcp_text()[-3000:]}")
        begin = time.monotonic()
        while found.wire.leases() == first:
            if time.monotonic() - begin > 3 * RENEW:
                raise Failure(f"the lease was not renewed:\n{found.wire.dhcp_text()[-3000:]}")
            time.sleep(0.1)
        curl(found)
        return f"renewed {time.monotonic() - begin:.1f} s after the first page"


def curl(found):
    """curl gets the page."""
    code, text = found.run("curl", "-sS", "--max-time", "10", "--noproxy", "*", found.url())
    expect(code == 0 and "hello" in text, f"curl ended with {code}: {text}")


def cases(_):
    """Each server for the image, and one for the Linux process."""
    for name, make in SERVERS.items():
        yield Case(f"lease from {name} on microvm", lambda m=make: lease("microvm", m))
    yield Case(f"lease from Kea on {HOSTED}", lambda: lease(HOSTED, kea))
