"""Measures what it takes to look at what a run reads: while it runs, and before each hit.

Writes the table in docs/benchmarks.md anew.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rememo import Cache
from report import in_units, put_between, times
from workloads.answer import answer

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- world: begin -->", "<!-- world: end -->"
FILES = 1_000
CALLS = 2_000
ROUNDS = 9
# Seconds until files are old enough to be told by their stamps.
UNTIL_SETTLED = 0.5


def read_all(directory: str) -> int:
    """Reads every file of a directory whose names are numbers."""
    total = 0
    for number in range(FILES):
        with open(f"{directory}/{number}", "rb") as file:  # noqa: PTH123  what most programs do
            total += len(file.read())
    return total


def bare_stats(directory: str) -> None:
    """Looks at the same files as little as can be."""
    for number in range(FILES):
        os.stat(f"{directory}/{number}")  # noqa: PTH116  as above


def seconds_of(work: Callable[[], object]) -> float:
    """Returns how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rounds(root: Path) -> list[dict[str, float]]:
    """Times everything in rounds, so that noise hits all alike."""
    directory = root / "files"
    directory.mkdir()
    for number in range(FILES):
        (directory / f"{number}").write_bytes(b"some text\n" * 10)
    time.sleep(UNTIL_SETTLED)
    name = str(directory)
    # The two memoize one function, and would answer for each other in one cache.
    with Cache(dir=root / "cache") as cache, Cache(dir=root / "blind") as blind:
        watched = cache.memoize(answer)
        unwatched = blind.memoize(answer, watch="off")
        reader = cache.memoize(read_all)
        for function, argument in ((reader, name), (watched, -1), (unwatched, -1)):
            function(argument)
        settle = (cache.commit, blind.commit)

        def calls(function: Callable[[int], object], first: int) -> float:
            seconds = seconds_of(lambda: [function(at) for at in range(first, first + CALLS)])
            for commit in settle:
                commit()
            return seconds / CALLS

        found = []
        for at in range(ROUNDS):
            row = {
                "off": calls(unwatched, at * CALLS),
                "on": calls(watched, at * CALLS),
                "plain": seconds_of(lambda: read_all(name)) / FILES,
                "stat": seconds_of(lambda: bare_stats(name)) / FILES,
                "hit": seconds_of(lambda: reader(name)) / FILES,
            }
            if reader.cache_info().misses != at + 1:
                raise RuntimeError("what was timed as a hit was a miss")
            reader.clear_entry(name)
            row["miss"] = seconds_of(lambda: reader(name)) / FILES
            cache.commit()
            found.append(row)
    return found


def table(found: list[dict[str, float]]) -> str:
    """Returns a Markdown table."""

    def row(what: str, name: str, beside: str, base: str) -> list[str]:
        seconds = [statistics.median(one[each] for one in found) for each in (name, base)]
        ratio = statistics.median(one[name] / one[base] for one in found)
        return [what, in_units(seconds[0]), beside, in_units(seconds[1]), times(ratio)]

    off, unmemoized, loop = 'the same with `watch="off"`', "without memoization", "`os.stat`"
    rows = [
        ["median", "time", "beside", "time", "ratio"],
        ["---", "---:", "---", "---:", "---:"],
        row("a miss that touches nothing, watched", "on", off, "off"),
        row("each file that a miss reads", "miss", unmemoized, "plain"),
        row("each file that is looked at before a hit", "hit", loop, "stat"),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def main() -> None:
    """Measures and writes."""
    with tempfile.TemporaryDirectory(prefix="rememo-world-") as root:
        text = table(rounds(Path(root)))
    sys.stdout.write(text)
    put_between(DOCUMENT, BEGIN, END, text)


if __name__ == "__main__":
    main()
