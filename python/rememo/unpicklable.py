"""Finds what in a result cannot be pickled, to say so in a warning."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 20


def describe(value: object, error: BaseException) -> str:
    """Names the type and the path of the innermost part that cannot be pickled."""
    path, culprit = "result", value
    for _ in range(MAX_DEPTH):
        for step, part in _parts(culprit):
            if not _picklable(part):
                path, culprit = path + step, part
                break
        else:
            break
    kind = type(culprit)
    return f"{path} is a {kind.__module__}.{kind.__qualname__}, which cannot be pickled ({error})"


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            yield f" key {key!r}", key
            yield f"[{key!r}]", item
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(cast("list[object]", value)):
            yield f"[{index}]", item
    elif isinstance(value, (set, frozenset)):
        for item in cast("set[object]", value):
            yield " element", item
    elif not isinstance(value, type) and hasattr(value, "__dict__"):
        for name, item in vars(value).items():
            yield f".{name}", item


def _picklable(value: object) -> bool:
    try:
        pickle.dumps(value, protocol=5)
    except Exception:  # noqa: BLE001  pickling runs any code, which may raise anything
        return False
    return True
