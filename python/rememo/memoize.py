"""The decorator."""

from __future__ import annotations

import copyreg
import functools
import sys
from collections.abc import Iterable
from types import FunctionType

from rememo import _core
from rememo.cache import Cache
from rememo.resolvers import DefaultStore, Off
from rememo.settings import refuse_unknown

# What `typing` has under these names; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta
    from types import ModuleType
    from typing import Any, Literal, Never, ParamSpec, TypeVar

    from rememo._core import FreezeConfig
    from rememo.ttl import TTLInterval

    _P = ParamSpec("_P")
    _R = TypeVar("_R")
    _Results = Literal["copy", "view"]
    _Watch = Literal["content", "mtime", "off"]
    _Effect = Literal["stdout", "stderr", "logs", "warnings", "files", "arguments", "globals"]
    _Kind = Literal[
        "clock",
        "device",
        "environment",
        "figures",
        "files",
        "kept",
        "network",
        "output",
        "process",
        "processes",
        "random",
        "terminal",
        "threads",
        "unread",
    ]

if not TYPE_CHECKING:

    def overload(_func: object) -> None:
        """Marks a signature for type checkers."""

else:
    from typing import overload

# Bits of a code object's co_flags, named as in `inspect`, which is slow to import.
CO_VARARGS = 0x04
CO_VARKEYWORDS = 0x08
# A generator, a coroutine or both, in any of their forms.
NOT_PLAIN = 0x20 | 0x80 | 0x100 | 0x200
# The variable by which a function that stands for another callable calls that.
STOOD_FOR = "_rememo_stands_for"
# The effects by which a hit changes what the call can reach.
MUTATIONS = {"arguments", "globals"}
# What `memoize` can be told.
OPTIONS = (
    "cache",
    "ignore",
    "version",
    "freeze",
    "watch",
    "allow",
    "assume_pure",
    "strict",
    "depends_on",
    "effects",
    "enabled",
    "pinned",
    "tag",
    "max_result_size",
    "min_compute_time",
    "results",
    "ttl",
    "verify",
    "auto_disable",
    "cache_exceptions",
    "round_floats",
    "maxsize",
    "typed",
)


