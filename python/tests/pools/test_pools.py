"""Memoized functions go to the workers of pools and clusters, which share what they find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
