"""Cases of programs: processes of their own, from start to end."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from abc import abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, TYPE_CHECKING

from case import Case

if TYPE_CHECKING:
    from caches import Cache
    from case import Trial

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Programs(Case):
    """Programs that each open a cache in a directory, where results of others are kept."""

    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Leaves out the caches that keep nothing for the next process."""
        del stack
        return None if cache.opening is None else self.set_up(cache, directory)

    @abstractmethod
    def set_up(self, cache: type[Cache], directory: Path) -> Trial:
        """Does so for a cache that keeps results."""


@dataclass(frozen=True)
class FirstHit(Programs):
    """A new process that makes one call, whose result is there, less an empty process.

    Attributes:
        others: how many other results are there, too.
    """

    others: int = 0

    CALL = "from workloads.answer import answer\nmemoized = memoize(answer)\n"
    CHECK = """\
import sys
codes = []
sys.setprofile(lambda frame, event, _: codes.append(frame.f_code))
memoized(1)
sys.setprofile(None)
sys.exit(answer.__code__ in codes)
"""

    def set_up(self, cache: type[Cache], directory: Path) -> Trial:
        """Makes the call in one process, then checks that a second does not make it again."""
        if self.others:
            Fill.refuse_the_slow(cache, directory, self.others)
        opening = opened(cache, directory, "cache")
        empty = script(directory / "empty.py", "")
        first = script(directory / "first.py", f"{opening}memoized(1)\n")
        check = script(directory / "check.py", opening + self.CHECK)
        fill = script(directory / "fill.py", f"{opening}{Fill.LOOP.format(entries=self.others)}")
        for program in (empty, fill, first, check):
            run(program)
        return lambda: run(first) - run(empty)


@dataclass(frozen=True)
class FirstFingerprint(FirstHit):
    """The first call in a process of a function that uses large libraries, over the second."""

    CALL = """\
import time
import matplotlib.pyplot, numpy, pandas
from workloads.libraries import plotted
memoized = memoize(plotted)
def timed(argument):
    start = time.perf_counter()
    memoized(argument)
    return time.perf_counter() - start
first, second = timed(1), timed(2)
"""

    def set_up(self, cache: type[Cache], directory: Path) -> Trial:
        """Makes each call in a process of its own, whose cache is empty."""
        fresh = itertools.count()

        def trial() -> float:
            kept = directory / f"cache {next(fresh)}"
            kept.mkdir()
            said = kept / "said"
            text = cache.opening.format(directory=str(kept)) if cache.opening else ""
            text += f"{self.CALL}open({str(said)!r}, 'w').write(str(first - second))\n"
            run(script(directory / "first.py", text))
            return max(float(said.read_text(encoding="utf-8")), 0.0)

        trial()
        return trial


@dataclass(frozen=True)
class Fill(Programs):
    """A new process that makes many calls, each for the first time, less an empty process.

    Attributes:
        entries: how many.
    """

    rounds = 1
    # Seconds. A cache that takes longer for a hundredth of the calls is not waited for.
    PATIENCE = 5.0
    LOOP = "for number in range(2, {entries} + 2):\n    memoized(number)\n"

    entries: int

    def set_up(self, cache: type[Cache], directory: Path) -> Trial:
        """Leaves out the caches that would take too long."""
        self.refuse_the_slow(cache, directory, self.entries)
        empty = script(directory / "empty.py", "")
        fill = self.program(cache, directory, self.entries)
        return lambda: run(fill) - run(empty)

    @classmethod
    def refuse_the_slow(cls, cache: type[Cache], directory: Path, entries: int) -> None:
        """Raises an error if a hundredth of the calls takes too long."""
        if (seconds := run(cls.program(cache, directory, entries // 100))) > cls.PATIENCE:
            raise RuntimeError(f"{seconds:.0f} s for a hundredth of the calls")

    @classmethod
    def program(cls, cache: type[Cache], directory: Path, entries: int) -> Path:
        """Writes a program that fills a new cache."""
        opening = opened(cache, directory, f"of {entries}")
        return script(directory / f"fill {entries}.py", opening + cls.LOOP.format(entries=entries))


@dataclass(frozen=True)
class Together(Programs):
    """Processes that each make other calls at once, from when all are ready until all have ended.

    Attributes:
        processes: how many.
        calls: how many calls each of them makes.
    """

    # Seconds. Processes that take longer are ended: some caches wait for each other for ever.
    PATIENCE = 30.0
    PROGRAM = """\
memoized(-1)
print(flush=True)
first = int(input())
for number in range(first, first + {calls}):
    memoized(number)
"""
    CHECK = """\
import sys
ran = 0
def profile(frame, event, _):
    global ran
    ran += event == "call" and frame.f_code is answer.__code__
sys.setprofile(profile)
for number in range({entries}):
    memoized(number)
sys.setprofile(None)
sys.exit(f"{{ran}} of {entries} results are lost" if ran else 0)
"""

    processes: int
    calls: int

    def set_up(self, cache: type[Cache], directory: Path) -> Trial:
        """Checks once that every result is kept."""
        fresh = itertools.count()

        def trial() -> float:
            text = opened(cache, directory, name := str(next(fresh)))
            program = script(directory / f"{name}.py", text + self.PROGRAM.format(calls=self.calls))
            return self.run_all(program)

        trial()
        entries = self.processes * self.calls
        text = opened(cache, directory, "0") + self.CHECK.format(entries=entries)
        run(script(directory / "check.py", text), self.PATIENCE)
        return trial

    def run_all(self, program: Path) -> float:
        """Runs the processes and returns the seconds they took once all were ready."""
        with ExitStack() as stack:
            running = [stack.enter_context(self.begun(program)) for _ in range(self.processes)]
            patience = Timer(self.PATIENCE, lambda: [process.kill() for process in running])
            patience.start()
            stack.callback(patience.cancel)
            for process in running:
                pipe(process.stdout).readline()
            start = time.perf_counter()
            for at, process in enumerate(running):
                pipe(process.stdin).write(f"{at * self.calls}\n")
                pipe(process.stdin).flush()
            codes = [process.wait() for process in running]
            seconds = time.perf_counter() - start
        if any(codes):
            raise RuntimeError(f"processes ended with {codes}")
        return seconds

    @staticmethod
    def begun(program: Path) -> subprocess.Popen[str]:
        """Starts a process that says when it is ready, and waits to be told where to begin."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(program),
            text=True,
        )


def pipe(end: IO[str] | None) -> IO[str]:
    """Returns one end of a pipe that is there."""
    if end is None:
        raise RuntimeError("a process without pipes")
    return end


def opened(cache: type[Cache], directory: Path, name: str) -> str:
    """Returns the start of a program that memoizes a function in a new directory."""
    if cache.opening is None:
        raise ValueError(f"{cache.name} keeps nothing for the next process")
    kept = directory / name
    kept.mkdir(exist_ok=True)
    return f"{cache.opening.format(directory=str(kept))}{FirstHit.CALL}"


def script(path: Path, text: str) -> Path:
    """Writes a program."""
    path.write_text(text, encoding="utf-8")
    return path


def run(program: Path, patience: float | None = None) -> float:
    """Runs a program to its end and returns the seconds it took, if it ends within so many."""
    start = time.perf_counter()
    subprocess.run(  # noqa: S603
        [sys.executable, str(program)], check=True, env=environment(program), timeout=patience
    )
    return time.perf_counter() - start


def environment(program: Path) -> dict[str, str]:
    """Returns the environment of a program, which keeps bytecode beside itself.

    So whatever it imports is compiled the first time.
    """
    return {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "PYTHONPYCACHEPREFIX": str(program.parent / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
