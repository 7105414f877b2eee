"""Small programs in fresh processes over one cache, with edits between runs."""

from __future__ import annotations

import json
import os
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
