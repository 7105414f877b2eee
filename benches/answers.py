"""Asks several caches the same after small edits, and counts the wrong answers.

Every probe is a program that is run, run again, edited and run once more, each time in a new
process over the same cache. Without names of probes, runs them all and writes the table in
docs/soundness.md anew.
"""

from __future__ import annotations

import argparse
import collections
import os
import platform
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from caches import Charmonium, Joblib, Rememo
from probes import (
    CORRECT,
    ERROR,
    FALSE_HIT,
    FALSE_MISS,
    KNOWN_WRONG,
    PROBES,
    Contender,
    Row,
    Runs,
    is_own,
    run,
    verdict,
)
from report import update

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "soundness.md"
VERDICTS = (CORRECT, FALSE_HIT, FALSE_MISS, ERROR)
PLAIN = Contender("without a cache", "memoize = lambda function: function\n")
OURS = """\
import os
from rememo import memoize
os.environ["REMEMO_DIR"] = {directory!r}
"""
CHECKPOINTER = """\
from checkpointer import Checkpointer
memoize = Checkpointer(directory={directory!r}, capture=True, verbosity=0)
"""
CONTENDERS = (
    Contender(Rememo.name, OURS, Rememo.distributions),
    *(
        Contender(peer.name, peer.opening or "", peer.distributions)
        for peer in (Charmonium, Joblib)
    ),
    Contender("checkpointer", CHECKPOINTER, ("checkpointer",)),
)
# What each probe came to.
Verdicts = dict[str, str]


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("probes", nargs="*", help="only these, and only print")
    parser.add_argument("--failures", action="store_true", help="name what was not correct")
    options = parser.parse_args()
    if unknown := set(options.probes) - {*PROBES, *KNOWN_WRONG}:
        parser.error(f"no such probe: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="rememo-answers-") as root:
        found = {
            "programs": compare(chosen(PROBES, options.probes), Path(root, "right")),
            "known to be wrong": compare(chosen(KNOWN_WRONG, options.probes), Path(root, "wrong")),
        }
    findings = "\n\n".join([circumstances(), *(table(*one) for one in found.items())]) + "\n"
    sys.stdout.write(findings)
    if options.failures:
        sys.stdout.write("".join(failures(verdicts) for verdicts in found.values()))
    if not options.probes:
        update(DOCUMENT, findings)


def chosen(rows: dict[str, Row], names: list[str]) -> dict[str, Row]:
    """Returns the probes of these names, or all where none is named."""
    return {name: row for name, row in rows.items() if name in (names or rows)}


def compare(rows: dict[str, Row], root: Path) -> dict[str, Verdicts]:
    """Runs probes through every cache, and without one to know what is right.

    What only Rememo can be asked has a line of its own. Then Rememo is switched off to know what is
    right.
    """
    common = {name: row for name, row in rows.items() if not is_own(row)}
    own = {name: row for name, row in rows.items() if is_own(row)}
    found: dict[str, Verdicts] = {}
    if common:
        truth = checked(run(common, PLAIN, root / "plain"))

        def ask(contender: Contender) -> Verdicts:
            return judged(common, contender, root / contender.name, truth)

        # Nothing is timed, so that they may be asked at once.
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            answers = threads.map(ask, CONTENDERS)
            found = {one.name: verdicts for one, verdicts in zip(CONTENDERS, answers, strict=True)}
    if own:
        rememo = CONTENDERS[0]
        truth = checked(run(own, rememo, root / "off", REMEMO_DISABLE="1"))
        found[f"{rememo.name}, asked alone"] = judged(own, rememo, root / "own", truth)
    return found


def judged(
    rows: dict[str, Row], contender: Contender, root: Path, truth: dict[str, Runs]
) -> Verdicts:
    """Runs probes through a cache, and says what each came to."""
    sys.stderr.write(f"asking {contender.name}\n")
    runs = run(rows, contender, root)
    return {name: verdict(row, runs[name], truth[name]) for name, row in rows.items()}


def checked(truth: dict[str, Runs]) -> dict[str, Runs]:
    """Returns what was run without a cache, if nothing was raised there."""
    for name, runs in truth.items():
        if errors := [one.error for one in runs if one.error]:
            raise RuntimeError(f"{name} does not run without a cache: {errors[0]}")
    return truth


def table(title: str, found: dict[str, Verdicts]) -> str:
    """Returns a Markdown table with a row for each cache."""
    rows = [[title, "probes", "correct", "false hits", "false misses", "errors"]]
    rows.append(["---", *["---:"] * 5])
    for name, verdicts in found.items():
        number = collections.Counter(verdicts.values())
        cells = [len(verdicts), *(number[kind] for kind in VERDICTS)]
        rows.append([name, *map(str, cells)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def failures(found: dict[str, Verdicts]) -> str:
    """Returns a line for every probe and cache that did not do well."""
    return "".join(
        f"{cache}: {kind}: {name}\n"
        for cache, verdicts in found.items()
        for name, kind in verdicts.items()
        if kind != CORRECT
    )


def circumstances() -> str:
    """Says when and with what the run was made."""
    day = datetime.now(tz=UTC).date().isoformat()
    distributions = [name for one in CONTENDERS for name in one.distributions]
    versions = ", ".join(f"{name} {version(name)}" for name in distributions)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    text = f"Run on {day} with {python}, {versions}."
    return textwrap.fill(text, width=100, break_on_hyphens=False, break_long_words=False)


if __name__ == "__main__":
    main()
