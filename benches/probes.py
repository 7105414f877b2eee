"""Small programs that are edited between processes, run through one cache and judged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python" / "tests"))
from soundness.test_more_kinds import COARSE, SEEN, UNSEEN  # noqa: E402  lies with the tests
from soundness.test_programs import HIT, MISS, PROGRAMS, Row, write  # noqa: E402

# What only Rememo has: other names of its, options, the function within. A probe that uses one of
# these asks nothing of other caches.
OWN = re.compile(r"\brememo\b(?! import memoize\n)|@memoize\(|\bm\.\w+\.__wrapped__")
PROBES: dict[str, Row] = PROGRAMS
# What Rememo is known to get wrong: changes that it does not see, with the edit in the program, and
# edits after which it runs again needlessly.
KNOWN_WRONG: dict[str, Row] = {
    **{name: (row[0], "", "", MISS, (*row, SEEN)[1]) for name, row in UNSEEN.items()},
    **{name: (*row, HIT) for name, row in COARSE.items()},
}
CORRECT, FALSE_HIT, FALSE_MISS, ERROR = "correct", "false hit", "false miss", "error"


class Contender(NamedTuple):
    """A cache: what tables call it, and a program that defines `memoize`, given `directory`."""

    name: str
    opening: str
    distributions: tuple[str, ...] = ()


class Run(NamedTuple):
    """One process: the value that the call printed, what was raised, whether a function ran."""

    value: str | None
    error: str | None
    ran: bool


class Runs(NamedTuple):
    """A probe as written, once more as written, and edited."""

    first: Run
    again: Run
    edited: Run


def is_own(row: Row) -> bool:
    """Says whether a probe uses what only Rememo has."""
    return bool(OWN.search("\n".join(row)))


def run(
    rows: dict[str, Row], contender: Contender, root: Path, **environment: str
) -> dict[str, Runs]:
    """Runs probes through one cache, each in a directory of its own under `root`."""
    jobs: list[tuple[str, str]] = []
    for number, row in enumerate(rows.values()):
        place = root / f"p{number}"
        (place / ".cache").mkdir(parents=True)
        # Where a project begins, as some caches look for it.
        (place / "pyproject.toml").write_text("", encoding="utf-8")
        write(place, row[0])
        jobs.append((str(place), (*row, "m.f(1)")[4]))
    first = _round(jobs, contender, root, seed=1, **environment)
    again = _round(jobs, contender, root, seed=2, **environment)
    for (place, _), (text, old, new, *_) in zip(jobs, rows.values(), strict=True):
        write(Path(place), text.replace(old, new))
    edited = _round(jobs, contender, root, seed=3, **environment)
    return {name: Runs(*runs) for name, *runs in zip(rows, first, again, edited, strict=True)}


def _round(
    jobs: list[tuple[str, str]], contender: Contender, root: Path, seed: int, **environment: str
) -> list[Run]:
    """Runs every probe once, with another seed for hashes than in the round before."""
    order = {"opening": contender.opening, "probes": jobs}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("REMEMO_")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-B", HERE / "probe_runner.py"],
        input=json.dumps(order),
        # checkpointer follows what lies below the directory that it is imported in.
        cwd=root,
        env={**inherited, "PYTHONHASHSEED": str(seed), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return [Run(*json.loads(line)) for line in done.stdout.splitlines()]


def verdict(row: Row, runs: Runs, truth: Runs) -> str:
    """Says what a cache made of a probe; the worst that can be said of any of its processes.

    Two false misses there are: running again although nothing was edited, and running again after
    an edit that does not matter.
    """
    if any(one.error for one in runs):
        return ERROR
    if [one.value for one in runs] != [one.value for one in truth]:
        return FALSE_HIT
    if runs.again.ran or (row[3] == HIT and runs.edited.ran):
        return FALSE_MISS
    return CORRECT
