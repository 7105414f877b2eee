"""How memoized functions get to other processes.

By name, as plain functions do. Where a function cannot be found by its name, cloudpickle (and with
it joblib, loky and Dask) writes it out in full; so it does with a memoized one, which then keeps
its results in the same directory as here.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, TypedDict, cast

from rememo import _core
from rememo.resolvers import Off

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo._core import Care, FreezeConfig, Retention
    from rememo.cache import Cache


def reduce(
    memoized: _core.Memoized[..., object],
) -> str | tuple[Callable[..., Any], tuple[object, ...]]:
    """Returns a memoized function's name, or what it is made from again."""
    name = memoized.__qualname__
    module: str = memoized.__module__
    if not is_written_out() or has_name(memoized, module, name):
        return name
    from rememo.undecorated.judge import Judge

    if isinstance(memoized.resolver, Judge):
        # Nobody asked for it to be memoized, and who would judge it there?
        return _as_written, (memoized.__wrapped__,)
    ignore, _, _ = memoized.semantics
    # Of a function that was memoized in a cache it is a method of that.
    resolver = memoized.resolver
    cache = cast("Cache", resolver.__self__) if isinstance(resolver, MethodType) else None
    options = Options(
        cache=cache,
        enabled=not isinstance(resolver, Off),
        ignore=ignore,
        version=memoized.declared_version,
        freeze=memoized.freeze_config,
        retention=memoized.retention,
        care=memoized.care,
        round_floats=memoized.rounding.digits if memoized.rounding else None,
        parameters=memoized.cache_parameters(),
    )
    return _rebuild, (memoized.__wrapped__, _core.module_name(module), options)


class Options(TypedDict):
    """What was said of a function when it was memoized."""

    cache: Cache | None
    enabled: bool
    ignore: list[str]
    version: object
    freeze: FreezeConfig
    retention: Retention
    care: Care
    round_floats: dict[str, int] | None
    parameters: dict[str, Any]


def _rebuild(func: FunctionType, module: str, options: Options) -> _core.Memoized[..., object]:
    from rememo.memoize import decorator

    arrived(func, module)
    return decorator(
        cache=options["cache"],
        ignore=options["ignore"],
        version=options["version"],
        freeze=options["freeze"],
        enabled=options["enabled"],
        retention=options["retention"],
        care=options["care"],
        round_floats=options["round_floats"],
        **options["parameters"],
    )(func)


def arrived(func: FunctionType, module: str) -> None:
    """Has a function that was written out go on by the name that its module had there.

    The main module here is another one. Where that is only what started a worker, the helpers and
    classes that came with the function go by the name of theirs, too.
    """
    if func.__module__ == "__main__":
        _core.name_main(module)
    func.__module__ = module


def _as_written(func: FunctionType) -> FunctionType:
    return func


def has_name(memoized: object, module: str, name: str) -> bool:
    """Whether that is what it is found by, in other processes too."""
    found: object = None if module == "__main__" else sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is memoized


def is_written_out() -> bool:
    """Whether the pickler at work is cloudpickle's: its method is what called, by way of C."""
    frame = sys._getframe()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    while frame.f_back and _is_ours(frame.f_globals.get("__package__")):
        frame = frame.f_back
    pickler: object = frame.f_locals.get("self")
    return any("cloudpickle" in kind.__module__ for kind in type(pickler).__mro__)


def _is_ours(package: str | None) -> bool:
    return package is not None and package.partition(".")[0] == "rememo"
