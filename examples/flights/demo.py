"""Edit a copy of the flights pipeline step by step; show what is recomputed.

Every scenario runs in a fresh process, and then once more with REMEMO_DISABLE=1:
the demo fails unless both runs give the same numbers and the same figure, and
unless just the stages that an edit concerns are recomputed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCES = ("cleaning.py", "pipeline.py", "run_stages.py")

Report = dict[str, Any]


@dataclass(frozen=True)
class Edit:
    """Replace one piece of text, which must occur exactly once, in a file."""

    filename: str
    old: str
    new: str

    def apply(self, directory: Path) -> None:
        """Make the replacement in the copy of the example."""
        path = directory / self.filename
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.filename}: expected {self.old!r} exactly once")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Scenario:
    """One column of the table: edits on top of the earlier ones, then a run."""

    title: str
    recomputed: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    undo: bool = False


COMMENT_EDITS = (
    Edit(
        "pipeline.py",
        '    flights = drop_cancelled(read_table("flights.csv.zip"))\n',
        "    # Cancelled flights have no delay to predict.\n"
        '    flights = drop_cancelled(read_table("flights.csv.zip"))\n',
    ),
    Edit(
        "cleaning.py",
        "    ordered = weather.sort_values",
        "    # Gaps only make sense in time order.\n    ordered = weather.sort_values",
    ),
)
HELPER_EDIT = Edit("cleaning.py", "ffill(limit=3)", "ffill(limit=6)")
GLOBAL_EDIT = Edit("pipeline.py", "DELAY_CAP_MINUTES = 180", "DELAY_CAP_MINUTES = 120")

BEFORE_THE_HELPER = ("load_and_clean",)
AFTER_THE_HELPER = ("join_weather", "engineer_features", "cross_validate")
AFTER_THE_GLOBAL = ("summarise", "draw_figure")

SCENARIOS = (
    Scenario("first run", BEFORE_THE_HELPER + AFTER_THE_HELPER + AFTER_THE_GLOBAL),
    Scenario("rerun", ()),
    Scenario("comment edit", (), COMMENT_EDITS),
    Scenario("helper edit", AFTER_THE_HELPER + AFTER_THE_GLOBAL, (HELPER_EDIT,)),
    Scenario("changed global", AFTER_THE_GLOBAL, (GLOBAL_EDIT,)),
    Scenario("edits undone", (), undo=True),
)


def copy_sources(directory: Path) -> None:
    """Put the example's files, as they are in the tree, into a directory."""
    for filename in SOURCES:
        shutil.copyfile(HERE / filename, directory / filename)


