"""Whether a result shares something that may be changed with what was there before the call.

A hit returns a copy, and so a program that goes on to change what it was given, or compares it by
`is`, would go another way. Whoever decorates a function knows that; here nobody did.
"""

from __future__ import annotations

import functools
import gc
import sys
import sysconfig
from enum import Enum
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# More is not looked through: the result is not kept.
MOST_OBJECTS = 1_000_000
# What cannot be changed; instances of classes that are derived from these can.
_SETTLED = {
    *(int, float, complex, bool, str, bytes, range, slice, CodeType),
    *(type(None), type(...), type(NotImplemented)),
}
_PASSED_THROUGH = (tuple, frozenset)
# What is not changed itself, but leads to what may be.
_LEADING: tuple[type, ...] = (
    *(type, ModuleType, FunctionType, BuiltinFunctionType, MethodType),
    *(staticmethod, classmethod, property, functools.partial, _core.Memoized),
)


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
        own = {id(value): value for value, _ in _changeable([("its result", result)], far=False)}
        if not own:
            return None
        given = [(f"argument {at + 1}", value) for at, value in enumerate(args)]
        named = [(f"argument {name}", value) for name, value in (kwargs or {}).items()]
        for value, name in _changeable([*given, *named, ("the function", function)], far=True):
            if id(value) in own:
                return f"returns a part of {name}, which a hit would return a copy of"
    except TooMuchError:
        return "returns, or is given, too many objects to see whether it returns one of them"
    return None


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


def _changeable(roots: Iterable[tuple[str, object]], *, far: bool) -> Iterator[tuple[object, str]]:
    """Yields each thing in there that can be changed, and the root that it is in.

    With `far`, what the program's own functions and classes in there lead to as well.
    """
    # Held, so that no other object gets the identity of one meanwhile.
    seen: dict[int, object] = {}
    pending = [*roots][::-1]
    while pending:
        name, value = pending.pop()
        if type(value) in _SETTLED or id(value) in seen or _is_as_good_as_settled(value):
            continue
        seen[id(value)] = value
        if len(seen) > MOST_OBJECTS:
            raise TooMuchError
        if isinstance(value, _LEADING):
            pending.extend(_led_to(value, name, far=far))
            continue
        if type(value) not in _PASSED_THROUGH:
            yield value, name
        pending.extend((name, inner) for inner in _inside(value))
        if far:
            pending.append((name, type(value)))


def _led_to(value: Any, name: str, *, far: bool) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    """Yields what something leads to that is not changed itself, by the names of roots."""
    if isinstance(value, (BuiltinFunctionType, MethodType)):
        yield name, value.__self__
    if isinstance(value, functools.partial):
        partial = cast("functools.partial[object]", value)
        yield from ((name, part) for part in (partial.func, partial.args, partial.keywords))
    if far and isinstance(value, (type, ModuleType)):
        yield from _held(value, name)
    elif far:
        yield from _run(value, name)


def _run(value: Any, name: str) -> Iterator[tuple[str, object]]:  # noqa: ANN401
    """Yields what a call, or an access to an attribute, runs; of a function, what it reaches."""
    if isinstance(value, FunctionType):
        yield from _reached(value)
    elif isinstance(value, property):
        yield from ((name, each) for each in (value.fget, value.fset, value.fdel))
    elif isinstance(value, _core.Memoized):
        yield name, cast("Any", value).__wrapped__
    elif isinstance(value, (MethodType, staticmethod, classmethod)):
        yield name, cast("Any", value).__func__


def _held(value: type | ModuleType, name: str) -> Iterator[tuple[str, object]]:
    """Yields what a class or a module holds, if it is the program's."""
    if isinstance(value, ModuleType):
        if _is_own(value.__name__):
            yield from ((f"{value.__name__}.{key}", each) for key, each in vars(value).items())
    elif _is_own(value.__module__):
        yield from ((name, base) for base in value.__bases__)
        for key, each in vars(value).items():
            if not _is_special(key, each):
                yield f"the class {value.__qualname__}", each


def _is_special(name: str, value: object) -> bool:
    """Whether that is what every class has, such as ``__dict__``."""
    return name.startswith("__") and not isinstance(value, FunctionType)


# By the names of modules.
_owned: dict[str | None, bool] = {}


def _is_own(module: str | None) -> bool:
    """Whether a module is the program's, and not the standard library's or an installed one."""
    known = _owned.get(module)
    return _owned.setdefault(module, _lies_in_program(module)) if known is None else known


def _lies_in_program(module: str | None) -> bool:
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    if file is None:
        return module == "__main__"
    of_others = {
        sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    of_others.add(str(Path(__file__).parents[1]))
    path = Path(file).absolute()
    return not any(path.is_relative_to(other) for other in of_others)


def _is_as_good_as_settled(value: object) -> bool:
    if isinstance(value, Enum):
        return True
    kind = type(value)
    # Some classes have an attribute of another kind in its place.
    library = str(kind.__module__).partition(".")[0]
    # Indices and types of columns are shared by design, and never change.
    return library in {"pandas", "numpy"} and kind.__name__.lower().endswith(("index", "dtype"))


def _inside(value: Any) -> list[object]:  # noqa: ANN401  attributes of arrays
    if hasattr(value, "dtype") and hasattr(value, "__array_interface__"):
        members = list(value.flat) if value.dtype.hasobject else []
        return [value.base, *members]
    if isinstance(value, memoryview):
        return [cast("Any", value).obj]
    return gc.get_referents(value)
