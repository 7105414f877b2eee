"""The page on programs without a decorator, done as a newcomer would."""

from __future__ import annotations

from pathlib import Path

from test_tutorial import do_as_shown

PAGE = Path(__file__).parents[3] / "docs" / "without-a-decorator.md"


def test_all_of_it_does_what_it_says(tmp_path: Path) -> None:
    """In an empty directory, with what is installed here."""
    assert do_as_shown(PAGE, tmp_path) == 5
