"""Measures how small results are kept, and what reading them takes.

Writes the table in docs/benchmarks.md anew.
"""

from __future__ import annotations

import pickle
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rememo import Cache
from report import in_units, put_between, times

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- compression: begin -->", "<!-- compression: end -->"
ROWS = 100_000
ROUNDS = 7


def table_of(storage: str) -> pd.DataFrame:
    """Returns what a program reads from a file: numbers, dates and words."""
    numbers = np.random.default_rng(1)
    words = [f"station {number}" for number in range(500)]
    return pd.DataFrame(
        {
            "time": pd.date_range("2020", periods=ROWS, freq="min"),
            "station": pd.array(numbers.choice(words, ROWS), dtype=pd.StringDtype(storage)),
            "value": numbers.normal(20, 5, ROWS).round(2),
        }
    )


def records() -> list[dict[str, object]]:
    """Returns what a program reads from JSON."""
    numbers = random.Random(1)  # noqa: S311  no secret
    return [
        {"id": at, "name": f"item {at % 977}", "price": round(numbers.uniform(1, 99), 2)}
        for at in range(ROWS)
    ]


RESULTS: dict[str, Callable[[], object]] = {
    "array of random floats": lambda: np.random.default_rng(1).random(ROWS * 10),
    "table with text in Python objects": lambda: table_of("python"),
    "table with text in Arrow's memory": lambda: table_of("pyarrow"),
    "list of dictionaries": records,
    "text": lambda: "\n".join(str(record) for record in records()),
    "list of random floats": lambda: np.random.default_rng(1).random(ROWS).tolist(),
}


def measured(make: Callable[[], object], root: Path) -> list[str]:
    """Returns the cells of a row."""
    value = make()
    plain = pickle.dumps(value, protocol=5)
    writing, reading, loading, size = [], [], [], 0
    for at in range(ROUNDS):
        directory = root / str(at)
        with Cache(dir=directory) as cache:
            memoized = cache.memoize(make)
            memoized()
            start = time.perf_counter()
            cache.commit()
            writing.append(time.perf_counter() - start)
        size = sum(path.stat().st_size for path in (directory / "objects").rglob("*/*"))
        # Closed, it has forgotten what it had in memory.
        with Cache(dir=directory) as cache:
            again = cache.memoize(make)
            hits = again.cache_info().hits
            start = time.perf_counter()
            again()
            reading.append(time.perf_counter() - start)
            if again.cache_info().hits != hits + 1:
                raise RuntimeError("what was timed as a hit was a miss")
        start = time.perf_counter()
        pickle.loads(plain)  # noqa: S301  made above
        loading.append(time.perf_counter() - start)
    seconds = [in_units(statistics.median(found)) for found in (writing, reading, loading)]
    return [
        f"{len(plain) / 1e6:.1f} MB",
        f"{size / 1e6:.1f} MB",
        times(size / len(plain)),
        *seconds,
    ]


def main() -> None:
    """Measures and writes."""
    rows = [
        ["result", "pickled", "kept", "ratio", "writing, later", "hit from the file", "`loads`"],
        ["---", *["---:"] * 6],
    ]
    for name, make in RESULTS.items():
        with tempfile.TemporaryDirectory(prefix="rememo-compression-") as root:
            rows.append([name, *measured(make, Path(root))])
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    sys.stdout.write(text)
    put_between(DOCUMENT, BEGIN, END, text)


if __name__ == "__main__":
    main()
