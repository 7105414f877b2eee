"""Which functions of a namespace read names of it that some code binds for itself."""

from __future__ import annotations

import contextlib
import dis
import itertools
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Of a container, so many values are looked at.
MOST_VALUES = 1000


class OuterRead(NamedTuple):
    """A function, and a name that it reads as a global."""

    function: str
    name: str


def outer_read(
    function: FunctionType, names: set[str], values: Iterable[object]
) -> OuterRead | None:
    """Finds a function that `function` may call, and that reads one of the names as a global.

    Args:
        function: what binds the names, as its own variables.
        names: the names.
        values: what it is given.
    """
    namespace = function.__globals__
    pending = [*values, *_held(namespace, globals_of(function.__code__))]
    seen: dict[int, object] = {}
    while pending:
        thing = pending.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, FunctionType) and thing.__globals__ is namespace:
            reads = globals_of(thing.__code__)
            if found := sorted(reads & names):
                return OuterRead(thing.__qualname__, found[0])
            pending += _held(namespace, reads)
        pending += _within(thing, namespace.get("__name__"))
    return None


def globals_of(code: CodeType) -> set[str]:
    """Returns the names that code, or code in it, reads as globals."""
    loads = {"LOAD_GLOBAL", "LOAD_NAME"}
    found = {str(one.argval) for one in dis.get_instructions(code) if one.opname in loads}
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return found.union(*map(globals_of, inner))


def _held(namespace: dict[str, Any], names: Iterable[str]) -> Iterator[object]:
    return (namespace[name] for name in names if name in namespace)


def _within(thing: Any, module: object) -> Iterator[object]:  # noqa: ANN401
    """Yields what may be called where something is: functions, and what holds them."""
    if isinstance(thing, FunctionType):
        yield from _enclosed(thing)
    elif isinstance(thing, type):
        if thing.__module__ == module:
            yield from (*vars(thing).values(), *thing.__bases__)
    elif isinstance(thing, (dict, list, tuple)):
        yield from itertools.islice(_values(thing), MOST_VALUES)
    else:
        yield type(thing)
        # Methods, properties, `functools.partial`, memoized functions; to ask others may run code.
        if type(thing).__module__.partition(".")[0] in {"builtins", "functools", "rememo"}:
            for name in _PARTS:
                yield getattr(thing, name, None)


_PARTS = "__func__", "__self__", "__wrapped__", "args", "fdel", "fget", "fset", "func", "keywords"


def _values(container: Any) -> Iterable[object]:  # noqa: ANN401
    if isinstance(container, dict):
        return list(cast("dict[object, object]", container).values())
    return container


def _enclosed(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        # It may be empty yet.
        with contextlib.suppress(ValueError):
            yield cell.cell_contents
    yield vars(function).get("__wrapped__")
