"""docs/warnings-and-errors.md lists the warnings that there are, as they are derived."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import rememo
from rememo import warnings

PAGE = (Path(__file__).parents[2] / "docs" / "warnings-and-errors.md").read_text(encoding="utf-8")
CLASSES = [kind for _, kind in inspect.getmembers(warnings, inspect.isclass)]


def tree(kind: type, depth: int = 0) -> str:
    """A class and those derived from it, each on a line."""
    derived = sorted(
        (one for one in CLASSES if kind in one.__bases__), key=lambda one: one.__name__
    )
    return "    " * depth + kind.__name__ + "\n" + "".join(tree(one, depth + 1) for one in derived)


def test_the_tree_is_what_it_is() -> None:
    assert len(CLASSES) > 10
    assert f"```\n{tree(rememo.RememoWarning)}```" in PAGE


def test_each_has_a_row_and_each_row_has_one() -> None:
    rows = re.findall(r"^\| `(\w+Warning)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(kind.__name__ for kind in CLASSES)


def test_each_is_exported() -> None:
    assert all(getattr(rememo, kind.__name__) is kind for kind in CLASSES)
    assert {kind.__name__ for kind in CLASSES} <= set(rememo.__all__)
