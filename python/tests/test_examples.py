"""Every program in examples/ is run, twice, and does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# What each prints while it computes; and what it prints besides, the first time and the second.
SAID = {
    "first_steps.py": (
        ["computing"] * 2,
        ["60", "known already: False", "120"],
        ["60", "known already: True", "120"],
    ),
    "files_that_count.py": (["reading measurements.txt"] * 2, *[["2.0", "3.0", "2.0"]] * 2),
    "legacy_script.py": (
        [],
        *[
            [*["apples 8", "pears 4"] * 2, "True apples: 8", f"known from the run before: {known}"]
            for known in (False, True)
        ],
    ),
    "methods_of_objects.py": (
        ["fitting 2", "fitting 3"],
        *[["[1, 4, 9]", "[1, 8, 27]", "[1, 4, 9] False"]] * 2,
    ),
}
# Those that have tests of their own: here by the module with them.
ELSEWHERE = {
    "moving_from_joblib.py": "compat/test_joblib.py",
    "pool_of_dask.py": "pools/test_pools.py",
    "pool_of_joblib.py": "pools/test_pools.py",
    "pool_of_parsl.py": "pools/test_pools.py",
    "pool_of_processes.py": "pools/test_pools.py",
}


@pytest.mark.parametrize("example", SAID)
def test_it_computes_once(example: str, tmp_path: Path) -> None:
    computing, *besides = SAID[example]
    environment = {**os.environ, "REMEMO_DIR": str(tmp_path / "cache")}
    run = [sys.executable, "-W", "error", str(EXAMPLES / example)]
    told = [
        subprocess.check_output(run, text=True, cwd=tmp_path, env=environment, timeout=60)
        for _ in range(2)
    ]
    first, second = (text.splitlines() for text in told)
    assert [line for line in first if line in computing] == computing
    assert [[line for line in first if line not in computing], second] == besides


def test_each_is_run_by_some_test() -> None:
    there = {path.name for path in EXAMPLES.glob("*.py")}
    assert there == SAID.keys() | ELSEWHERE.keys()
    for example, test in ELSEWHERE.items():
        assert example in (Path(__file__).parent / test).read_text()
