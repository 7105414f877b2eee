"""Memoized functions go to the workers of pools and clusters, which share what they find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Program

EXAMPLES = Path(__file__).parents[3] / "examples"
PRIMES = {1000: 168, 2000: 303, 3000: 430, 4000: 550, 40_000: 4203}


def run(directory: Path, example: str, *arguments: str) -> tuple[list[str], Counter[str]]:
    """Runs an example; returns what it printed, and what happened in all its processes."""
    log = directory / "events"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        env={**os.environ, "REMEMO_DIR": str(directory / "cache"), "REMEMO_LOG": str(log)},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    events = [json.loads(line) for line in log.read_text().splitlines()]
    of_calls = (event["event"] for event in events if event["event"] != "bounded")
    return done.stdout.splitlines(), Counter(of_calls)


def shown(*below: int) -> list[int]:
    """The answers."""
    return [PRIMES[one] for one in below]


@pytest.mark.parametrize(
    ("example", "arguments", "answers", "computed", "asked"),
    [
        *(
            ("pool_of_processes.py", [method], [[1000, 2000, 3000], [40_000] * 2], 4, 5)
            for method in ("fork", "spawn", "forkserver")
        ),
        ("pool_of_joblib.py", [], [[1000, 2000, 3000], [40_000] * 2], 4, 5),
        ("pool_of_dask.py", [], [[1000, 2000, 3000], [1000, 4000], (40_000, 40_000)], 5, 7),
        ("pool_of_parsl.py", [], [[1000, 2000, 3000], [40_000] * 2], 4, 5),
    ],
    ids=["fork", "spawn", "forkserver", "joblib", "dask", "parsl"],
)
def test_what_one_worker_finds_all_have(
    tmp_path: Path,
    example: str,
    arguments: list[str],
    answers: list[list[int]],
    computed: int,
    asked: int,
) -> None:
    told = [str(type(each)(PRIMES[one] for one in each)) for each in answers]
    out, events = run(tmp_path, example, *arguments)
    # What two of them ask for at once is computed by one.
    assert (out, events) == (told, {"miss": computed, "stored": computed, "hit": asked - computed})
    out, events = run(tmp_path, example, *arguments)
    assert (out, events) == (told, {"hit": asked})


SCRIPT = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from rememo import Cache

cache = Cache("results")

class Point:
    def __init__(self, x):
        self.x = x

    @cache.memoize
    def moved(self, by):
        return Point(self.x + by)

def helper(x):
    return x + 1

@cache.memoize
def made(x):
    return Point(helper(x))

def twice(first, then):
    found = [call(*args).x for call, *args in (first, then)]
    cache.commit()
    return found

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        there = pool.submit(twice, (made, 1), (Point(5).moved, 2)).result()
        found = made.would_hit(1), Point(5).moved.would_hit(2), type(made(1)) is Point
        here = made(3).x, Point(6).moved(2).x
        cache.commit()
        again = pool.submit(twice, (made, 3), (Point(6).moved, 2)).result()
    print(there, here, again, found)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_script_and_its_workers_have_what_the_other_found(
    program: Program, method: str, tmp_path: Path
) -> None:
    """The script's module has another name in those that are spawned."""
    program.write(script=SCRIPT)
    log = tmp_path / "events"
    out = program.run_python("script.py", method, REMEMO_LOG=str(log))
    assert out == "[2, 7] (4, 8) [4, 8] (True, True, True)\n"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    of_calls = [event for event in events if event["event"] in {"miss", "hit", "stored"}]
    told = Counter((event["event"], event["function"]) for event in of_calls)
    assert told == {
        ("miss", "script.made"): 2,
        ("stored", "script.made"): 2,
        ("hit", "script.made"): 2,
        ("miss", "script.Point.moved"): 2,
        ("stored", "script.Point.moved"): 2,
        ("hit", "script.Point.moved"): 1,
    }


