"""What is printed of calls, by verbosity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where each begins.
CALLS, HITS = 1, 5
WIDTH = 80
# The most of an argument that is shown.
LONGEST = 500


def calling(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Says that a call is being made."""
    shown = [_short(value) for value in args]
    shown += [f"{key}={_short(value)}" for key, value in kwargs.items()]
    short = name.rpartition(".")[2]
    _say(f"{'_' * WIDTH}\n[Memory] Calling {name}...\n{short}({', '.join(shown)})")


def took(name: str, seconds: float, context: str = "") -> None:
    """Says how long it took."""
    short = name.rpartition(".")[2]
    _say(f"{short} {context}- {seconds:.1f}s, {seconds / 60:.1f}min".rjust(WIDTH, "_"))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}...{text[-LONGEST // 2 :]}"


def _say(text: str) -> None:
    print(text)  # noqa: T201  as asked by `verbose`
