"""A person's path from joblib: one line of a program is another, and it works as it did."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BEFORE, AFTER = "from joblib import Memory", "from rememo.compat.joblib import Memory"
# What joblib's gallery shows of Memory, in one program: a function and a method's work cached,
# checkpoints within joblib.Parallel, and their reuse by another function.
PROGRAM = f"""
import sys

import numpy as np
from joblib import Parallel, delayed
{BEFORE}

memory = Memory(location="cachedir", verbose=0)


def costly_column(data, column=0):
    sys.stderr.write(f"column {{column}}\\n")
    sys.stderr.flush()
    return data[:, column]


@memory.cache
def scaled(data, factor):
    sys.stderr.write(f"scaled {{factor}}\\n")
    return data * factor


costly_column_cached = memory.cache(costly_column)


def mean_of(data, column):
    return float(costly_column_cached(data, column).mean())


def greatest_of(data, column):
    return float(costly_column_cached(data, column).max())


class Algorithm:
    def __init__(self, column=0):
        self.column = column

    def transform(self, data):
        return memory.cache(costly_column)(data, self.column)


if __name__ == "__main__":
    data = np.random.RandomState(42).randn(10_000, 4)
    print(scaled(data, 2).sum(), scaled(data, factor=2).sum())
    print(Parallel(n_jobs=2)(delayed(mean_of)(data, column) for column in range(4)))
    print(Parallel(n_jobs=2)(delayed(greatest_of)(data, column) for column in range(4)))
    print(Algorithm(3).transform(data).sum())
    if "clear" in sys.argv:
        memory.clear(warn=False)
"""
COMPUTED = ["column 0", "column 1", "column 2", "column 3", "scaled 2"]


def run(program: Path, *words: str) -> tuple[str, list[str]]:
    """Returns what it prints, and what it computes."""
    done = subprocess.run(
        [sys.executable, program, *words],
        check=True,
        capture_output=True,
        text=True,
        cwd=program.parent,
        timeout=100,
    )
    computed = [line for line in done.stderr.splitlines() if line.startswith(("column", "scaled"))]
    return done.stdout, sorted(computed)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the program prints with joblib, which computes each thing once."""
    program = tmp_path_factory.mktemp("before") / "program.py"
    program.write_text(PROGRAM)
    text, computed = run(program)
    assert computed == COMPUTED
    assert run(program) == (text, [])
    return text


def test_with_one_line_changed_it_computes_once_and_prints_the_same(
    printed: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace(BEFORE, AFTER))
    assert run(program) == (printed, COMPUTED)
    assert run(program, "clear") == (printed, [])
    assert run(program) == (printed, COMPUTED)


def test_what_joblib_kept_is_left_alone(printed: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    run(program)
    program.write_text(PROGRAM.replace(BEFORE, AFTER))
    assert run(program) == (printed, COMPUTED)
    program.write_text(PROGRAM)
    assert run(program) == (printed, [])
