"""Large files that a function writes, and a hit writes again: there is never as much in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Program

# So much a process may take for its own data; the file is larger than that.
MOST = 120 << 20
SIZE = 200 << 20

TOOL = """
import os, random, resource
from pathlib import Path
import rememo
resource.setrlimit(resource.RLIMIT_DATA, ({most}, {most}))

def fill(path):
    block = random.Random(1).randbytes(1 << 20)
    with open(path, "wb") as file:
        for n in range({size} >> 20):
            file.write(n.to_bytes(4, "little") + block[4:])

def is_whole(path):
    block = random.Random(1).randbytes(1 << 20)
    with open(path, "rb") as file:
        parts = all(file.read(1 << 20) == n.to_bytes(4, "little") + block[4:]
                    for n in range({size} >> 20))
        return parts and not file.read(1)

events = []
rememo._core.subscribe(lambda event: events.append(event["event"]))
"""
AS_EFFECT = """
@rememo.memoize(effects=["files"])
def write():
    fill("out")
"""
AS_RESULT = """
@rememo.memoize
def write():
    fill("out")
    return rememo.FileContents("out")
"""


@pytest.mark.parametrize("function", [AS_EFFECT, AS_RESULT], ids=["effect", "result"])
def test_a_file_larger_than_memory_is_kept_and_written_again(
    program: Program, function: str
) -> None:
    program.write(
        tool=TOOL.format(most=MOST, size=SIZE) + function,
        main="""
        from tool import *
        write()
        assert is_whole("out")
        print(events)
        """,
    )
    assert program.run_script("main") == "['miss', 'stored']"
    for damage in ("unlink", "truncate"):
        path = program.directory / "out"
        path.unlink() if damage == "unlink" else path.write_bytes(b"other")
        assert program.run_script("main") == "['hit']"
