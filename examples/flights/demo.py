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


def cell(stage: dict[str, Any]) -> str:
    """Say in a few characters what one stage did in one scenario."""
    outcome = "hit" if stage["hit"] else "recomputed"
    return f"{outcome} {stage['seconds']:.2f} s"


def table_rows(memoized: list[Report], plain: list[Report]) -> list[list[str]]:
    """Lay out the table: a heading, a row per stage, and two rows of totals."""
    rows = [["stage", *(scenario.title for scenario in SCENARIOS)]]
    by_stage = zip(*(report["stages"] for report in memoized), strict=True)
    rows.extend([records[0]["name"], *map(cell, records)] for records in by_stage)
    for label, reports in (("total", memoized), ("total, disabled", plain)):
        rows.append([label, *(f"{total_seconds(report):.2f} s" for report in reports)])
    return rows


def print_table(rows: list[list[str]]) -> None:
    """Print rows in aligned columns, with a rule below the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    print("\n".join(line.rstrip() for line in lines))


def print_reasons(scenario: Scenario, report: Report) -> None:
    """List why each recomputed stage of one scenario was recomputed."""
    recomputed = [stage for stage in report["stages"] if not stage["hit"]]
    if not recomputed:
        return
    print(f"\n{scenario.title}:")
    for stage in recomputed:
        print(f"  {stage['name']}")
        for line in stage["reason"].splitlines():
            print(textwrap.fill(line, 88, initial_indent=" " * 4, subsequent_indent=" " * 6))


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
    with tempfile.TemporaryDirectory(prefix="rememo-flights-") as directory:
        memoized, plain = play(Path(directory))
    print_table(table_rows(memoized, plain))
    print("\nWhy stages were recomputed")
    for scenario, report in zip(SCENARIOS, memoized, strict=True):
        print_reasons(scenario, report)
    print("\nIn every scenario, all numbers and the figure equal those of a plain run.")


if __name__ == "__main__":
    main()