def run_pipeline(directory: Path, store: Path, *, disable: bool) -> Report:
    """Run the copied pipeline in a fresh process and parse its report."""
    env = os.environ | {"REMEMO_DIR": str(store), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("REMEMO_DISABLE", None)
    if disable:
        env["REMEMO_DISABLE"] = "1"
    command = [sys.executable, "run_stages.py"]
    done = subprocess.run(
        command, cwd=directory, env=env, stdout=subprocess.PIPE, check=True, text=True
    )
    report: Report = json.loads(done.stdout)
    return report


def check_equal(title: str, memoized: Report, plain: Report) -> None:
    """Fail unless a memoized and a plain run agree on every result."""
    if memoized["numbers"] != plain["numbers"]:
        raise AssertionError(f"{title}: numbers differ from those of a plain run")
    for ours, theirs in zip(memoized["stages"], plain["stages"], strict=True):
        if ours["digest"] != theirs["digest"]:
            raise AssertionError(f"{title}: {ours['name']} differs from a plain run")


def check_recomputed(scenario: Scenario, report: Report) -> None:
    """Fail unless just the stages that an edit concerns were recomputed."""
    recomputed = tuple(stage["name"] for stage in report["stages"] if not stage["hit"])
    if recomputed != scenario.recomputed:
        raise AssertionError(f"{scenario.title}: recomputed {recomputed}")


def total_seconds(report: Report) -> float:
    """Add up the time spent in the stages."""
    return sum(float(stage["seconds"]) for stage in report["stages"])


def duration(seconds: float) -> str:
    """Write a time so that the points of a column stand below each other."""
    return f"{seconds:7.3f} s"


def cell(stage: dict[str, Any]) -> str:
    """Say what one stage did in one scenario and, below it, what had changed if it ran."""
    if stage["hit"]:
        return f"{duration(stage['seconds'])} hit"
    changed = ", ".join(stage["changes"]) or "new"
    return f"{duration(stage['seconds'])} recomputed\n  ({changed})"


def table_rows(memoized: list[Report], plain: list[Report]) -> list[list[str]]:
    """Lay out the table: a heading, a row per stage, and two rows of totals."""
    rows = [["stage", *(scenario.title for scenario in SCENARIOS)]]
    by_stage = zip(*(report["stages"] for report in memoized), strict=True)
    rows.extend([records[0]["name"], *map(cell, records)] for records in by_stage)
    for label, reports in (("all stages", memoized), ("not memoized", plain)):
        rows.append([label, *(duration(total_seconds(report)) for report in reports)])
    return rows


def print_table(rows: list[list[str]]) -> None:
    """Print rows in aligned columns, with a rule below the heading."""
    cells = [[text.splitlines() for text in row] for row in rows]
    columns = zip(*cells, strict=True)
    widths = [max(len(line) for lines in column for line in lines) for column in columns]
    for number, row in enumerate(cells):
        for parts in zip_longest(*row, fillvalue=""):
            line = "  ".join(text.ljust(width) for text, width in zip(parts, widths, strict=True))
            print(line.rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_reasons(scenario: Scenario, report: Report) -> None:
    """List why stages were recomputed in one scenario, as `explain` puts it."""
    names: dict[str, list[str]] = {}
    for stage in report["stages"]:
        if not stage["hit"]:
            names.setdefault(stage["reason"], []).append(stage["name"])
    if not names:
        print(f"\n{scenario.title}: every stage was a hit")
        return
    print(f"\n{scenario.title}:")
    for reason, stages in names.items():
        print(textwrap.fill(", ".join(stages), 88, initial_indent="  ", subsequent_indent="  "))
        print(textwrap.indent(reason, " " * 4))


def snapshot() -> dict[Path, bytes]:
    """Read every file of the example, as it is in the tree."""
    files = (path for path in HERE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.read_bytes() for path in files}


def play(directory: Path) -> tuple[list[Report], list[Report]]:
    """Run every scenario, memoized and plain, and compare the two runs."""
    project, store = directory / "flights", directory / "store"
    project.mkdir()
    copy_sources(project)
    memoized, plain = [], []
    for scenario in SCENARIOS:
        if scenario.undo:
            copy_sources(project)
        for edit in scenario.edits:
            edit.apply(project)
        print(f"running: {scenario.title}", file=sys.stderr, flush=True)
        memoized.append(run_pipeline(project, store, disable=False))
        plain.append(run_pipeline(project, store, disable=True))
        check_equal(scenario.title, memoized[-1], plain[-1])
        check_recomputed(scenario, memoized[-1])
    return memoized, plain


def main() -> None:
    """Play the scenarios in a temporary directory and print what happened."""
    before = snapshot()
    print("Each of six scenarios runs twice: about four minutes in all.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="rememo-flights-") as directory:
        memoized, plain = play(Path(directory))
    if snapshot() != before:
        raise AssertionError("the demo changed the example itself")
    print_table(table_rows(memoized, plain))
    print("\nIn brackets: what had changed. In full, as explain said before the call:")
    for scenario, report in zip(SCENARIOS, memoized, strict=True):
        print_reasons(scenario, report)
    print("\nIn every scenario, all numbers and the figure equal those of a plain run.")


if __name__ == "__main__":
    main()
