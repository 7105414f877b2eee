"""A cache that is full all the time: many processes at once, readers, bounds that differ."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Program

KIB = 1024
MODULE = """
import os
import sys
from rememo import Cache, _core
cache = Cache("cache")
bad = []
_core.subscribe(bad.append, ["degraded", "not_stored"])

@cache.memoize
def block(x):
    return x.to_bytes(4, "little") * 5_000

def work(first, count):
    for turn in range(count):
        # Some of one's own, some that all processes ask for.
        for x in (first + turn, turn % 40):
            assert block(x) == x.to_bytes(4, "little") * 5_000
    assert not bad, bad
"""
PROCESSES = 8
BOUND = 1000 * KIB
ONE = 21 * KIB


def stored_bytes(directory: Path) -> int:
    """What lies in objects, counted in files."""
    total = 0
    for folder, _, files in os.walk(directory / "objects"):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_size  # noqa: PTH116, PTH118
            except FileNotFoundError:
                continue
    return total


def test_eight_processes_keep_within_the_bound(program: Program) -> None:
    """All the time, but for what each of them is just writing; and get right answers."""
    program.write(m=MODULE)
    with Cache(program.directory / "cache", max_size=BOUND) as cache:
        cache.usage()
        working = [
            subprocess.Popen(
                [sys.executable, "-c", f"import m; m.work({1000 * number}, 100)"],
                cwd=program.directory,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(1, PROCESSES + 1)
        ]
        most = most_on_disk = 0
        while any(process.poll() is None for process in working):
            most = max(most, cache.usage().size)
            most_on_disk = max(most_on_disk, stored_bytes(program.directory / "cache"))
            time.sleep(0.02)
        errors = [process.communicate()[1] for process in working]
        assert [process.returncode for process in working] == [0] * PROCESSES, errors
        assert most <= BOUND
        # Objects are there before their entries are, and for a moment after those are gone.
        assert most_on_disk <= BOUND + 4 * PROCESSES * ONE
        usage = cache.usage()
        assert 20 < usage.entries < 50
        assert usage.files == usage.entries
        assert stored_bytes(program.directory / "cache") <= usage.size
        stats = cache.stats()["m.block"]
        # One that was let go of may be taken back while its file is still there, and go again.
        assert stats.evicted >= stats.stored - usage.entries


def test_what_a_reader_has_mapped_stays_whole(program: Program) -> None:
    """Though another process lets go of it, and fills the room with other results."""
    program.write(
        m="""
        from rememo import Cache
        cache = Cache("cache")

        @cache.memoize(results="view")
        def numbers(n):
            import numpy
            return numpy.full(500_000, n)
        """
    )
    program.run("import m; out = int(m.numbers(1).sum())")
    code = """
        import subprocess, sys
        import m
        view = m.numbers(1)
        other = (
            "import m; print(m.cache.reduce('1 KiB'));"
            "[m.numbers(n) for n in range(2, 6)]; print(m.numbers.would_hit(1))"
        )
        done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True)
        out = done.stdout.split(), int(view.sum()), view.flags.writeable
    """
    assert program.run(code) == ([["1", "False"], 500_000, False], ["hit"])


def test_the_last_of_two_bounds_counts_for_both_processes(program: Program) -> None:
    """And a cache that is opened again with a lower one shrinks at once."""
    program.write(m=MODULE)
    with Cache(program.directory / "cache", max_size=BOUND) as cache:
        cache.usage()
        program.run(
            f"""
            import m
            from rememo import Cache
            m.work(0, 40)
            Cache("cache", max_size={BOUND // 2}).usage()
            out = None
            """
        )
        lower = cache.usage()
        assert lower.max_size == BOUND // 2
        assert 0 < lower.size <= BOUND // 2
    with Cache(program.directory / "cache", max_size=BOUND // 4) as cache:
        shrunk = cache.usage()
        assert 0 < shrunk.size <= BOUND // 4
        assert shrunk.entries < lower.entries


def test_a_bound_below_one_result_stores_nothing(program: Program) -> None:
    """Which is said, and calls go on."""
    program.write(m=MODULE)
    with Cache(program.directory / "cache", max_size=10 * KIB) as cache:
        cache.usage()
    out, events = program.run("import m; out = [len(m.block(1)), len(m.block(1))]")
    assert (out, events) == ([20_000, 20_000], ["miss", "not_stored"] * 2)
