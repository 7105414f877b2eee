"""The calls that are timed. A case sets up one trial for each cache that can take part."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
import timeit
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from caches import CACHES, LruCache, Rememo, RememoViews
from workloads.answer import answer
from workloads.array import array
from workloads.chain import chained
from workloads.helpers import total
from workloads.project import result

if TYPE_CHECKING:
    from contextlib import ExitStack
    from types import FrameType

    from caches import Cache, Function
    from numpy.typing import NDArray


@dataclass
class Point:
    """An argument of the user's own kind."""

    x: int
    y: float
    name: str


HERE = Path(__file__).resolve().parent
MILLION = 1_000_000
# A miss leaves an entry behind, so every cache is given the same number of them.
MISSES_PER_TRIAL = 100

# One measurement: the seconds that one call took.
Trial = Callable[[], float]


@dataclass(frozen=True)
class Case(ABC):
    """A call to time.

    Attributes:
        title: its name in the tables.
        base: the cache that the others are compared with.
    """

    title: str
    base: type[Cache]

    @abstractmethod
    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Sets up the case for one cache; None where it cannot take part."""

    def trials(self, root: Path, stack: ExitStack) -> dict[str, Trial]:
        """Sets up the case for every cache, each in a directory of its own under `root`."""
        found: dict[str, Trial] = {}
        for cache in CACHES:
            directory = root / cache.name
            directory.mkdir(parents=True)
            try:
                trial = self.trial(cache, directory, stack)
            except Exception as error:
                if cache is Rememo:
                    raise
                sys.stderr.write(f"{cache.name} fails at {self.title}: {error!r:.200}\n")
                continue
            if trial:
                found[cache.name] = trial
        return found


@dataclass(frozen=True)
class Hit(Case):
    """A call whose result is there."""

    function: Function
    argument: object

    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Makes the call once, then checks that it is not made again."""
        opened = stack.enter_context(closing(cache(directory)))
        if not opened.accepts(self.argument):
            return None
        memoized = opened.memoize(self.function)
        memoized(self.argument)
        if runs(self.function, lambda: memoized(self.argument)):
            raise RuntimeError(f"{cache.name} did not answer {self.title}")
        names = {"call": memoized, "argument": self.argument}
        timer = timeit.Timer("call(argument)", globals=names)
        loops, _ = timer.autorange()
        return lambda: timer.timeit(loops) / loops


@dataclass(frozen=True)
class ViewedHit(Hit):
    """A call whose result is there, of which Rememo hands out a view that cannot be written to."""

    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Leaves out the caches that have no such thing."""
        if cache is LruCache:
            return super().trial(cache, directory, stack)
        return super().trial(RememoViews, directory, stack) if cache is Rememo else None


@dataclass(frozen=True)
class Miss(Case):
    """A call never made before, of a function that takes no time."""

    function: Function

    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Checks that a new argument is a miss."""
        opened = stack.enter_context(closing(cache(directory)))
        memoized = opened.memoize(self.function)
        fresh = itertools.count()
        if not runs(self.function, lambda: memoized(next(fresh))):
            raise RuntimeError(f"{cache.name} answered a call never made")
        timer = timeit.Timer("call(next(fresh))", globals={"call": memoized, "fresh": fresh})
        return lambda: timer.timeit(MISSES_PER_TRIAL) / MISSES_PER_TRIAL


@dataclass(frozen=True)
class FirstHit(Case):
    """A new process that makes one call, whose result is there, less an empty process."""

    CALL = "from workloads.answer import answer\nmemoized = memoize(answer)\n"
    CHECK = """\
import sys
codes = []
sys.setprofile(lambda frame, event, _: codes.append(frame.f_code))
memoized(1)
sys.setprofile(None)
sys.exit(answer.__code__ in codes)
"""

    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Makes the call in one process, then checks that a second does not make it again."""
        del stack
        if cache.opening is None:
            return None
        kept = directory / "cache"
        kept.mkdir()
        opening = cache.opening.format(directory=str(kept)) + self.CALL
        empty = script(directory / "empty.py", "")
        first = script(directory / "first.py", f"{opening}memoized(1)\n")
        check = script(directory / "check.py", opening + self.CHECK)
        for program in (empty, first, check):
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

    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Makes each call in a process of its own, whose cache is empty."""
        del stack
        if cache.opening is None:
            return None
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


