"""Whether a result shares something that may be changed with what was there before the call.

A hit returns a copy, and so a program that goes on to change what it was given, or compares it by
`is`, would go another way. Whoever decorates a function knows that; here nobody did.
"""

from __future__ import annotations

import gc
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# More is not looked through: the result is not kept.
MOST_OBJECTS = 1_000_000
# What cannot be changed, or what programs do not change, such as code.
_SETTLED: tuple[type, ...] = (
    *(int, float, complex, str, bytes, type(None), type(...), type(NotImplemented), range, slice),
    *(type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, CodeType),
)
_PASSED_THROUGH = (tuple, frozenset)


class TooMuchError(Exception):
    """There is more than can be looked through."""


def shared(
    function: FunctionType,
    args: tuple[object, ...],
    kwargs: dict[str, object] | None,
    result: object,
) -> str | None:
    """Says what the result shares; None if it is all its own."""
    try:
        # Held, so that nothing else gets the identity of one.
        own = {id(value): value for value, _ in _changeable([("its result", result)])}
        if not own:
            return None
        for value, name in _changeable(_roots(function, args, kwargs or {})):
            if id(value) in own:
                return f"returns a part of {name}, which a hit would return a copy of"
    except TooMuchError:
        return "returns, or is given, too many objects to see whether it returns one of them"
    return None


def _roots(
    function: FunctionType, args: tuple[object, ...], kwargs: dict[str, object]
) -> Iterator[tuple[str, object]]:
    for at, value in enumerate(args):
        yield f"argument {at + 1}", value
    for name, value in kwargs.items():
        yield f"argument {name}", value
    seen: set[int] = set()
    pending = [function]
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for name, value in _reached(one):
            if isinstance(value, FunctionType):
                pending.append(value)
            elif isinstance(value, _core.Memoized):
                pending.append(cast("Any", value).__wrapped__)
            elif isinstance(value, type):
                methods = [each for each in vars(value).values() if isinstance(each, FunctionType)]
                pending.extend(methods)
                held = {key: each for key, each in vars(value).items() if not key.startswith("__")}
                yield f"the class {value.__qualname__}", list(held.values())
            else:
                yield name, value


def _reached(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Yields what a function's own code names, and what it holds."""
    yield "a default", function.__defaults__
    yield "a default", function.__kwdefaults__
    yield f"{function.__qualname__}'s attributes", vars(function)
    for cell in function.__closure__ or ():
        try:
            yield "a variable around it", cell.cell_contents
        except ValueError:
            continue
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            inside = vars(value)
            for attribute in names & inside.keys():
                yield f"{name}.{attribute}", inside[attribute]
        elif value is not None:
            yield f"the variable {name}", value


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _changeable(roots: Iterable[tuple[str, object]]) -> Iterator[tuple[object, str]]:
    """Yields each thing in there that can be changed, and the root that it is in."""
    seen: dict[int, object] = {}
    for name, root in roots:
        pending: list[object] = [root]
        while pending:
            value: Any = pending.pop()
            if isinstance(value, _SETTLED) or id(value) in seen or _is_as_good_as_settled(value):
                continue
            # It is held so that no other object gets its identity meanwhile.
            seen[id(value)] = value
            if len(seen) > MOST_OBJECTS:
                raise TooMuchError
            if type(value) not in _PASSED_THROUGH:
                yield value, name
            pending.extend(_inside(value))


def _is_as_good_as_settled(value: object) -> bool:
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    # Indices and types of columns are shared by design, and never change.
    return library in {"pandas", "numpy"} and kind.__name__.lower().endswith(("index", "dtype"))


def _inside(value: Any) -> list[object]:  # noqa: ANN401  attributes of arrays
    if hasattr(value, "dtype") and hasattr(value, "__array_interface__"):
        members = list(value.flat) if value.dtype.hasobject else []
        return [value.base, *members]
    if isinstance(value, memoryview):
        return [cast("Any", value).obj]
    return gc.get_referents(value)
