"""Times the same calls through several caches and compares them.

Without names of cases, runs them all and writes the tables in docs/benchmarks.md anew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from cases import CASES
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
    """Times each case in a process of its own, with all caches in a temporary directory.

    What a process did before changes how it allocates: large results would come several times
    as fast after a case with large arguments as they do on their own.
    """
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="rememo-bench-") as root,
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes,
    ):
        for name in cases:
            sys.stderr.write(f"timing {name}\n")
            rows.append(processes.submit(measure, name, Path(root, name), rounds).result())
    return rows


def measure(name: str, root: Path, rounds: int) -> Row:
    """Times a case in rounds, each with a trial of every cache, so that noise hits all alike."""
    case = CASES[name]()
    with ExitStack() as stack:
        trials = case.trials(root, stack)
        found = [
            {cache: trial() for cache, trial in trials.items()}
            for _ in range(case.rounds or rounds)
        ]
    return Row(case.title, case.base.name, found)


if __name__ == "__main__":
    main()
