"""The calls that are timed, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from caches import LruCache, Rememo
from calls import Hit, Miss, ViewedHit
from programs import Fill, FirstFingerprint, FirstHit, Together
from workloads.answer import answer
from workloads.array import array
from workloads.chain import chained
from workloads.helpers import total
from workloads.project import result

if TYPE_CHECKING:
    from collections.abc import Callable

    from case import Case
    from numpy.typing import NDArray

MILLION = 1_000_000


@dataclass
class Point:
    """An argument of the user's own kind."""

    x: int
    y: float
    name: str


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
    "among": lambda: FirstHit("the same, 100,000 results in the cache", Rememo, 100_000),
    "fill": lambda: Fill("100,000 misses in a process", Rememo, 100_000),
    "together": lambda: Together("4 processes with 250 misses each", Rememo, 4, 250),
    "libraries": lambda: FirstFingerprint("first call, numpy, pandas and matplotlib used", Rememo),
}
