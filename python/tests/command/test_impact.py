"""What edits will have computed again is told before anything runs, and comes true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from command.conftest import Rememo

STEPS = """
from rememo import memoize
from tools import clean
print("steps are imported")

@memoize
def load(name):
    return [name] * 3

@memoize
def model(name):
    return clean(load(name))

@memoize
async def fetch(name):
    return clean(name)

class Report:
    @memoize
    def lines(self, name):
        return model(name)

    @staticmethod
    @memoize
    def title(name):
        return name.title()
"""
TOOLS = """
def clean(rows):
    return sorted(rows)
"""
RUN = """
import asyncio, json, rememo, steps
runs = []
rememo._core.subscribe(lambda event: runs.append(event["function"]), ["miss"])
for name in ("a", "b"):
    steps.load(name), steps.model(name), steps.Report().lines(name), steps.Report.title(name)
    asyncio.run(steps.fetch(name))
print(json.dumps(sorted(set(runs))))
"""
METHOD = "steps.Report.lines"
ALL = {"steps.load", "steps.model", "steps.fetch", METHOD, "steps.Report.title"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A program of two modules, whose results are stored."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "steps.py").write_text(STEPS)
    (tmp_path / "tools.py").write_text(TOOLS)
    assert run(tmp_path) == ALL
    assert run(tmp_path) == set()
    return tmp_path


def run(project: Path) -> set[str]:
    """The functions that ran."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=project,
        env={name: text for name, text in os.environ.items() if "REMEMO" not in name},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def edit(path: Path, old: str, new: str) -> None:
    """Replaces text, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def lost(found: dict[str, Any]) -> set[str]:
    """The functions that are said to run again."""
    return {row["function"] for row in found["functions"] if row["fate"] == "lost"}


def test_nothing_is_lost_where_nothing_was_edited(project: Path, command: Rememo) -> None:
    """And looking changes nothing, nor what goes to standard output."""
    found = command.json("impact")
    fates = {row["function"]: row["fate"] for row in found["functions"]}
    # What the class of the instance is like that it will be called with, nobody knows.
    assert fates == dict.fromkeys(ALL, "kept") | {METHOD: "unknown"}
    assert all(row["entries"] == 2 for row in found["functions"])
    assert (found["lost"], found["compute_seconds"]) == (0, 0)
    done = command("impact")
    assert done.out.endswith("nothing is known to run again\n")
    assert "steps are imported" in done.err
    assert run(project) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "due"),
    [
        ("tools.py", "sorted(rows)", "list(rows)", ALL - {"steps.load", "steps.Report.title"}),
        ("steps.py", "* 3", "* 4", {"steps.load", "steps.model", METHOD}),
        ("steps.py", "name.title()", "name.upper()", {"steps.Report.title"}),
        ("tools.py", "def clean", "# A comment.\ndef clean", set()),
    ],
)
def test_what_is_said_to_run_again_does(
    project: Path, command: Rememo, file: str, old: str, new: str, due: set[str]
) -> None:
    """And nothing else does, or did to say so."""
    edit(project / file, old, new)
    before = command.json()["contents"]["total"]
    found = command.json("impact")
    assert lost(found) == due
    assert found["lost"] == len(due)
    assert found["compute_seconds"] == pytest.approx(
        sum(row["compute_seconds"] for row in found["functions"] if row["fate"] == "lost")
    )
    assert command.json()["contents"]["total"] == before
    assert run(project) - {METHOD} == due - {METHOD}
    assert lost(command.json("impact")) == set()
    edit(project / file, new, old)
    assert lost(command.json("impact")) == set()
    assert run(project) == set()


def test_what_changed_is_shown(project: Path, command: Rememo) -> None:
    """With the difference of the sources, for the functions that are named."""
    edit(project / "tools.py", "sorted(rows)", "list(rows)")
    told = command("impact", "model", "--color", "never").out
    assert "function tools.clean" in told
    assert "-    return sorted(rows)" in told
    assert "+    return list(rows)" in told
    assert "1 of 1 functions run again" in told
    assert "nothing is stored for 'modl'" in command("impact", "modl", status=1).err


def test_what_was_tried_and_undone_is_not_told_of(project: Path, command: Rememo) -> None:
    """The code is compared with what it was when it differed in nothing else."""
    steps = project / "steps.py"
    edit(steps, "from tools import clean", "from tools import clean\nTIMES = 3")
    edit(steps, "* 3", "* TIMES")
    run(project)
    edit(steps, "TIMES = 3", "TIMES = 4")
    run(project)
    edit(steps, "TIMES = 4", "TIMES = 3")
    edit(steps, "[name] * TIMES", "TIMES * [name]")
    (row,) = command.json("impact", "load")["functions"]
    assert row["fate"] == "lost"
    assert [change["name"] for change in row["changes"]] == ["steps.load"]
    command("accept", "load", "--reason", "commutes", "--yes")
    assert lost(command.json("impact", "load")) == set()
    assert "steps.load" not in run(project)


def test_what_cannot_be_looked_at_is_told_of(project: Path, command: Rememo) -> None:
    """A module that is broken, ends the program, or calls what it memoizes is no end of it."""
    for text, why in [
        ("import nowhere\n", "steps cannot be imported: No module named 'nowhere'"),
        ("raise SystemExit(7)\n", "steps cannot be imported: SystemExit: 7"),
        ("1 +\n", "steps cannot be imported: SyntaxError"),
        (STEPS + "\nload('now')\n", "steps.load was called, but functions are only looked at"),
        (
            STEPS.replace("async def fetch", "def fetch") + "\nfetch('x')\n",
            "steps.fetch was called",
        ),
        ("from rememo import memoize\ndef load(name): pass\n", "it is not memoized any more"),
        ("", "it is not there any more"),
    ]:
        (project / "steps.py").write_text(text)
        found = command.json("impact", "load")
        (row,) = found["functions"]
        assert row["fate"] == "unknown"
        assert why in row["why_unknown"], text
        assert why in command("impact", "load").out
    (project / "steps.py").unlink()
    (row,) = command.json("impact", "load")["functions"]
    assert "no module 'steps'" in row["why_unknown"]
    assert "no module 'steps'" in command("impact").out


def test_another_python_can_be_named(project: Path, command: Rememo) -> None:
    """One that has no rememo, or is none, says so."""
    assert command.json("impact", "--python", sys.executable)["lost"] == 0
    assert "--python names another" in command("impact", "--python", "/nowhere", status=3).err
    assert "--python names another" in command("impact", "--python", "false", status=3).err
