"""Why a call is not a hit, down to the name, with digests and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from rememo import memoize

if TYPE_CHECKING:
    from pathlib import Path

    from rememo import Cache

    from conftest import Program

TABLES = """
FACTORS = {"a": 1}
class Scale:
    unit = 1
    def apply(self, x):
        return x * self.unit
"""
HELPERS = """
import tables
def adder(n):
    def add(x):
        return x + n
    return add
plus = adder(4)
def middle(x, y=3):
    return tables.Scale().apply(x) + y + tables.FACTORS["a"] + plus(x)
"""
MAIN = """
from rememo import memoize
import helpers
@memoize
def total(x, *rest, **options):
    return helpers.middle(x)
"""

# The module, what is replaced by what, and how the explanation puts it.
EDITS: dict[str, tuple[str, str, str, str]] = {
    "its own code": ("main", "middle(x)", "middle(x) + 0", "function main.total changed ("),
    "a helper": ("helpers", "+ y", "- y", "function helpers.middle changed ("),
    "a default": ("helpers", "y=3", "y=4", "default y of helpers.middle changed (3 to 4)"),
    "an inner function": ("helpers", "x + n", "x - n", "function helpers.adder.<locals>.add cha"),
    "a closure": (
        "helpers",
        "adder(4)",
        "adder(5)",
        "closure n of helpers.adder.<locals>.add changed (4 to 5)",
    ),
    "a global": ("tables", '"a": 1', '"a": 2', "global tables.FACTORS changed ("),
    "a method": ("tables", "x * self", "x + self", "function tables.Scale.apply changed ("),
    "a class attribute": (
        "tables",
        "unit = 1",
        "unit = 2",
        "class tables.Scale.unit changed (",
    ),
}
EXPLAIN = """
from main import total
explanation = total.explain(1, 2, key=3)
out = [explanation.hit, explanation.reason, str(explanation),
       [[change.old, change.new] for change in explanation.changes]]
"""


@pytest.fixture
def edited(program: Program) -> Program:
    """A program of three modules, whose call is stored."""
    program.write(tables=TABLES, helpers=HELPERS, main=MAIN)
    program.run("from main import total; out = total(1, 2, key=3)")
    return program


@pytest.mark.parametrize("secret", ['"s3cret"', 'b"s3cret"', '["s3cret", 5]', "10**60"])
def test_what_may_be_a_secret_is_not_told(program: Program, secret: str) -> None:
    """Text, bytes and containers are told by their digests, and so is a number that is long."""
    text = "from rememo import memoize\nK = {}\n@memoize\ndef f(): return len(repr(K))\n"
    program.write(m=text.format(secret))
    program.run("import m; out = m.f()")
    program.write(m=text.format("None"))
    told, _ = program.run("import m; out = str(m.f.explain())")
    change = told.splitlines()[1]
    assert change.startswith("  global m.K changed (")
    assert change.endswith(" to None)")
    assert "s3cret" not in change
    assert "000" not in change


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named(edited: Program, name: str) -> None:
    """With old and new digest and, where it is code, the lines; once undone, it is a hit."""
    module, old, new, expected = EDITS[name]
    path = edited.directory / f"{module}.py"
    source = path.read_text()
    path.write_text(source.replace(old, new))
    (hit, reason, text, digests), events = edited.run(EXPLAIN)
    assert (hit, reason, events) == (False, "state changed", [])
    assert text.splitlines()[0] == "miss: the function, or something it uses, is not what it was"
    assert text.splitlines()[1].startswith(f"  {expected}")
    assert [len(digest) for digest in digests[0]] == [64, 64]
    assert digests[0][0] != digests[0][1]
    if expected.startswith("function"):
        removed = [line for line in text.splitlines() if line.startswith("  -") and old in line]
        added = [line for line in text.splitlines() if line.startswith("  +") and new in line]
        assert (len(removed), len(added)) == (1, 1), text
    path.write_text(source)
    assert edited.run(EXPLAIN)[0][:2] == [True, "hit"]


def test_a_helper_that_came_and_one_that_went_are_named(edited: Program) -> None:
    """A renamed one is both."""
    (edited.directory / "helpers.py").write_text(HELPERS.replace("adder", "summer"))
    text = edited.run(EXPLAIN)[0][2]
    assert "function helpers.summer.<locals>.add is new (" in text
    assert "function helpers.adder.<locals>.add is gone (was " in text


def test_arguments_that_differ_are_named(rememo_cache: Cache) -> None:
    """Those that collect further ones by their stars."""

    @memoize
    def total(x: int, *rest: int, scale: int = 1, **options: int) -> int:
        return x * scale + len(rest) + len(options)

    total(1, 2, key=3)

    def differing(*args: Any, **kwargs: Any) -> list[str]:
        explanation = total.explain(*args, **kwargs)
        assert explanation.reason == "arguments changed"
        assert {change.kind for change in explanation.changes} == {"argument"}
        return [change.name for change in explanation.changes]

    assert differing(2, 2, key=3) == ["x"]
    assert differing(1.0, 2, key=3, scale=2) == ["x", "scale"]
    assert differing(1, 3, key=4) == ["*rest", "**options"]
    assert total.explain(1, 2, key=3, scale=1).hit


def test_an_explanation_changes_nothing(
    rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    """The function does not run, nothing is stored or counted; it can be had before any call."""

    @memoize
    def never(x: int) -> int:
        raise AssertionError(x)

    explanation = never.explain(1)
    assert (explanation.hit, explanation.reason, explanation.changes) == (False, "new", ())
    assert str(explanation) == "miss: nothing is stored for this function"
    assert rememo_events == []
    assert never.cache_info() == (0, 0, 0)


def test_the_source_shown_is_what_ran_not_what_the_file_holds_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rememo_cache: Cache
) -> None:
    import importlib

    file = tmp_path / "edited_later.py"
    file.write_text(
        "def helper(x): return x + 1\ndef same(x): return x\ndef f(x): return helper(same(x))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_later")
    memoized = rememo_cache.memoize(module.f)
    # As when an editor saves a file whose module is at work in a notebook.
    file.write_text(file.read_text().replace("x + 1", "x + 20"))
    assert memoized(1) == 2
    importlib.invalidate_caches()
    edited = rememo_cache.memoize(importlib.reload(module).f)
    (change,) = edited.explain(1).changes
    assert change.name == "edited_later.helper"
    assert (change.old_source, change.new_source) == (None, "def helper(x): return x + 20\n")
    assert edited(1) == 21
    file.write_text(file.read_text().replace("x + 20", "x + 300"))
    (change,) = rememo_cache.memoize(importlib.reload(module).f).explain(1).changes
    assert change.old_source == "def helper(x): return x + 20\n"
    assert change.new_source == "def helper(x): return x + 300\n"
