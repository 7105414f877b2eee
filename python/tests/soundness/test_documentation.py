"""Every test that docs/soundness.md names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parents[1] / "docs" / "soundness.md"
# `test_file.py::test_name`, `test_file.py[name of a row]`
REFERENCE = re.compile(r"`((?:test|world)_\w+\.py)(?:::(\w+))?(?:\[([^`]+)\])?`")
REFERENCES = sorted(set(REFERENCE.findall(DOCUMENT.read_text(encoding="utf-8"))))


@cache
def names(file: str) -> tuple[frozenset[str], frozenset[object]]:
    """The functions of a test file, and all texts in it."""
    (path,) = TESTS.rglob(file)
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return (
        frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef)),
        frozenset(node.value for node in nodes if isinstance(node, ast.Constant)),
    )


@pytest.mark.parametrize("reference", REFERENCES, ids="-".join)
def test_a_test_that_is_named_is_there(reference: tuple[str, str, str]) -> None:
    file, function, row = reference
    functions, texts = names(file)
    assert not function or function in functions
    assert not row or row in texts or row in functions


def test_many_are_named() -> None:
    """So that a change of the notation does not go unnoticed."""
    assert len(REFERENCES) > 100