@overload
def memoize(
    func: Callable[_P, _R],
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
    pinned: bool = False,
    tag: str | None = None,
    max_result_size: str | int | None = None,
    min_compute_time: str | float | timedelta | None = None,
    results: _Results = "copy",
    ttl: str | float | timedelta | TTLInterval | None = None,
    verify: float = 0.0,
    auto_disable: bool = False,
    cache_exceptions: type[Exception] | tuple[type[Exception], ...] | None = None,
    watch: _Watch = "content",
    allow: Sequence[_Kind] = (),
    assume_pure: bool = False,
    strict: bool = False,
    depends_on: Sequence[object] = (),
    effects: Sequence[_Effect] = (),
    round_floats: Mapping[str, int] | None = None,
    maxsize: int | None = None,
    typed: bool = True,
    enabled: bool = True,
) -> _core.Memoized[_P, _R]: ...
@overload
def memoize(
    func: None = None,
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
    pinned: bool = False,
    tag: str | None = None,
    max_result_size: str | int | None = None,
    min_compute_time: str | float | timedelta | None = None,
    results: _Results = "copy",
    ttl: str | float | timedelta | TTLInterval | None = None,
    verify: float = 0.0,
    auto_disable: bool = False,
    cache_exceptions: type[Exception] | tuple[type[Exception], ...] | None = None,
    watch: _Watch = "content",
    allow: Sequence[_Kind] = (),
    assume_pure: bool = False,
    strict: bool = False,
    depends_on: Sequence[object] = (),
    effects: Sequence[_Effect] = (),
    round_floats: Mapping[str, int] | None = None,
    maxsize: int | None = None,
    typed: bool = True,
    enabled: bool = True,
) -> Callable[[Callable[_P, _R]], _core.Memoized[_P, _R]]: ...
def memoize(  # noqa: PLR0913  options, each by its name
    func: Callable[_P, _R] | None = None,
    *,
    cache: Cache | None = None,
    ignore: Sequence[str] = (),
    version: object = None,
    freeze: FreezeConfig | None = None,
    pinned: bool = False,
    tag: str | None = None,
    max_result_size: str | int | None = None,
    min_compute_time: str | float | timedelta | None = None,
    results: _Results = "copy",
    ttl: str | float | timedelta | TTLInterval | None = None,
    verify: float = 0.0,
    auto_disable: bool = False,
    cache_exceptions: type[Exception] | tuple[type[Exception], ...] | None = None,
    watch: _Watch = "content",
    allow: Sequence[_Kind] = (),
    assume_pure: bool = False,
    strict: bool = False,
    depends_on: Sequence[object] = (),
    effects: Sequence[_Effect] = (),
    round_floats: Mapping[str, int] | None = None,
    maxsize: int | None = None,
    typed: bool = True,
    enabled: bool = True,
    **unknown: Never,
) -> _core.Memoized[_P, _R] | Callable[[Callable[_P, _R]], _core.Memoized[_P, _R]]:
    """Keeps a function's results on disk for as long as they would come out the same.

    A call whose arguments, code and whatever that code reads were all seen before returns the
    stored result, in this process or any later one. Use it bare, ``@memoize``, or called,
    ``@memoize(cache=...)``. A memoized function that calls itself reaches as deep as
    `sys.setrecursionlimit` allows, but for a RecursionError beyond some ten thousand levels.

    Args:
        func: a function, written with ``def``, ``async def`` or ``lambda``; or a partial, a bound
            method or an instance that can be called. A generator is stored once it is exhausted.
        cache: where to keep results; by default, the project's own cache directory.
        ignore: names of parameters that do not count.
        version: counts beside the code; change it to let go of what was stored.
        freeze: what counts, where it is not what it seems; by default, as the cache says.
        pinned: whether results never go when the cache is full.
        tag: what results are called together with those of other functions.
        max_result_size: the most that a result may take, in bytes or as ``"100 MB"``; a larger one
            is returned and not kept.
        min_compute_time: results that took less are not kept; in seconds, a `timedelta`, or text
            such as ``"50ms"``.
        results: whether callers get a ``"copy"`` of their own, or a ``"view"``: arrays and other
            large buffers in the result share the memory of the cache, and cannot be written to.
        ttl: how long results are good, from when the call began: seconds, a `timedelta`, or text
            such as ``"1d"``; or a `TTLInterval` for certain moments, such as every midnight. By
            default, they are good for as long as nothing that they depend on changes.
        verify: of so large a share of hits, such as ``0.01``, the call is made all the same and its
            result compared with the stored one. Where they differ, a `NondeterminismWarning` says
            where first, and the new one takes the place of the other.
        auto_disable: whether the function runs as if it were not memoized, for the rest of the
            process, once a hundred calls have shown that memoization costs more than it could save.
        cache_exceptions: classes of exceptions that are kept as results are, and raised by hits;
            by default none is. Their traceback and cause are not kept.
        watch: how the files that it reads are told to be what they were: by ``"content"``, or by
            size and time of modification (``"mtime"``). With ``"off"``, nothing that it looks at
            outside of its arguments and code counts.
        allow: kinds of things that it may do, and its results are kept all the same: ``"clock"``,
            ``"network"``, ``"random"``, ``"terminal"``, ``"device"``, ``"environment"``,
            ``"files"``, ``"process"``, ``"processes"``, ``"threads"``. On a hit they are not done.
            With `ttl`, the first three are allowed. With ``"output"``, nothing is said of what it
            prints, and with ``"unread"``, of files that it is given and nobody is seen to read.
        assume_pure: whether it may do any of these.
        strict: whether it is an error if a result is not kept for what the call did.
        depends_on: what results depend on that is not seen: a `File`, the files in a `Dir`, a
            variable `Env`, the version of a `Package`, a value, or a function without parameters
            for what it returns. They are looked at whenever the function is called.
        effects: what it does is done again on a hit, in order: what it writes to ``"stdout"`` and
            ``"stderr"``, what it ``"logs"``, the ``"warnings"`` that it issues, the ``"files"``
            that it makes, writes anew, renames and removes; and how it changes the ``"arguments"``
            that it is given and the ``"globals"`` of its code, in their place. By default nothing
            is: what it writes and logs is dropped, and a call that leaves files, arguments or
            globals changed is not kept.
        round_floats: for parameters, by name, how many digits after the point are kept of numbers,
            as `round` does it. The function is given the rounded numbers, in lists, tuples,
            dictionaries and arrays too, and so returns something else than it would without this.
        maxsize: noted for `cache_parameters`, as with `functools.lru_cache`; caches are bounded in
            bytes, see `Cache`.
        typed: noted too; arguments of different types are always told apart.
        enabled: if false, the function runs as if it were not memoized.
        **unknown: any other option is an error.

    Raises:
        TypeError: if `func` has no Python code or is a context manager, an option is not of its
            type or not for such a function, `ignore` or `round_floats` names what is no
            parameter, or there is a mere path in `depends_on`.
        ValueError: if a size or time makes no sense, `results`, `watch`, `allow` or `effects` is no
            such word, or `strict` goes with `assume_pure` or with `watch="off"`.

    >>> from rememo import Cache, memoize
    >>> @memoize(cache=Cache(temporary=True), ignore=["verbose"])
    ... def area(width, height, verbose=False):
    ...     return width * height
    >>> area(2, 3), area(height=3, width=2, verbose=True), area.cache_info().hits
    (6, 6, 1)
    """
    retention = _core.Retention(
        pinned=pinned,
        tag=tag,
        max_result_size=max_result_size,
        min_compute_time=min_compute_time,
        results=results,
        ttl=ttl,
        verify=verify,
        auto_disable=auto_disable,
        cache_exceptions=cache_exceptions,
    )
    memoized = decorator(
        cache=cache,
        ignore=ignore,
        version=version,
        freeze=freeze,
        retention=retention,
        care=_core.Care(
            watch=watch,
            allow=allow,
            assume_pure=assume_pure,
            strict=strict,
            depends=declared(depends_on),
            effects=effects,
        ),
        round_floats=round_floats,
        maxsize=maxsize,
        typed=typed,
        enabled=enabled,
        **unknown,
    )
    return memoized if func is None else memoized(func)


