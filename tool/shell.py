# SPDX-License-Identifier: BSL-1.0
"""Runs commands: quiet unless they fail, each printed first with -v."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tool.fault import Fault

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


class Options:
    """What the whole process was asked for on its command line."""
    verbose = False


def say(text):
    """A progress line, on stderr so that stdout holds results only."""
    print(text, file=sys.stderr, flush=True)


def show(command, extra_env=None, cwd=None):
    """With -v: prints the command as a user could type it."""
    if Options.verbose:
        text = " ".join([f"{key}={shlex.quote(value)}" for key, value in (extra_env or {}).items()]
                        + [shlex.join(map(str, command))])
        say(f"+ (cd {shlex.quote(str(cwd))} && {text})" if cwd else f"+ {text}")


def environment(extra_env=None):
    """The environment of a command: ours, English messages, and `extra_env`."""
    return {**os.environ, "LC_ALL": "C.UTF-8", **(extra_env or {})}


def capture(command, timeout=60, extra_env=None, cwd=None, check=False):
    """Runs `command` to its end; (exit code, stdout and stderr as one text). 124 after `timeout` seconds."""
    show(command, extra_env, cwd)
    try:
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, env=environment(extra_env), cwd=cwd)
        code, text = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        code, text = 124, (late.stdout or b"").decode(errors="replace") + f"\nno end after {timeout} s"
    except FileNotFoundError:
        code, text = 127, f"{command[0]}: not found"
    if check and code != 0:
        raise Fault(f"{command[0]} ended with {code}: {text.strip()}")
    return code, text


def work(title, command, extra_env=None, cwd=None):
    """Runs a longer command under a visible title; its output appears only when it fails, or with -v."""
    show(command, extra_env, cwd)
    live = sys.stderr.isatty() and not Options.verbose
    begin = time.monotonic()
    if not live:
        say(f"{title} ...")
    try:
        child = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, env=environment(extra_env), cwd=cwd)
    except FileNotFoundError:
        raise Fault(f"{command[0]} is not installed; see tool/packages.txt") from None
    output = []
    try:
        for raw in child.stdout:
            line = raw.decode(errors="replace").rstrip()
            output.append(line)
            if Options.verbose:
                say(line)
            elif live:
                print(f"\r\033[K{title}: {line[:80]}", end="", file=sys.stderr, flush=True)
    except BaseException:
        child.terminate()
        raise
    finally:
        code = child.wait()
    if live:
        print("\r\033[K", end="", file=sys.stderr)
    if code != 0:
        if not Options.verbose:
            say("\n".join(output))
        raise Fault(f"{title}: {command[0]} ended with {code}; the command was: {shlex.join(map(str, command))}")
    say(f"{title}: {time.monotonic() - begin:.1f} s")
