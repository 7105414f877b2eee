"""Times the same calls through several caches and compares them.

Without names of cases, runs them all and writes the tables in docs/benchmarks.md anew.
"""

from __future__ import annotations

import argparse
import atexit
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cases import CASES, Case
from report import Row, measured, update

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"only these, and only print: {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=9, help="trials for each median")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    findings = measured(compare(options.cases or list(CASES), options.rounds), options.rounds)
    sys.stdout.write(findings)
    if not options.cases:
        update(DOCUMENT, findings)


def compare(cases: list[str], rounds: int) -> list[Row]:
    """Times cases, with all caches in a temporary directory."""
    root = Path(tempfile.mkdtemp(prefix="rememo-bench-"))
    # Registered before any cache is opened, and so run last: some write once more at exit.
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    rows: list[Row] = []
    for name in cases:
        sys.stderr.write(f"timing {name}\n")
        rows.append(measure(CASES[name](), root / name, rounds))
    return rows


def measure(case: Case, root: Path, rounds: int) -> Row:
    """Times a case in rounds, each with a trial of every cache, so that noise hits all alike."""
    with ExitStack() as stack:
        trials = case.trials(root, stack)
        found = [{name: trial() for name, trial in trials.items()} for _ in range(rounds)]
    return Row(case.title, case.base.name, found)


if __name__ == "__main__":
    main()
