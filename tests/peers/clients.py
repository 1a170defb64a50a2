# SPDX-License-Identifier: BSL-1.0
"""Cases: wrk and ab load the http example; no request fails, and the memory figures are what they were."""

import re
import tempfile

from boot import load
from boot.harness import HOSTED, TAP, site
from tool.cases import Case, expect

TARGETS = ("microvm", "q35", HOSTED)
CONNECTIONS = 32
REQUESTS = 10_000   # that one connection of the example may bring
CHURN = 100_000     # connections, after which the memory is looked at


def wrk(found, seconds, *options):
    """Keep-alive connections, each asking again and again."""
    code, text = found.run("wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "5s", *options,
                           found.url(), seconds=seconds + 30)
    done = re.search(r"(\d+) requests in", text)
    expect(code == 0 and done, f"wrk ended with {code}:\n{text}")
    # wrk has lines for these only where there are any. A connection whose requests are used up ends with some of the
    # pipelined ones unanswered.
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    connect, read, write, timeout = map(int, errors.groups()) if errors else (0, 0, 0, 0)
    used_up = int(done[1]) // REQUESTS if options else 0
    expect(connect + write + timeout == 0 and read <= used_up and "Non-2xx" not in text, text)
    expect(int(done[1]) > 100 * seconds, f"only {done[1]} requests:\n{text}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1])


def pipelined(found, seconds, depth=16):
    """The same with `depth` requests at a time: more responses than a connection has send buffers."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"local all\ninit = function() all = string.rep(wrk.format('GET'), {depth}) end\n"
                     "request = function() return all end\n")
        script.flush()
        return wrk(found, seconds, "-s", script.name)


def ab(found, requests, *options):
    """A number of requests, on connections of their own or, with -k, on kept ones."""
    code, text = found.run("ab", "-q", "-n", str(requests), "-c", str(CONNECTIONS), "-s", "10", *options,
                           found.url(), seconds=requests // 50 + 30)
    expect(code == 0, f"ab ended with {code}:\n{text}")
    figures = dict(re.findall(r"^([A-Z][\w -]+):\s+([\d.]+)", text, re.M))
    expect(figures.get("Complete requests") == str(requests) and figures.get("Failed requests") == "0", text)
    expect("Non-2xx responses" not in figures, text)
    return float(figures["Requests per second"])


def loads(where, seconds, requests):
    """One after the other on one guest."""
    with site(where, TAP) as found:
        before = load.warmed_up(found)
        rates = {"wrk": wrk(found, seconds), "pipelined": pipelined(found, seconds),
                 "ab -k": ab(found, requests, "-k"), "ab": ab(found, requests)}
        load.same_memory(found, before)
        refused = found.status()["counters"]["net::tcp"]
        return ", ".join([f"{name} {rate:,.0f} requests/s" for name, rate in rates.items()] +
                         [f"{name} {refused[name]}" for name in ("table_full", "backlog_full", "cookies_out")])


def churn(where, connections):
    """Connections opened, used once and closed: none fails, no memory is lost, and the page still comes."""
    with site(where, TAP) as found:
        before = load.warmed_up(found)
        rate = 0.0
        for _ in range(0, connections, CHURN):
            rate = ab(found, CHURN)
            load.same_memory(found, before)
        found.answers(1)
        opened = found.status()["counters"]["net::tcp"]["opened"]
        expect(opened >= connections, f"only {opened} connections")
        return f"{opened:,} connections, at last {rate:,.0f}/s; memory as before: {before}"


def cases(long):
    """For each target."""
    seconds, requests, connections = (60, 100_000, 10 * CHURN) if long else (3, 5000, CHURN)
    for where in TARGETS:
        yield Case(f"wrk and ab on {where}", lambda w=where: loads(w, seconds, requests))
    for where in ("microvm", HOSTED):
        yield Case(f"churn on {where}", lambda w=where: churn(w, connections))
