"""Times hits of functions that use few names and many, beside `functools.lru_cache`.

It needs nothing but rememo, and so tells on each interpreter what its guards cost there.
"""

from __future__ import annotations

import functools
import sys
import timeit
import types
from typing import TYPE_CHECKING, Any

from rememo import Cache

if TYPE_CHECKING:
    from collections.abc import Callable

HELPERS, GLOBALS = 20, 10
CALLS, ROUNDS = 200_000, 7


def program() -> types.ModuleType:
    """Returns a module with a function that uses nothing, and one that uses much."""
    lines = [f"G{i} = {i}" for i in range(GLOBALS)]
    lines += [f"def h{i}(x): return x + G{i % GLOBALS}" for i in range(HELPERS)]
    lines += ["def none(x): return x + 1"]
    lines += ["def many(x): return " + " + ".join(f"h{i}(x)" for i in range(HELPERS))]
    module = types.ModuleType("names_used")
    sys.modules[module.__name__] = module
    exec("\n".join(lines), vars(module))  # noqa: S102  text of our own
    return module


def nanoseconds(function: Callable[[int], Any]) -> float:
    """Returns what a call takes, at best."""
    function(1)
    rounds = timeit.repeat("f(1)", globals={"f": function}, number=CALLS, repeat=ROUNDS)
    return min(rounds) / CALLS * 1e9


def main() -> None:
    """Prints a line for each."""
    used = program()
    with Cache(temporary=True) as cache:
        for name, function in {
            "lru_cache": functools.lru_cache(used.none),
            "no names": cache.memoize(used.none),
            f"{HELPERS} helpers, {GLOBALS} globals": cache.memoize(used.many),
        }.items():
            sys.stdout.write(
                f"{sys.version.split()[0]:8} {name:24} {nanoseconds(function):6.1f} ns\n"
            )


if __name__ == "__main__":
    main()
