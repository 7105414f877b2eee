"""Cases of calls within one process."""

from __future__ import annotations

import itertools
import sys
import timeit
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caches import LruCache, Rememo, RememoViews
from case import Case

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path
    from types import FrameType

    from caches import Cache, Function
    from case import Trial

# A miss leaves an entry behind, so every cache is given the same number of them.
MISSES_PER_TRIAL = 100


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
