# SPDX-License-Identifier: BSL-1.0
"""What every test suite is made of: named cases, their results, and a runner for cases that are functions.

A suite is a module with `run(context)`, which yields a Result for each case as it ends, and `names(context)`.
"""

import concurrent.futures
import time
import traceback
from collections import namedtuple
from dataclasses import dataclass

from tool.fault import Fault

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

Result = namedtuple("Result", "name state output seconds")
Case = namedtuple("Case", "name function")     # function() returns notes (text or None) or raises Failure or Skip


class Failure(Exception):
    """A test found something wrong; its text is shown."""


class Skip(Exception):
    """A test cannot run here; its text says why."""


@dataclass
class Context:
    """What the command line asked of the suites."""
    filter: str = ""
    long: bool = False      # suites that have a long form take it
    seconds: int = 60       # of fuzzing, for each target
    hours: float = 8        # of soak
    merge: bool = False     # fuzz makes its committed corpora anew instead

    def wants(self, name):
        """Whether a case of this name is to run."""
        return self.filter.lower() in name.lower()


def expect(condition, text):
    """Raises Failure with `text` unless `condition` holds."""
    if not condition:
        raise Failure(text)


def run_one(case):
    """Runs a case and turns whatever happens into a Result."""
    begin = time.monotonic()

    def result(state, output):
        return Result(case.name, state, output or "", time.monotonic() - begin)

    try:
        return result(PASSED, case.function())
    except Skip as skip:
        return result(SKIPPED, str(skip))
    except (Failure, Fault) as failure:
        return result(FAILED, str(failure))
    except Exception:  # pylint: disable=broad-except
        return result(FAILED, traceback.format_exc())


def run_cases(context, cases, workers=1):
    """Yields the Results of the wanted cases in order, running up to `workers` of them at a time."""
    wanted = [case for case in cases if context.wants(case.name)]
    if workers == 1:
        yield from map(run_one, wanted)
        return
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            yield from pool.map(run_one, wanted)
        except GeneratorExit:
            pool.shutdown(cancel_futures=True)
            raise
