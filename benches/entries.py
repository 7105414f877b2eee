"""Measures what a cache takes by the number of results in it: to write, to find, to start.

$ python benches/entries.py                  # 1,000 to 1,000,000 results; some minutes
$ python benches/entries.py 1000 10000       # as many as are named, and only prints

Without numbers, writes the table in docs/benchmarks.md and its chart anew.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING

from report import in_units, put_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
IMAGE = HERE.parent / "docs" / "images" / "entries.svg"
BEGIN, END = "<!-- entries: begin -->", "<!-- entries: end -->"
USUAL = (1_000, 10_000, 100_000, 1_000_000)
LARGE = 200
SAMPLE = 200
STARTS = 9

# What is measured, in the order of the table.
MEASURED = (
    "hit from memory",
    "hit from the index",
    "hit from a file",
    "miss",
    "miss, waited for until it is on the disk",
    "new process, import and first hit",
)

OPENING = """\
import sys
sys.path.insert(0, {benches!r})
from workloads.answer import answer
from rememo import Cache
cache = Cache(dir={directory!r}, max_size="50 GiB")
memoized = cache.memoize(answer)
"""
FILL = """\
for number in range({results}):
    memoized(number)
from workloads.array import array
large = cache.memoize(array)
for number in range({large}):
    large(100_000 + 8 * number)
"""


def main() -> None:
    """Runs what the command line asks for."""
    sizes = tuple(int(text) for text in sys.argv[1:])
    found = {results: measured(results) for results in sizes or USUAL}
    text = table(found)
    sys.stdout.write(text)
    if not sizes:
        put_between(DOCUMENT, BEGIN, END, text)
        draw(found)


def measured(results: int) -> list[float]:
    """Returns the seconds of everything that is measured, for one number of results."""
    sys.stderr.write(f"{results:,} results\n")
    with tempfile.TemporaryDirectory(prefix="rememo-entries-") as root:
        directory = Path(root, "cache")
        opening = OPENING.format(benches=str(HERE), directory=str(directory))
        run(root, opening + FILL.format(results=results, large=LARGE))
        first = start_and_first_hit(root, opening)
        return [*within_a_process(directory, results), first]


def within_a_process(directory: Path, results: int) -> list[float]:
    """Returns the seconds of hits from each tier, and of misses, in this process."""
    from rememo import Cache
    from workloads.answer import answer
    from workloads.array import array

    with Cache(dir=directory, max_size="50 GiB") as cache:
        small, large = cache.memoize(answer), cache.memoize(array)
        small(0)
        large(100_000)
        chosen = random.Random(1).sample(range(1, results), SAMPLE)  # noqa: S311  no secret
        from_index = median_of(small, chosen)
        from_file = median_of(large, [100_000 + 8 * number for number in range(1, LARGE)])
        timer = timeit.Timer("call(0)", globals={"call": small})
        loops, _ = timer.autorange()
        from_memory = timer.timeit(loops) / loops
        miss = median_of(small, range(results, results + SAMPLE))
        cache.commit()

        def written(number: int) -> None:
            small(number)
            cache.commit()

        waited = median_of(written, range(results + SAMPLE, results + 2 * SAMPLE))
        hits = small.cache_info().hits + large.cache_info().hits
        if hits < SAMPLE + LARGE - 1:
            raise RuntimeError("what was timed as hits was not answered")
    return [from_memory, from_index, from_file, miss, waited]


def median_of(function: Callable[[int], object], arguments: Iterable[int]) -> float:
    """Returns the median time of a call."""
    times = []
    for argument in arguments:
        start = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def start_and_first_hit(root: str, opening: str) -> float:
    """Returns the seconds that a process with one hit takes, less an empty one beside it."""
    return statistics.median(
        run(root, f"{opening}memoized(1)\n") - run(root, "") for _ in range(STARTS)
    )


def run(root: str, text: str) -> float:
    """Runs a program and returns its seconds."""
    program = Path(root, "program.py")
    program.write_text(text, encoding="utf-8")
    start = time.perf_counter()
    subprocess.run([sys.executable, program], check=True)  # noqa: S603
    return time.perf_counter() - start


def table(found: dict[int, list[float]]) -> str:
    """Returns a Markdown table with a column for each number of results."""
    rows = [["median", *(f"{results:,} results" for results in found)]]
    rows.append(["---", *("---:" for _ in found)])
    for at, name in enumerate(MEASURED):
        rows.append([name, *(in_units(seconds[at]) for seconds in found.values())])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def draw(found: dict[int, list[float]]) -> None:
    """Writes the chart."""
    import matplotlib as mpl

    mpl.rcParams["svg.hashsalt"] = "rememo"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for at, name in enumerate(MEASURED):
        axes.loglog(
            list(found), [seconds[at] for seconds in found.values()], marker="o", label=name
        )
    axes.set_xlabel("results in the cache")
    axes.set_ylabel("seconds")
    axes.grid(visible=True, which="major", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(IMAGE, metadata={"Date": None})


if __name__ == "__main__":
    main()
