"""What is made of `mmap_mode`.

With ``"r"``, arrays share the memory of the cache and cannot be written to; otherwise they come as
copies, each caller's own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

MmapMode = Literal["r", "c"] | None

R = TypeVar("R")


def check(mode: str | None) -> MmapMode:
    """Returns a mode that is one.

    Raises:
        ValueError: if it is none, or one in which callers change what is stored.
    """
    if mode is None or mode in {"r", "c"}:
        return cast("MmapMode", mode)
    if mode in {"r+", "w+"}:
        raise ValueError(
            f"mmap_mode={mode!r} lets callers change what is stored, so that later calls would "
            'get something else; say "c" for arrays that can be changed, each caller its own'
        )
    raise ValueError(f'mmap_mode must be "r", "c" or None, not {mode!r}')


def as_asked(value: R, mode: MmapMode) -> R:
    """Returns a result with the arrays in it as the mode says: also one that was just made."""
    if mode == "r" and "numpy" in sys.modules:
        for array in _arrays(value):
            array.flags.writeable = False
    return value


def _arrays(value: Any) -> Iterator[Any]:  # noqa: ANN401  whatever a result holds
    import numpy as np

    if isinstance(value, np.ndarray):
        yield value
    elif type(value) in {list, tuple}:
        for item in value:
            yield from _arrays(item)
    elif type(value) is dict:
        for item in cast("dict[object, object]", value).values():
            yield from _arrays(item)
