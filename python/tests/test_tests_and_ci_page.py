"""The tests that docs/tests-and-ci.md shows do as it says, in a run of pytest of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tests-and-ci.md"
MODULE = """
import threading
from rememo import memoize

@memoize
def load(name):
    return name * 2
"""


def run(directory: Path, text: str) -> str:
    """What pytest says of a module of tests."""
    (directory / "test_shown.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shown.py"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_tests_that_are_shown_pass_and_fail_where_they_should(tmp_path: Path) -> None:
    """They pass for what is kept, and the second fails for what is not."""
    shown = re.findall(r"```python\n(def test_.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(shown) == 2
    text = MODULE + "\n".join(shown)
    assert "2 passed" in run(tmp_path, text)
    unkept = text.replace('load("a")', "load(threading.Lock())").replace("name * 2", "1")
    told = run(tmp_path, unkept)
    assert "FAILED test_shown.py::test_everything_is_kept" in told
