"""Shared by the interop and end-to-end scripts: runs moulin in throw-away folders and prints TAP lines."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MOULIN = pathlib.Path(os.environ.get("MOULIN", ROOT / "build" / "moulin"))
failures = 0


def moulin(*arguments, cwd, code=0, env=None, timeout=300):
    """Runs the program; `code` is the exit code it must have (None = any). Returns the finished process."""
    done = subprocess.run([str(MOULIN), *map(str, arguments)], cwd=cwd, text=True, capture_output=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    if code is not None and done.returncode != code:
        raise AssertionError(f"moulin {' '.join(map(str, arguments))}: exit {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")
    return done


def moulin_json(*arguments, cwd, **options):
    return json.loads(moulin(*arguments, "--output", "json", cwd=cwd, **options).stdout)


class Skip(Exception):
    """Raised by a case that this machine cannot run; the text says why."""


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="moulin-test-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def case(function):
    """Runs a test function at once and prints its TAP line, named after it."""
    global failures
    name = getattr(function, "title", function.__name__.replace("_", " "))
    try:
        function()
        print(f"ok {name}", flush=True)
    except Skip as reason:
        print(f"ok {name} # SKIP {reason}", flush=True)
    except BaseException as problem:  # noqa: BLE001 - a failed case must not end the others
        failures += 1
        traceback.print_exc(file=sys.stdout)
        print(f"not ok {name}: {type(problem).__name__}", flush=True)
        if isinstance(problem, KeyboardInterrupt):
            raise
    return function


def finish():
    sys.exit(1 if failures else 0)
