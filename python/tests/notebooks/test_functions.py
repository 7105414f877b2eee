"""Functions defined in the cells of real notebooks, which are run by real kernels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbclient
import nbformat
import pytest

if TYPE_CHECKING:
    from pathlib import Path

LISTEN = """
import json
from rememo import _core, memoize
events = []
_core.subscribe(lambda event: events.append([event["event"], event["function"]]))
"""
TELL = "print('told', json.dumps(events)); events.clear()"
SLOW = """
@memoize
def slow(x):
    return helper(x) * 2
"""
HELPER = """
def helper(x):
    return x + 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project for notebooks to be in."""
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def run(directory: Path, *cells: str) -> list[list[tuple[str, str]]]:
    """Runs cells in a kernel of their own; returns what each that tells was told."""
    directory.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(cell) for cell in (LISTEN, *cells)]  # type: ignore[no-untyped-call]
    )
    client = nbclient.NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(directory)}}
    )
    client.execute()
    texts: list[Any] = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stdout"
    ]
    told = [line for text in texts for line in text.splitlines() if line.startswith("told ")]
    return [json.loads(line.removeprefix("told ")) for line in told]


def names(told: list[tuple[str, str]]) -> list[str]:
    """The events, in order."""
    return [event for event, _ in told]


def test_a_function_stays_the_same_over_runs_moves_and_restarts(project: Path) -> None:
    """As long as its code does; and it is kept in the project."""
    call = f"slow(1); {TELL}"
    first, again = run(project, HELPER, SLOW, call, SLOW, call)
    assert names(first) == ["miss", "stored"]
    assert names(again) == ["hit"]
    # Another kernel, with the cells in another order and other cells between them.
    (moved,) = run(project, SLOW, "1 + 1", "# A comment", HELPER, call)
    assert names(moved) == ["hit"]
    (edited,) = run(project, HELPER.replace("+ 1", "+ 2"), SLOW, call)
    assert names(edited) == ["miss", "stored"]
    assert (project / ".rememo" / "format").is_file()


def test_an_edited_cell_makes_what_uses_it_run_again(project: Path) -> None:
    """Within one kernel too, and undone it hits again."""
    edited = HELPER.replace("+ 1", "+ 2")
    call = f"slow(1); {TELL}"
    told = run(project, HELPER, SLOW, call, edited, call, HELPER, call)
    assert [names(each) for each in told] == [["miss", "stored"], ["miss", "stored"], ["hit"]]


def test_notebooks_of_one_name_share_nothing(project: Path) -> None:
    """Each goes by its place in the project."""
    cells = (HELPER, SLOW, f"slow(1); {TELL}")
    (first,) = run(project / "a", *cells)
    (second,) = run(project / "b", *cells)
    assert names(first) == names(second) == ["miss", "stored"]
    functions = {function for told in (first, second) for _, function in told}
    assert functions == {"notebook a.slow", "notebook b.slow"}
    for directory in ("a", "b"):
        (again,) = run(project / directory, *cells)
        assert names(again) == ["hit"]


def test_notebooks_of_projects_that_share_a_cache_share_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, each goes by its path in full."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REMEMO_SYSTEM_WIDE", "1")
    for expected in (["miss", "stored"], ["hit"]):
        for name in ("one", "two"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "pyproject.toml").write_text("")
            (told,) = run(tmp_path / name, HELPER, SLOW, f"slow(1); {TELL}")
            assert names(told) == expected


def test_results_of_classes_of_a_notebook_come_back(project: Path) -> None:
    """Until the class changes."""
    text = """
from dataclasses import dataclass
@dataclass
class Item:
    x: int
    def size(self):
        return {0}
@memoize
def items(n):
    return [Item(i) for i in range(n)]
"""
    call = f"print([item.x for item in items(2)]); {TELL}"
    for size, expected in ((1, ["miss", "stored"]), (1, ["hit"]), (2, ["miss", "stored"])):
        (told,) = run(project, text.format(size), call)
        assert names(told) == expected


RELOADED = """
import rememo
from rememo.compat.joblib import Memory
cache = rememo.Cache(".rememo")
def helper(x):
    return x + {add}
@cache.memoize{options}
def slow(x):
    return helper(x) * {factor}
class Model:
    @cache.memoize{options}
    def fit(self, x):
        return x * {factor}
    @property
    @cache.memoize
    def size(self):
        return {factor}
@Memory(".joblib", verbose=0).cache
def shelved(x):
    return x * {factor}
{decorator}
def undecided(x):
    return x * {factor}
TABLE = {{"slow": slow, "all": [slow]}}
"""
WRITE = """
import itertools, os, sys, time
sys.dont_write_bytecode = True
later = itertools.count(1)
def write(**choices):
    choices = dict(add=1, factor=2, options="", decorator="") | choices
    with open("pipeline.py", "w") as file:
        file.write(TEXT.format(**choices))
    # What is looked at is when it was written.
    now = time.time() + 5 * next(later)
    os.utime("pipeline.py", (now, now))
write()
%load_ext autoreload
%autoreload 2
"""
IMPORT = """
import pipeline
from pipeline import Model, TABLE, slow, shelved, undecided
model, table, every, bound = Model(), {"slow": slow}, [slow], Model().fit
"""
CALLED = f"""
values = slow(1), table["slow"](1), every[0](1), TABLE["all"][0](1), model.fit(1), bound(1)
values += model.size, shelved(1), undecided(1)
print("told", json.dumps(values))
{TELL}
"""


def test_whoever_imported_a_function_by_name_has_the_one_that_was_read_again(project: Path) -> None:
    """By `%autoreload`, in all the places where it is, methods and other front-ends included."""
    told = run(
        project,
        f"TEXT = '''{RELOADED}'''\n{WRITE}",
        IMPORT,
        *(CALLED, CALLED),
        *("write(add=2)", CALLED),
        *("write(add=2, factor=3)", CALLED),
        *("write(add=2, factor=3, decorator='@cache.memoize')", CALLED),
        # A class counts for its methods as a whole.
        *("write(add=2, factor=3, options='(version=2)')", CALLED),
        *("write()", CALLED),
    )
    values, events = told[::2], [names(each) for each in told[1::2]]
    first, third = [4] * 4 + [2] * 5, [9] * 4 + [3] * 5
    assert values == [first, first, [6] * 4 + [2] * 5, third, third, third, first]
    assert events[0] == ["miss", "stored"] + ["hit"] * 3 + ["miss", "stored", "hit"] + [
        *("miss", "stored"),
        *("miss", "stored"),
    ]
    assert set(events[1]) == set(events[6]) == {"hit"}
    assert [each.count("stored") for each in events[2:6]] == [1, 4, 1, 4]