def declared(depends_on: Sequence[object]) -> list[tuple[str, Any]]:
    """Returns what results are said to depend on, as the engine has it.

    Raises:
        TypeError: if it makes no sense.
    """
    if depends_on == ():
        return []
    from rememo.dependencies import read

    return read(depends_on)


def decorator(  # noqa: PLR0913  options, each by its name
    *,
    cache: Cache | None,
    ignore: Sequence[str],
    version: object,
    freeze: FreezeConfig | None,
    retention: _core.Retention,
    care: _core.Care,
    round_floats: Mapping[str, int] | None = None,
    maxsize: int | None = None,
    typed: bool = True,
    enabled: bool = True,
    **unknown: Never,
) -> Callable[[Callable[_P, _R]], _core.Memoized[_P, _R]]:
    """Returns what memoizes a function with these options.

    Raises:
        TypeError: if an option is not of its type, or there is no such option.
    """
    if unknown:
        refuse_unknown("memoize", unknown, OPTIONS)
    _check_types(cache, ignore, freeze)
    _check_habits(maxsize, typed)
    return functools.partial(
        _wrap,
        cache=cache,
        ignore=[*ignore],
        version=version,
        freeze=freeze,
        retention=retention,
        care=care,
        round_floats=round_floats,
        parameters={"maxsize": maxsize, "typed": typed},
        enabled=enabled,
    )


