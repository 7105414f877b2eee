"""Small programs in fresh processes over one cache, with edits between runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Results are stored by the time that a call returns, so that events come in the order of the
# calls. Tests of the writer say otherwise.
os.environ["REMEMO_FLUSH_EVERY"] = "0"
# Texts are edited within a second, to others of the same length, which compiled ones do not notice.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
# Programs that are run in the background have this ignored, and hand that on.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPORTER = """
import json as _json, sys as _sys
from rememo import _core as _c
_events = []
_c.subscribe(_events.append)
"""


class Program:
    """A directory of modules that is edited and run again."""

    def __init__(self, directory: Path) -> None:
        """Makes the project's root known by a marker file."""
        self.directory = directory
        (directory / "pyproject.toml").write_text("")

    def write(self, **modules: str) -> None:
        """Writes modules by name."""
        for name, text in modules.items():
            (self.directory / f"{name}.py").write_text(textwrap.dedent(text))

    def run(self, code: str, **environment: str) -> tuple[object, list[str]]:
        """Runs code in a fresh process; returns the value of `out` and what happened."""
        script = REPORTER + textwrap.dedent(code)
        script += "\nprint(_json.dumps([out, [e['event'] for e in _events]]))\n"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-B", "-c", script],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(self.directory), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        out, events = json.loads(done.stdout.splitlines()[-1])
        return out, events

    def run_script(self, name: str) -> str:
        """Runs a module as a script in a fresh process; returns the last line of its output."""
        return self.run_python("-B", f"{name}.py").splitlines()[-1]

    def run_python(self, *arguments: str, typed: str = "", **environment: str) -> str:
        """Runs the interpreter in a fresh process; returns what it printed."""
        done = self.ended("-W", "ignore", *arguments, typed=typed, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ended(
        self, *arguments: str, typed: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the interpreter in a fresh process, however that ends."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env={**os.environ, **environment},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An empty program with a cache of its own."""
    return Program(tmp_path)


# Adds the seconds in a file to the clock on the wall, and to no other.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, at);
    if (clock != CLOCK_REALTIME) return failed;
    long offset = 0;
    FILE *file = fopen(getenv("WALL_CLOCK"), "r");
    if (file) {
        if (fscanf(file, "%ld", &offset) != 1) offset = 0;
        fclose(file);
    }
    at->tv_sec += offset;
    return failed;
}
"""


class Clock:
    """A program whose clock on the wall can be set."""

    def __init__(self, program: Program) -> None:
        """Builds what stands before the clock."""
        self.program = program
        source, library = program.directory / "clock.c", program.directory / "clock.so"
        source.write_text(CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self.offset = program.directory / "offset"
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self.offset)}

    def at(self, hours: float) -> None:
        """Sets it so many hours from now, for whoever runs in its environment."""
        self.offset.write_text(str(int(hours * 3600)))

    def run(self, hours: float, code: str) -> tuple[object, list[str]]:
        """Runs code so many hours from now, in a process that has the module `m`."""
        self.at(hours)
        return self.program.run(f"import m\n{code}", **self.environment)


@pytest.fixture
def clock(program: Program) -> Clock:
    """An empty program whose clock can be set."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler to build a clock with")
    return Clock(program)