KILLED = """
import multiprocessing, os, signal, sys, time
from pathlib import Path
from rememo import Cache

cache = Cache("results")
begun, go = Path("begun"), Path("go")

# A result would not be stored of a call that waits for a file which then is there.
@cache.memoize(assume_pure=True, watch="off")
def slow(x):
    (begun / str(os.getpid())).touch()
    while not go.exists():
        time.sleep(0.01)
    return 2 * x

def asked(x):
    assert slow(x) == 2 * x
    cache.commit()

if __name__ == "__main__":
    begun.mkdir()
    context = multiprocessing.get_context(sys.argv[1])
    workers = [context.Process(target=asked, args=(1,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    while not any(begun.iterdir()):
        time.sleep(0.01)
    [first] = begun.iterdir()
    os.kill(int(first.name), signal.SIGKILL)
    go.touch()
    for worker in workers:
        worker.join()
    codes = sorted(worker.exitcode for worker in workers)
    print(codes, len([*begun.iterdir()]), slow.would_hit(1))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_of_a_worker_that_is_killed_another_takes_over(
    program: Program, method: str, tmp_path: Path
) -> None:
    program.write(script=KILLED)
    log = tmp_path / "events"
    out = program.run_python("script.py", method, REMEMO_LOG=str(log))
    assert out == "[-9, 0, 0] 2 True\n", log.read_text()


WRITTEN_OUT = """
from joblib import Parallel, delayed
from rememo import Cache
from rememo.compat.charmonium import DirObjStore, MemoizedGroup, memoize
from rememo.compat.joblib import Memory

cache, memory = Cache("results"), Memory("memory", verbose=0)
group = MemoizedGroup(obj_store=DirObjStore("objects"))
FACTOR = 2

class Point:
    def __init__(self, x):
        self.x = x

    @cache.memoize
    def moved(self, by):
        return self.x + by

def helper(point):
    return point.x * FACTOR

def of_helper(point):
    return helper(point)

def made(decorate, factor):
    @decorate
    def within(x):
        return helper(Point(x)) * factor
    return within

def told(call, *args):
    answer = call(*args)
    for each in (cache, memory.opened(), group.cache):
        each.commit()
    return answer

if __name__ == "__main__":
    decorators = cache.memoize, memory.cache, memoize(group=group)
    kept = [decorate(of_helper) for decorate in decorators]
    calls = [(each, Point(1)) for each in kept]
    calls += [(made(decorate, 3), 1) for decorate in decorators]
    calls += [(Point(2).moved, 4)]
    answers = Parallel(n_jobs=2)(delayed(told)(*call) for call in calls)
    asked = ((getattr(f, "would_hit", None) or f.check_call_in_cache)(x) for f, x in calls)
    print(answers, [*asked].count(True))
"""


def test_what_is_written_out_for_workers_goes_by_its_names(program: Program) -> None:
    """Their main module is what joblib starts them with; the script's helpers are not its own."""
    program.write(script=WRITTEN_OUT)
    assert program.run_script("script") == "[2, 2, 2, 6, 6, 6, 6] 7"


@pytest.mark.usefixtures("rememo_cache")
def test_threads_compute_once_what_all_ask_for(rememo_events: list[dict[str, object]]) -> None:
    import time

    from rememo import memoize

    @memoize
    def slow(x: int) -> int:
        time.sleep(0.1)
        return x

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(slow, [1] * 8)) == [1] * 8
    assert Counter(event["event"] for event in rememo_events) == {"miss": 1, "stored": 1, "hit": 7}


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_a_function_that_uses_a_pool_of_joblib_hits_where_processes_are_allowed(
    backend: str, rememo_cache: object
) -> None:
    """What joblib puts on disk for its processes is none of the function's doing."""
    import joblib
    import numpy as np
    from rememo import memoize

    @memoize(allow=["processes"])
    def sums(n: int) -> list[float]:
        # Large enough to be handed over through a file.
        work = (joblib.delayed(np.sum)(np.ones(n)) for _ in range(2))
        pool = joblib.Parallel(n_jobs=2, backend=backend, max_nbytes=1000)
        return [float(each) for each in pool(work)]

    assert sums(1000) == [1000.0, 1000.0]
    assert sums.would_hit(1000)
