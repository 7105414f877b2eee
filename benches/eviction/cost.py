"""Measures what a miss takes in a cache that is full, by the number of results in it.

$ python benches/eviction/cost.py                  # 1,000 to 100,000 results
$ python benches/eviction/cost.py 1000000          # as many as are named; a few minutes
"""

from __future__ import annotations

import statistics
import sys
import time

from rememo import Cache

USUAL = [1_000, 10_000, 100_000]
MEASURED = 500


def main() -> None:
    """Fills a cache for each number, and writes a row for it."""
    sys.stdout.write("| results | a miss with room, median | a miss that evicts, median |\n")
    sys.stdout.write("| --- | --- | --- |\n")
    for results in [int(text) for text in sys.argv[1:]] or USUAL:
        with Cache(temporary=True, max_size="50 GiB") as cache:
            roomy, full = measured(cache, results)
        sys.stdout.write(f"| {results:,} | {roomy * 1e6:.0f} µs | {full * 1e6:.0f} µs |\n")
        sys.stdout.flush()


def measured(cache: Cache, results: int) -> tuple[float, float]:
    """Returns the seconds of a miss while there is room, and of one that evicts another result."""

    @cache.memoize(watch="off")
    def numbered(n: int) -> str:
        return f"result {n}"

    for n in range(results):
        numbered(n)
    roomy = median_of(numbered, results)
    size = cache.usage().size
    # From now on it is full: each result has to take the place of another.
    full_cache = Cache(cache.path, max_size=size)
    full_cache.usage()
    before = cache.usage().entries
    full = median_of(numbered, results + MEASURED)
    after = cache.usage().entries
    if abs(after - before) > MEASURED / 10:
        raise RuntimeError(f"results were not let go of one by one: {before} became {after}")
    return roomy, full


def median_of(function: object, first: int) -> float:
    """Returns the median time of calls with new arguments."""
    times = []
    for n in range(first, first + MEASURED):
        start = time.perf_counter()
        function(n)  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