def runs(function: Function, call: Callable[[], object]) -> bool:
    """Says whether a call gets as far as running the function."""
    code = getattr(function, "__code__")  # noqa: B009  a plain function, whatever its type
    found = False

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal found
        found = found or (event == "call" and frame.f_code is code)

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


def script(path: Path, text: str) -> Path:
    """Writes a program."""
    path.write_text(text, encoding="utf-8")
    return path


def run(program: Path) -> float:
    """Runs a program to its end and returns the seconds it took.

    Bytecode is kept beside the program, so that whatever it imports is compiled the first time.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "PYTHONPYCACHEPREFIX": str(program.parent / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    start = time.perf_counter()
    subprocess.run([sys.executable, str(program)], check=True, env=environment)  # noqa: S603
    return time.perf_counter() - start


def floats(size: int) -> NDArray[np.float64]:
    """Returns an array of that many bytes."""
    return np.random.default_rng(seed=1).random(size // 8)


def nested() -> dict[str, object]:
    """Returns a dictionary of ten thousand small ones."""
    return {str(at): {"at": at, "name": f"item {at}", "values": [at, at]} for at in range(10_000)}


def frame(strings: str) -> pd.DataFrame:
    """Returns a million rows of five columns, each of another type; `strings` says how to store."""
    rng = np.random.default_rng(seed=1)
    names = rng.choice(["apple", "pear", "quince"], MILLION)
    return pd.DataFrame(
        {
            "count": rng.integers(0, 1000, MILLION),
            "price": rng.random(MILLION),
            "sold": rng.random(MILLION) < 0.5,  # noqa: PLR2004  one in two
            "name": pd.Series(names, dtype=f"string[{strings}]"),
            "time": pd.date_range("2020-01-01", periods=MILLION, freq="s"),
        }
    )


# By their names on the command line; made one at a time, for some hold large arguments.
CASES: dict[str, Callable[[], Case]] = {
    "int": lambda: Hit("hit, int argument", LruCache, answer, 7),
    "str": lambda: Hit("hit, str argument of 20", LruCache, answer, "abcdefghijklmnopqrst"),
    "chain": lambda: Hit("hit, 30 pure helpers", LruCache, chained, 7),
    "project": lambda: Hit("hit, in a middling project", LruCache, result, 7),
    "helpers": lambda: Hit("hit, 20 helpers and 10 globals", LruCache, total, 7),
    "array": lambda: Hit("hit, 100 MB array argument", Rememo, answer, floats(100 * MILLION)),
    "frame": lambda: Hit("hit, data frame 1M x 5, str objects", Rememo, answer, frame("python")),
    "arrow": lambda: Hit("hit, data frame 1M x 5, Arrow text", Rememo, answer, frame("pyarrow")),
    "dataclass": lambda: Hit("hit, dataclass argument", Rememo, answer, Point(1, 2.0, "three")),
    "list": lambda: Hit("hit, list argument, 1M ints", Rememo, answer, list(range(MILLION))),
    "dict": lambda: Hit("hit, dict of 10k nested", Rememo, answer, nested()),
    "miss": lambda: Miss("miss, small result", Rememo, answer),
    "result": lambda: Hit("hit, 10 MB array result", Rememo, array, 10 * MILLION),
    "view": lambda: ViewedHit("hit, 10 MB array result, as a view", LruCache, array, 10 * MILLION),
    "process": lambda: FirstHit("new process, import and first hit", Rememo),
    "libraries": lambda: FirstFingerprint("first call, numpy, pandas and matplotlib used", Rememo),
}