def _check_types(cache: object, ignore: object, freeze: object) -> None:
    for name, value, kind in (("cache", cache, Cache), ("freeze", freeze, _core.FreezeConfig)):
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{name} must be a rememo.{kind.__name__}, not {value!r}")
    if isinstance(ignore, str) or not isinstance(ignore, Iterable):
        raise TypeError(f"ignore must be a list of parameter names, not {ignore!r}")


def _check_habits(maxsize: object, typed: object) -> None:
    if maxsize is not None and (isinstance(maxsize, bool) or not isinstance(maxsize, int)):
        raise TypeError(f"maxsize must be a whole number or None, not {maxsize!r}")
    if not isinstance(typed, bool):
        raise TypeError(f"typed must be true or false, not {typed!r}")


def _reduce(
    memoized: _core.Memoized[..., object],
) -> str | tuple[Callable[..., Any], tuple[object, ...]]:
    from rememo.sending import reduce

    return reduce(memoized)


copyreg.pickle(_core.Memoized, _reduce)


def _wrap(  # noqa: PLR0913  options, each by its name
    func: Callable[_P, _R],
    *,
    cache: Cache | None,
    ignore: list[str],
    version: object,
    freeze: FreezeConfig | None,
    retention: _core.Retention,
    care: _core.Care,
    round_floats: Mapping[str, int] | None,
    parameters: dict[str, object],
    enabled: bool,
) -> _core.Memoized[_P, _R]:
    function, front = _prepared(func)
    if front and retention.results == "view":
        raise TypeError(
            f"{function.__qualname__} returns its result later, and such are always copies: "
            'leave out results="view"'
        )
    for option, said in (
        ("verify", retention.verify),
        ("cache_exceptions", retention.cache_exceptions),
        ("effects", care.effects),
    ):
        if front and said:
            raise TypeError(
                f"{function.__qualname__} returns its result later, and {option}= is for functions "
                "that return it at once: leave it out"
            )
    if retention.results == "view" and not MUTATIONS.isdisjoint(care.effects):
        raise TypeError(
            f"{function.__qualname__} may change what it is given, and a result that goes with "
            'that is a copy: leave out results="view"'
        )
    resolver = _resolver(function, cache, enabled=enabled)
    _check_names(function, ignore)
    rounding = None
    if round_floats is not None:
        from rememo.rounding import Rounding

        rounding = Rounding(function, round_floats)
    if freeze is None and cache is not None:
        freeze = cache.freeze
    memoized: _core.Memoized[_P, _R] = _core.Memoized(
        function,
        resolver,
        ignore=ignore,
        version=version,
        freeze=freeze,
        front=front,
        retention=retention,
        care=care,
        rounding=rounding,
        parameters=parameters,
    )
    functools.update_wrapper(memoized, function)
    if autoreload := sys.modules.get("IPython.extensions.autoreload"):
        from rememo.autoreload import join

        join(autoreload)
    if front and front.__name__ == "rememo.coroutines":
        from rememo.fronts import mark_coroutine_function

        mark_coroutine_function(memoized)
    return memoized


def _resolver(
    function: FunctionType, cache: Cache | None, *, enabled: bool
) -> Callable[[], _core.Store]:
    if not enabled:
        return Off(f"{function.__qualname__} is switched off")
    return cache.open_store if cache else DefaultStore(function)


def _prepared(func: object) -> tuple[Any, ModuleType | None]:
    """Returns the function to memoize, and what makes its calls if their result comes later."""
    if (
        isinstance(func, FunctionType)
        and not func.__code__.co_flags & NOT_PLAIN
        and not hasattr(func, "__wrapped__")
        and STOOD_FOR not in func.__code__.co_freevars
    ):
        return func, None
    from rememo.callables import as_function, innermost
    from rememo.fronts import front_of

    return as_function(func), front_of(innermost(func))


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
