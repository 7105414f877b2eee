"""Names come from other people's code: whatever a function is called, tables stay readable, and
nothing in a name can command the terminal.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from rememo import Cache

if TYPE_CHECKING:
    from pathlib import Path

    from command.conftest import Rememo

NAMES = {
    "clears the screen": "\x1b[2J\x1b[H",
    "sets the title": "\x1b]0;owned\x07",
    "is a C1 control": "\x9b2J\x85",
    "begins a line of its own": "good\nerror: all is lost\r\x08\x08",
    "turns text around": "a\u202egnp.exe\u2066b\u200f\u061c",
    "is not seen": "a\u200bb\ufeffc\u2060d\u00ade\U000e0041",
    "is long": "x" * 1000,
    "is wide": "計算👩\u200d🔬",
    "is written from right to left": "חישוב",
}


def named(name: str) -> object:
    """A function of that name, which is what it is given."""

    def identity(x: object) -> object:
        return x

    identity.__qualname__ = identity.__name__ = name
    return identity


@pytest.fixture
def names(tmp_path: Path) -> None:
    """A cache with two results of a function of each name."""
    (tmp_path / "pyproject.toml").touch()
    with Cache(tmp_path / ".rememo") as cache:
        for name in NAMES.values():
            memoized = cache.memoize(named(name), tag=name[:100])
            memoized(1)
            memoized(2)
            memoized(2)


def is_tame(text: str) -> bool:
    """Whether it has nothing but what is seen and stays where it is."""
    joiners = "\u200c\u200d"
    return all(
        c in joiners or unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp"} for c in text
    )


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    "words",
    [
        "", "ls", "ls --entries", "ls *", "show *", "show * --source", "why", "why --all",
        "stats", "stats --by-day", "rm * --dry-run", "gc --dry-run --max-size 1KiB", "verify",
        "accept --list", "doctor", "config", "impact",
    ],
)  # fmt: skip
def test_nothing_but_text_is_written(command: Rememo, words: str) -> None:
    """For people, and as JSON, which says what the names are for all that."""
    done = command(*words.split())
    for line in (done.out + done.err).splitlines():
        assert is_tame(line), ascii(line)
    written = command(*words.split(), "--json").out
    assert all(is_tame(line) for line in written.split("\n")), ascii(written)
    json.loads(written)


@pytest.mark.usefixtures("names")
def test_each_name_has_a_line(command: Rememo) -> None:
    """One that has line breaks, too; and a long one does not push the others away."""
    lines = command("ls").out.splitlines()
    assert len(lines) == 1 + len(NAMES)
    (long,) = (line for line in lines if NAMES["is long"] in line)
    assert all(len(line) < 200 for line in lines if line != long)
    listed = {row["function"] for row in command.json("ls")["functions"]}
    assert listed == {f"{__name__}.{name}" for name in NAMES.values()}


@pytest.mark.usefixtures("names")
def test_mistakes_are_told_as_text(command: Rememo) -> None:
    """What is asked for may come from elsewhere, too."""
    for words in (
        ("ls", NAMES["sets the title"] + "x"),
        ("why", "\x9b2J"),
        ("gc", "--max-size", "\x1b[2J"),
    ):
        told = command(*words, status=1 if words[0] != "gc" else 2).err
        assert all(is_tame(line) for line in told.splitlines()), ascii(told)
