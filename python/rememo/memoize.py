"""The decorator."""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType

from rememo import _core
from rememo.cache import Cache, DefaultStore

# What `typing` has under these names; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, ParamSpec, TypeVar

    from rememo._core import FreezeConfig

    _P = ParamSpec("_P")
    _R = TypeVar("_R")

if not TYPE_CHECKING:

    def overload(_func: object) -> None:
        """Marks a signature for type checkers."""

    def cast(_kind: object, value: object) -> object:
        """Tells type checkers the type of a value."""
        return value

else:
    from typing import cast, overload

# Bits of a code object's co_flags, named as in `inspect`, which is slow to import.
CO_VARARGS = 0x04
CO_VARKEYWORDS = 0x08
CO_GENERATOR = 0x20
CO_COROUTINE = 0x80
CO_ASYNC_GENERATOR = 0x200


@overload
def memoize(
    func: Callable[_P, _R],
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
) -> _core.Memoized[_P, _R]: ...
@overload
def memoize(
    func: None = None,
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
) -> Callable[[Callable[_P, _R]], _core.Memoized[_P, _R]]: ...
def memoize(
    func: Callable[_P, _R] | None = None,
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
) -> _core.Memoized[_P, _R] | Callable[[Callable[_P, _R]], _core.Memoized[_P, _R]]:
    """Keeps a function's results on disk for as long as they would come out the same.

    A call whose arguments, code and whatever that code reads were all seen before returns the
    stored result, in this process or any later one. Use it bare, ``@memoize``, or called,
    ``@memoize(cache=...)``. A memoized function that calls itself reaches as deep as
    `sys.setrecursionlimit` allows, but for a RecursionError beyond some ten thousand levels.

    Args:
        func: a plain function, written with ``def`` or ``lambda``.
        cache: where to keep results; by default, the project's own cache directory.
        ignore: names of parameters that do not count.
        version: counts beside the code; change it to let go of what was stored.
        freeze: what counts, where it is not what it seems; by default, as the cache says.

    Raises:
        TypeError: if `func` is not a plain function, an option is not of its type, or `ignore`
            names what is no parameter.

    >>> from rememo import Cache, memoize
    >>> @memoize(cache=Cache(temporary=True), ignore=["verbose"])
    ... def area(width, height, verbose=False):
    ...     return width * height
    >>> area(2, 3), area(height=3, width=2, verbose=True), area.cache_info().hits
    (6, 6, 1)
    """
    memoized = decorator(cache=cache, ignore=ignore, version=version, freeze=freeze)
    return memoized if func is None else memoized(func)


def decorator(
    *,
    cache: Cache | None,
    ignore: Sequence[str],
    version: object,
    freeze: FreezeConfig | None,
) -> Callable[[Callable[_P, _R]], _core.Memoized[_P, _R]]:
    """Returns what memoizes a function with these options.

    Raises:
        TypeError: if an option is not of its type.
    """
    _check_types(cache, ignore, freeze)
    return functools.partial(_wrap, cache=cache, ignore=[*ignore], version=version, freeze=freeze)


def _check_types(cache: object, ignore: object, freeze: object) -> None:
    for name, value, kind in (("cache", cache, Cache), ("freeze", freeze, _core.FreezeConfig)):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name} must be a rememo.{kind.__name__}, not {value!r}")
    if isinstance(ignore, str) or not isinstance(ignore, Iterable):
        raise TypeError(f"ignore must be a list of parameter names, not {ignore!r}")


def _reduce(
    memoized: _core.Memoized[..., object],
) -> str | tuple[Callable[..., Any], tuple[object, ...]]:
    from rememo.sending import reduce

    return reduce(memoized)


copyreg.pickle(_core.Memoized, _reduce)


def _wrap(
    func: Callable[_P, _R],
    *,
    cache: Cache | None,
    ignore: list[str],
    version: object,
    freeze: FreezeConfig | None,
) -> _core.Memoized[_P, _R]:
    if objection := _objection(func):
        raise TypeError(f"cannot memoize {objection}")
    resolver = cache.open_store if cache else DefaultStore(cast("FunctionType", func))
    _check_names(cast("FunctionType", func), ignore)
    if freeze is None and cache is not None:
        freeze = cache.freeze
    memoized = _core.Memoized(func, resolver, ignore=ignore, version=version, freeze=freeze)
    functools.update_wrapper(memoized, func)
    return memoized


def _check_names(func: FunctionType, ignore: list[str]) -> None:
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
    (Cache, "a cache: write @memoize(cache=...), or @cache.memoize"),
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
