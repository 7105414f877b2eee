"""Finds what in a result cannot be pickled, to say so in a warning."""

from __future__ import annotations

import pickle
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 20
# What these hold says nothing of why they cannot be pickled.
_LEAVES: tuple[type, ...] = (type, FunctionType, ModuleType)


def describe(value: object, error: BaseException) -> str:
    """Names the type and the path of the innermost part that cannot be pickled."""
    path, verb, culprit, seen = "result", "is", value, {id(value)}
    for _ in range(MAX_DEPTH):
        for step, part in _parts(culprit):
            if id(part) not in seen and not _picklable(part):
                # Where a part has no place to name, the path ends at what holds it.
                path, verb = (path + step, verb) if step and verb == "is" else (path, "holds")
                culprit = part
                seen.add(id(part))
                break
        else:
            break
    kind = type(culprit)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{path} {verb} a {module}{kind.__qualname__}, which cannot be pickled ({error})"


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yields the parts of a value with the step that leads to each; none where it has no name."""
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
    elif not isinstance(value, _LEAVES):
        yield from _attributes(value)
        yield from _reduced(value)


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    slots = (name for kind in type(value).__mro__ for name in kind.__dict__.get("__slots__", ()))
    for name in [*getattr(value, "__dict__", ()), *slots]:
        try:
            item: object = getattr(value, name)
        except Exception:  # noqa: BLE001, S112  a slot may be empty, and a property may do anything
            continue
        yield f".{name}", item


def _reduced(value: object) -> Iterator[tuple[str, object]]:
    """Yields what pickling would make of an object, apart from how it is made."""
    try:
        reduced = value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001  this is what cannot be done, then
        return
    if isinstance(reduced, tuple):
        _, arguments, state, items, pairs = (*reduced, None, None, None, None)[:5]
        # That its class cannot be pickled is better said of the object.
        yield from (("", part) for part in arguments or () if part is not type(value))
        yield "", state
        yield from ((f"[{index}]", item) for index, item in enumerate(items or ()))
        yield from ((f"[{key!r}]", item) for key, item in pairs or ())


def _picklable(value: object) -> bool:
    try:
        pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001  pickling runs any code, which may raise anything
        return False
    return True
