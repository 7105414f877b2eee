"""Context managers are refused: what entering and leaving one does would not be done on a hit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FunctionType

_WHY = (
    "the context manager {name}: entering and leaving it is done for its effects, which are not "
    "stored. Memoize a function that computes what it yields, and call that inside it"
)


def objection(func: FunctionType) -> str | None:
    """Says why what `contextlib.contextmanager` made will not do; None for all else."""
    if func.__globals__.get("__name__") == "contextlib" and hasattr(func, "__wrapped__"):
        return _WHY.format(name=func.__qualname__)
    return None


def refuse_caller(name: str, depth: int) -> None:
    """Raises TypeError if `contextlib` makes a context manager of a memoized generator function.

    It is found out when that is called: `depth` callers up from here.
    """
    caller = sys._getframe(depth + 1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    if caller.f_globals.get("__name__") == "contextlib":
        raise TypeError(f"cannot memoize {_WHY.format(name=name)}")
