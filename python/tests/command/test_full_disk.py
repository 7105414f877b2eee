"""Whoever has no room left asks the command to make some."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND
from store.conftest import Project

if TYPE_CHECKING:
    from pathlib import Path

# As large as its results are, the disk is filled to the last byte around them.
FILL = f"""
import os, subprocess, sys
from rememo import Cache
cache = Cache("disk/cache")

@cache.memoize
def large(n):
    return n.to_bytes(4, "little") * n

for n in range(3000, 3050):
    large(n)
cache.close()
filler = os.open("disk/filler", os.O_WRONLY | os.O_CREAT)
while os.statvfs("disk").f_bavail:
    os.write(filler, bytes(4096))
done = subprocess.run(["{COMMAND}", *sys.argv[1:], "--dir", "disk/cache"])
assert done.returncode == 0, done
assert os.statvfs("disk").f_bavail > 0
subprocess.run(["{COMMAND}", "verify", "--dir", "disk/cache"], check=True)
"""


@pytest.mark.parametrize(
    "words",
    [("gc", "--max-size", "100 KiB"), ("rm", "--all"), ("rm", "large")],
    ids=" ".join,
)
def test_room_is_made_on_a_full_disk(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Though not even the index can be written at first."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "fill.py").write_text(FILL)
    done = subprocess.run(
        [*Project.with_a_disk(tmp_path / "disk", "4m"), sys.executable, "fill.py", *words],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done
