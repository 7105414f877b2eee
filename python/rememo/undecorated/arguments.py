"""The arguments of the command line, which tell when they are looked at.

Libraries such as `argparse` read them behind a function's back: nothing in its code, and no
argument, says so.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

_looks = 0


class Arguments(list[str]):
    """What `sys.argv` is, while functions are memoized that nobody has decorated."""

    __slots__ = ()

    def __radd__(self, other: list[str]) -> list[str]:
        """Adds them to another list, which else would take them without asking."""
        return other + list(self)


def _told(name: str) -> Any:  # noqa: ANN401  as the method of `list`
    method: Any = getattr(list, name)

    @functools.wraps(method)
    def look(self: Arguments, *args: object, **kwargs: object) -> object:
        global _looks
        _looks += 1
        return method(self, *args, **kwargs)

    return look


# All that shows or changes what is in a list.
for _name in (
    *("__add__", "__contains__", "__delitem__", "__eq__", "__ge__", "__getitem__", "__gt__"),
    *("__iadd__", "__imul__", "__iter__", "__le__", "__len__", "__lt__", "__mul__", "__ne__"),
    *("__repr__", "__reversed__", "__rmul__", "__setitem__", "__reduce_ex__"),
    *("append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove"),
    *("reverse", "sort"),
):
    setattr(Arguments, _name, _told(_name))


def watch() -> None:
    """Has `sys.argv` tell from now on."""
    if not isinstance(sys.argv, Arguments):
        sys.argv = Arguments(sys.argv)


def looks() -> int | None:
    """Counts how often they were looked at; None where the program has put another list there."""
    return _looks if isinstance(sys.argv, Arguments) else None
