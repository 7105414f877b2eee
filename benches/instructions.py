"""Counts the instructions of a hit from memory, which a busy machine does not change.

Runs each case twice under callgrind, the second time with more hits: the difference is theirs
alone. Compares the counts with those recorded in docs/benchmarks.md, says what moved by more than
one part in twenty, and with `--record` writes them there anew.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from report import put_between

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- instructions: begin -->", "<!-- instructions: end -->"
FEW, MORE = 1_000, 6_000
MOVED = 1 / 20

PROGRAM = """\
import dataclasses, enum, functools, sys, tempfile
from rememo import Cache
from workloads.answer import answer
{setup}
with Cache(temporary=True) as cache:
    memoized = {memoize}({function})
    for _ in range(3 + int(sys.argv[1])):
        memoized(argument)
"""

RECORD = """\
@dataclasses.dataclass
class Point:
    x: int
    y: float
"""
COLOUR = "class Colour(enum.Enum):\n    RED = 1\n"

# title: (statements that make `argument` and perhaps more, the function, what memoizes it)
CASES: dict[str, tuple[str, str, str]] = {
    "`functools.lru_cache`, int": ("argument = 7", "answer", "functools.lru_cache(None)"),
    "int": ("argument = 7", "answer", "cache.memoize"),
    "str of 20": ("argument = 'abcdefghijklmnopqrst'", "answer", "cache.memoize"),
    "tuple of 5": ("argument = (1, 2.0, 'a', None, True)", "answer", "cache.memoize"),
    "dict of 10": ("argument = {str(at): at for at in range(10)}", "answer", "cache.memoize"),
    "dataclass": (f"{RECORD}argument = Point(1, 2.0)", "answer", "cache.memoize"),
    "member of an enumeration": (f"{COLOUR}argument = Colour.RED", "answer", "cache.memoize"),
    "int, 30 pure helpers": (
        "from workloads.chain import chained\nargument = 7",
        "chained",
        "cache.memoize",
    ),
    "int, 20 helpers and 10 globals": (
        "from workloads.helpers import total\nargument = 7",
        "total",
        "cache.memoize",
    ),
    "int, in a middling project": (
        "from workloads.project import result\nargument = 7",
        "result",
        "cache.memoize",
    ),
}


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write the counts down")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.stdout.write("valgrind is not installed: no instructions counted\n")
        return
    counts = {title: per_hit(*case) for title, case in CASES.items()}
    for title, before in recorded().items():
        now = counts.get(title)
        if now is not None and abs(now - before) > before * MOVED:
            sys.stdout.write(f"moved: {title}: {before:,} instructions, now {now:,}\n")
    found = findings(counts)
    sys.stdout.write(found)
    if options.record:
        put_between(DOCUMENT, BEGIN, END, found)


def per_hit(setup: str, function: str, memoize: str) -> int:
    """Returns the instructions that one call takes."""
    program = PROGRAM.format(setup=setup, function=function, memoize=memoize)
    with tempfile.TemporaryDirectory(prefix="rememo-bench-") as directory:
        path = Path(directory, "program.py")
        path.write_text(program, encoding="utf-8")
        few, more = (instructions(path, hits) for hits in (FEW, MORE))
    return round((more - few) / (MORE - FEW))


def instructions(program: Path, hits: int) -> int:
    """Returns the instructions of a process that makes this many calls."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command += [sys.executable, str(program), str(hits)]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}
    done = subprocess.run(  # noqa: S603  our own program
        command, check=True, env=environment, stderr=subprocess.PIPE, text=True
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"callgrind did not say what it counted: {done.stderr}")
    return int(found[1])


def recorded() -> dict[str, int]:
    """Returns the counts in the document."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \|", rest.partition(END)[0], re.MULTILINE)
    return {title: int(count.replace(",", "")) for title, count in rows}


def findings(counts: dict[str, int]) -> str:
    """Returns the table."""
    base = next(iter(counts.values()))
    rows = [f"| {title} | {count:,} | {count / base:.1f} |" for title, count in counts.items()]
    header = ["| argument | instructions | times `lru_cache` |", "| --- | ---: | ---: |"]
    version = f"CPython {platform.python_version()}, {platform.machine()}."
    return "\n".join([version, "", *header, *rows]) + "\n"


if __name__ == "__main__":
    main()
