"""Which functions give their result later than they are called, and what makes their calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from types import FunctionType, ModuleType

    from rememo import _core

T = TypeVar("T")

# Bits of a code object's co_flags, named as in `inspect`, which is slow to import.
CO_GENERATOR = 0x20
CO_COROUTINE = 0x80
CO_ASYNC_GENERATOR = 0x200


def front_of(func: FunctionType) -> ModuleType | None:
    """Returns what makes the calls of such a function; None for any other."""
    flags = func.__code__.co_flags
    if flags & CO_ASYNC_GENERATOR:
        from rememo import async_streams

        return async_streams
    if flags & CO_COROUTINE:
        from rememo import coroutines

        return coroutines
    if flags & CO_GENERATOR:
        from rememo import streams

        return streams
    return None


def named_after(memoized: _core.Memoized[..., Any], result: T) -> T:
    """Gives a coroutine or a generator the name of its function, by which it is told of."""
    named: Any = result
    named.__name__, named.__qualname__ = memoized.__name__, memoized.__qualname__
    return result


def mark_coroutine_function(memoized: Any) -> None:  # noqa: ANN401  attributes that have no type
    """Has `asyncio` and `inspect` take it for a coroutine function."""
    import asyncio
    import inspect

    mark: Any = getattr(inspect, "markcoroutinefunction", None)
    if mark:
        mark(memoized)
    else:
        # Until Python 3.12, only asyncio could be told, and only in this way.
        coroutines: Any = asyncio.coroutines
        memoized._is_coroutine = coroutines._is_coroutine  # noqa: SLF001
