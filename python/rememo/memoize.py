"""The decorator."""

from __future__ import annotations

import copyreg
import functools
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast, overload

from rememo import _core
from rememo.cache import Cache, DefaultStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rememo._core import FreezeConfig

P = ParamSpec("P")
R = TypeVar("R")

# Bits of a code object's co_flags, named as in `inspect`, which is slow to import.
CO_VARARGS = 0x04
CO_VARKEYWORDS = 0x08
CO_GENERATOR = 0x20
CO_COROUTINE = 0x80
CO_ASYNC_GENERATOR = 0x200


@overload
def memoize(
    func: Callable[P, R],
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
) -> _core.Memoized[P, R]: ...
@overload
def memoize(
    func: None = None,
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
) -> Callable[[Callable[P, R]], _core.Memoized[P, R]]: ...
def memoize(
    func: Callable[P, R] | None = None,
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
) -> _core.Memoized[P, R] | Callable[[Callable[P, R]], _core.Memoized[P, R]]:
    """Keeps a function's results on disk for as long as they would come out the same.

    A call whose arguments, code and whatever that code reads were all seen before returns the
    stored result, in this process or any later one. Use it bare, ``@memoize``, or called,
    ``@memoize(cache=...)``.

    Args:
        func: a plain function, written with ``def`` or ``lambda``.
        cache: where to keep results; by default, the project's own cache directory.
        ignore: names of parameters that do not count.
        version: counts beside the code; change it to let go of what was stored.
        freeze: what counts, where it is not what it seems; by default, as the cache says.

    Raises:
        TypeError: if `func` is not a plain function, or `ignore` names no parameter of it.
    """
    if cache is not None and not isinstance(cache, Cache):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"cache must be a rememo.Cache, not {type(cache).__name__}")  # pyright: ignore[reportUnreachable]
    if func is None:
        return functools.partial(_wrap, cache=cache, ignore=ignore, version=version, freeze=freeze)
    return _wrap(func, cache=cache, ignore=ignore, version=version, freeze=freeze)


def _name(memoized: _core.Memoized[..., object]) -> str:
    return memoized.__qualname__


# Pickled by name, as plain functions are: it is how they get to the workers of a pool.
copyreg.pickle(_core.Memoized, _name)


def _wrap(
    func: Callable[P, R],
    *,
    cache: Cache | None,
    ignore: Sequence[str],
    version: object,
    freeze: FreezeConfig | None,
) -> _core.Memoized[P, R]:
    if objection := _objection(func):
        raise TypeError(f"cannot memoize {objection}")
    resolver = cache.open_store if cache else DefaultStore(cast("FunctionType", func))
    _check_names(cast("FunctionType", func), ignore)
    if freeze is None and cache is not None:
        freeze = cache.freeze
    memoized = _core.Memoized(func, resolver, ignore=ignore, version=version, freeze=freeze)
    functools.update_wrapper(memoized, func)
    return memoized


def _check_names(func: FunctionType, ignore: Sequence[str]) -> None:
    if isinstance(ignore, str):
        raise TypeError(f"ignore takes a list of names: [{ignore!r}]")
    code = func.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    parameters = code.co_varnames[:count]
    for name in ignore:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise TypeError(
                f"{func.__qualname__} has no parameter {name!r} to ignore; its parameters: {known}"
            )


def _objection(func: object) -> str | None:
    """Says what was given and why it will not do; None for a plain function."""
    if isinstance(func, FunctionType):
        return _objection_to_kind(func)
    name = getattr(func, "__qualname__", None) or repr(func)
    for kind, objection in _OBJECTIONS:
        if isinstance(func, kind):
            return objection.format(name=name)
    return f"{name}, of type {type(func).__name__}: only plain functions can be memoized"


_OBJECTIONS: tuple[tuple[type, str], ...] = (
    (_core.Memoized, "{name}: it is memoized already"),
    (staticmethod, "the static method {name}: put @memoize below @staticmethod"),
    (classmethod, "the class method {name}: put @memoize below @classmethod"),
    (property, "a property: put @memoize below @property"),
    (type, "the class {name}: only plain functions can be memoized"),
    (MethodType, "the bound method {name}: memoize the function it comes from"),
    (BuiltinFunctionType, "the built-in function {name}: it has no Python code to watch"),
    (functools.partial, "{name}: memoize the function inside the partial"),
)


def _objection_to_kind(func: FunctionType) -> str | None:
    flags = func.__code__.co_flags
    if flags & CO_ASYNC_GENERATOR:
        return f"the asynchronous generator function {func.__qualname__}: return a list instead"
    if flags & CO_COROUTINE:
        return f"the coroutine function {func.__qualname__}: memoize the plain work it awaits"
    if flags & CO_GENERATOR:
        return f"the generator function {func.__qualname__}: return a list instead"
    return None
