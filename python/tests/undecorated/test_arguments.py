"""No way of reading the arguments of the command line goes unnoticed."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING

import pytest
from rememo.undecorated.arguments import Arguments, looks

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, Callable[[Arguments], object]] = {
    "item": lambda argv: argv[0],
    "slice": lambda argv: argv[1:],
    "length": len,
    "truth": bool,
    "list": list,
    "tuple": tuple,
    "starred": lambda argv: [*argv],
    "call": lambda argv: print(*argv, end=""),
    "loop": lambda argv: [one + "!" for one in argv],
    "added to": lambda argv: ["a"] + argv,  # noqa: RUF005  it is what is tried
    "added": lambda argv: argv + ["a"],  # noqa: RUF005
    "extended": lambda argv: ["a"].extend(argv),
    "in": lambda argv: "b" in argv,
    "join": lambda argv: " ".join(argv),
    "equal": lambda argv: argv == ["a"],
    "sorted": sorted,
    "reversed": lambda argv: list(reversed(argv)),
    "enumerate": lambda argv: list(enumerate(argv)),
    "zip": lambda argv: list(zip(argv, argv, strict=True)),
    "repr": repr,
    "json": json.dumps,
    "copy": copy.copy,
    "pickle": lambda argv: pickle.dumps(argv),
    "pop": lambda argv: argv.pop(),
    "assigned": lambda argv: [].__setitem__(slice(0, 0), argv),
}


@pytest.mark.soundness
@pytest.mark.parametrize("way", READERS)
def test_reading_is_noticed(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Python and C alike ask the list."""
    argv = Arguments(["b", "c"])
    monkeypatch.setattr("sys.argv", argv)
    before = looks()
    READERS[way](argv)
    assert looks() != before


def test_another_list_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done with that is not seen."""
    monkeypatch.setattr("sys.argv", ["b"])
    assert looks() is None
