"""Programs that run beside each other, are killed, or find their store damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60

HEAD = """
import json, os, pathlib, sys, time, warnings
from rememo import RememoWarning, _core
events, told = [], []
_core.subscribe(events.append)
def hear(message, category, *rest):
    if issubclass(category, RememoWarning):
        told.append([category.__name__, str(message)])
warnings.simplefilter("always")
warnings.showwarning = hear
def wait_for(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.002)
out = None
"""
TAIL = '\nprint("\\n" + json.dumps([out, events, told]))\n'

# Modules that several test files call. What is noted in a file is not to be watched.
MODULE = """
import os, pathlib, time
from rememo import memoize

def note(text):
    # One write to a file opened for appending is never torn.
    runs = os.open("runs", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(runs, f"{text}\\n".encode())
    os.close(runs)

@memoize
def double(x):
    return x * 2

@memoize(watch="off")
def noted(x):
    note(x)
    return x * 2

@memoize
def text(x, times):
    return f"{x}," * times

@memoize(watch="off")
def gated(x):
    note(x)
    while not pathlib.Path("go").exists():
        time.sleep(0.002)
    return x * 2
"""


class Outcome(NamedTuple):
    """What became of a program."""

    out: Any
    events: list[dict[str, Any]]
    warnings: list[tuple[str, str]]

    @property
    def names(self) -> list[str]:
        """The events by name."""
        return [event["event"] for event in self.events]

    @property
    def categories(self) -> list[str]:
        """The warnings by class."""
        return [category for category, _ in self.warnings]


class Project:
    """A directory with a module `m`, whose functions several processes call."""

    def __init__(self, directory: Path) -> None:
        """Makes the project's root known by a marker file."""
        self.directory = directory
        self.store = directory / ".rememo"
        self._started: list[subprocess.Popen[str]] = []
        (directory / "pyproject.toml").write_text("")
        self.write(m=MODULE)

    def write(self, **modules: str) -> None:
        """Writes modules by name."""
        for name, text in modules.items():
            (self.directory / f"{name}.py").write_text(textwrap.dedent(text))

    def start(
        self, code: str, *, under: tuple[str, ...] = (), **environment: str
    ) -> subprocess.Popen[str]:
        """Starts code in a fresh process, perhaps under another command."""
        process = subprocess.Popen(
            [*under, sys.executable, "-B", "-c", HEAD + textwrap.dedent(code) + TAIL],
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(self.directory), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    @staticmethod
    def finish(process: subprocess.Popen[str]) -> Outcome:
        """Waits for a process, which must end well."""
        stdout, stderr = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, stderr
        out, events, told = json.loads(stdout.splitlines()[-1])
        return Outcome(out, events, [(category, message) for category, message in told])

    def run(self, code: str, *, under: tuple[str, ...] = (), **environment: str) -> Outcome:
        """Runs code in a fresh process."""
        return self.finish(self.start(code, under=under, **environment))

    def runs(self) -> list[str]:
        """What the functions noted each time they ran."""
        path = self.directory / "runs"
        return path.read_text().splitlines() if path.exists() else []

    def touch(self, name: str) -> None:
        """Lets go whoever waits for a file of this name."""
        (self.directory / name).touch()

    def wait_for(self, name: str) -> None:
        """Waits for a file of this name."""
        wait_until((self.directory / name).exists)

    def wait_for_claim(self, process: subprocess.Popen[str]) -> None:
        """Waits until a process has asked for a claim: only then are these open."""
        index, claims = self.store / "index" / "data.mdb", self.store / "claims"
        wait_until(
            lambda: (
                {index, claims}
                <= {
                    path if path == index else path.parent
                    for path in map(Path, open_files(process.pid))
                }
            )
        )

    @staticmethod
    def with_a_disk(place: Path, size: str) -> tuple[str, ...]:
        """The command that runs another one with a disk of its own mounted at a place."""
        unshare = ("unshare", "--mount", "sh", "-c")
        if not shutil.which("unshare"):
            pytest.skip("there is no `unshare` to mount with")
        mount = f"mount -t tmpfs -o size={size} tmpfs {place}"
        trial = subprocess.run([*unshare, mount], capture_output=True, check=False)
        if trial.returncode:
            pytest.skip("mounting needs privileges that this process does not have")
        return (*unshare, f'{mount} && exec "$@"', "sh")

    def close(self) -> None:
        """Leaves no process behind."""
        for process in self._started:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                assert pipe
                pipe.close()


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.002)


def open_files(pid: int | str) -> Iterator[str]:
    """Yields the files that a process has open."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(link.readlink())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project with a store of its own."""
    project = Project(tmp_path)
    yield project
    project.close()
