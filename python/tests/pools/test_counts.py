"""What workers counted is known when they have ended: what was saved, and why calls ran."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from rememo import memoize

@memoize
def double(x):
    return x * 2

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(double, range(6))) == list(range(0, 12, 2))
    with context.Pool(2) as pool:
        assert pool.map(double, range(3)) == [0, 2, 4]
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_write_down_what_they_counted(tmp_path: Path, method: str) -> None:
    """Those that only found what they were asked for, too."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "program.py").write_text(PROGRAM)
    counted = []
    for _ in range(2):
        subprocess.run([sys.executable, "program.py", method], cwd=tmp_path, check=True, timeout=60)
        told = subprocess.run(
            [sys.executable, "-c", STATS], cwd=tmp_path, check=True, capture_output=True
        )
        counted.append(json.loads(told.stdout))
    assert counted == [[3, 6], [12, 6]]


STATS = """
import json
from rememo import Cache
(stats,) = Cache(".rememo").stats().values()
print(json.dumps([stats.hits, sum(stats.misses.values())]))
"""
