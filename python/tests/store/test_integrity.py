"""What is not whole is found and mended; files that nothing refers to go, and nothing else."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from python.tests.store.conftest import Project

FILL = "import m\nfor i in range(6): m.text(i, 2000)\nfor i in range(40): m.text(i, 1)"
# The results of all calls, and how many of them ran.
AGAIN = """
import m
right = all(m.text(i, 2000) == f"{i}," * 2000 for i in range(6))
right = right and all(m.text(i, 1) == f"{i}," for i in range(40))
out = [right, sum(event["event"] == "miss" for event in events)]
"""
# Notes each result once it was told that it is stored; they are stored in the order of the calls.
WRITE_ON = """
import itertools, m
stored = itertools.count()
def note(event):
    with open("told-{0}", "a") as told:
        told.write(f"{0}.{{next(stored)}}\\n")
_core.subscribe(note, ["stored"])
for i in range(100_000):
    m.text(f"{0}.{{i}}", 2000)
"""
READ = """
import m
out = []
for n in range({0}):
    lines = pathlib.Path(f"told-{{n}}").read_text().split("\\n")[:-1]
    out += [line for line in lines if not m.text.would_hit(line, 2000)]
    out += [line for line in lines if m.text(line, 2000) != f"{{line}}," * 2000]
"""


def objects(project: Project) -> list[Path]:
    """The files of results."""
    return sorted(project.store.glob("objects/*/*"))


def test_a_cache_that_was_used_is_whole(project: Project) -> None:
    """Nothing is found where nothing is wrong."""
    project.run(FILL)
    with Cache(project.store) as cache:
        found = cache.verify(repair=True)
    assert found == (46, 0, 0, 0, 0, 0, 0, False)
    assert str(found) == "46 results: all whole"


def test_what_is_not_whole_is_told_and_mended_on_request(project: Project) -> None:
    """Looking changes nothing; mending leaves all others as they are."""
    project.run(FILL)
    cut, gone, *_ = objects(project)
    cut.write_bytes(cut.read_bytes()[:-1])
    gone.unlink()
    with Cache(project.store) as cache:
        for _ in range(2):
            found = cache.verify()
            assert (found.damaged, found.lost, found.repaired, found.whole) == (1, 1, False, False)
        assert cache.verify(repair=True).repaired
        assert cache.verify().whole
        assert cache.verify().entries == 44
    done = project.run(AGAIN)
    assert done.out == [True, 2]
    assert not done.warnings


def test_files_that_nothing_refers_to_go_and_others_stay(project: Project) -> None:
    """Every result that was stored still is."""
    project.run(FILL)
    stray = project.store / "objects" / "ab" / ("c" * 62)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left")
    kept = set(objects(project)) - {stray}
    with Cache(project.store) as cache:
        assert (cache.verify().orphans, cache.verify().orphan_size) == (1, 4)
        assert cache.remove_orphans() == 1
        assert cache.remove_orphans() == 0
    assert set(objects(project)) == kept
    assert project.run(AGAIN).out == [True, 0]


def test_what_was_stored_outlives_kills_and_a_sweep(project: Project) -> None:
    """Writers are killed one after the other; what they told of is whole and hits."""
    chance = random.Random(7)
    kills = int(os.environ.get("REMEMO_KILLS", "30"))
    for n in range(kills):
        process = project.start(WRITE_ON.format(n))
        project.wait_for(f"told-{n}")
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        if n % 10 == 9:
            with Cache(project.store) as cache:
                assert cache.verify().whole
                cache.remove_orphans()
    assert project.run(READ.format(kills)).out == []
    with Cache(project.store) as cache:
        found = cache.verify()
    assert found.whole
    assert found.orphans == 0
