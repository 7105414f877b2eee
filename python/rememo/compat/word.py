"""Functions taken at their word, as other caches do, and how what stands for them travels."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from rememo import _core
from rememo.callables import as_function, innermost
from rememo.sending import has_name, is_written_out

if TYPE_CHECKING:
    from collections.abc import Callable

# What cannot change is the same after the call as before it.
CONSTANT = frozenset([bool, bytes, complex, float, int, str, type(None)])


def name_of(function: Any) -> str | None:  # noqa: ANN401
    """What a cached function is found by, for the pickler at work."""
    name, module = function.__qualname__, function.__module__
    by_name = getattr(sys.modules.get(module), name, None) is function
    found = has_name(function, module, name) or (by_name and not is_written_out())
    return name if found else None


def as_plain_function(func: Callable[..., object]) -> FunctionType:
    """Returns a function to memoize; of what has no Python code, one that calls it.

    Raises:
        TypeError: if it cannot be memoized.
    """
    given: object = func
    if not callable(func) or isinstance(func, type) or _has_code(given):
        return as_function(given)

    def stands_for(*args: object, **kwargs: object) -> object:
        return func(*args, **kwargs)

    name = getattr(func, "__name__", type(func).__name__)
    stands_for.__module__ = getattr(func, "__module__", None) or "builtins"
    stands_for.__name__, stands_for.__qualname__ = name, getattr(func, "__qualname__", name)
    stands_for.__doc__ = func.__doc__
    return cast("FunctionType", stands_for)


def _has_code(func: object) -> bool:
    # In a list, for it says that it always gives a function: the last thing in it, or this.
    return [type(innermost(func))] == [FunctionType]


def taken(args: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Returns arguments that count as they are now, whatever the call does to them.

    There, a function that changes its arguments has its results stored all the same.
    """
    return tuple(at_its_word(value) for value in args)


def taken_by_name(kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
    """Does the same for arguments by name."""
    return {name: at_its_word(value) for name, value in kwargs.items()} if kwargs else kwargs


def at_its_word(value: Any) -> Any:  # noqa: ANN401
    """Does the same for one of them."""
    is_constant = type(value) in CONSTANT
    is_wrapped = any(isinstance(value, kind) for kind in [_core.Frozen, _core.Ignore])
    return value if is_constant or is_wrapped else _core.Frozen(value)
