"""What can be memoized besides plain functions, and what cannot, and why.

Partials, bound methods and instances that can be called become a function of their parameters,
which holds them in its closure: so what they hold counts, as any closure's content does.
"""

from __future__ import annotations

import functools
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

from rememo import _core, context_managers
from rememo.cache import Cache
from rememo.memoize import STOOD_FOR

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterator

# `co_flags` of a generator function that `types.coroutine` has made another of.
CO_ITERABLE_COROUTINE = 0x100


def as_function(func: object) -> FunctionType:
    """Returns the function to memoize for something that can be called.

    Raises:
        TypeError: if it cannot be memoized; says why and what to do instead.
    """
    if objection := _objection(func):
        raise TypeError(f"cannot memoize {objection}")
    if isinstance(func, FunctionType):
        return func
    return _standing_for(cast("Callable[..., object]", func))


def innermost(func: object) -> FunctionType:
    """Returns the function that does the work when something that can be memoized is called."""
    *_, found = _inside(func)
    return cast("FunctionType", found)


def _inside(func: object) -> Iterator[object]:
    """Yields what is called, in turn, when something is called, down to a function or to C."""
    while func is not None:
        yield func
        func = _inside_one(func)


def _inside_one(func: Any) -> object:  # noqa: ANN401  attributes of each kind's own
    if isinstance(func, FunctionType):
        stands_for = func.__code__.co_freevars == (STOOD_FOR,) and func.__closure__
        return stands_for[0].cell_contents if stands_for else None
    if isinstance(func, functools.partial):
        return cast("functools.partial[object]", func).func
    if isinstance(func, MethodType):
        return func.__func__
    if isinstance(func, _core.Memoized):
        return cast("_core.Memoized[..., object]", func).__wrapped__
    called = (vars(kind).get("__call__") for kind in type(func).__mro__)
    method: object = next((one for one in called if one is not None), None)
    # A list, for a tuple has the type narrowed to one with parameters that are not known.
    has_code = any(isinstance(method, kind) for kind in [FunctionType, _core.Memoized])
    return method if has_code else None


def _objection(func: object) -> str | None:
    """Says what was given and why it will not do; None if it will."""
    name = getattr(func, "__qualname__", None) or repr(func)
    if isinstance(func, FunctionType):
        return _objection_to_kind(func)
    for kind, objection in _OBJECTIONS:
        if isinstance(func, kind):
            return objection.format(name=name)
    can_be_called: bool = callable(func)
    if not can_be_called:
        return f"{name}, of type {type(func).__name__}: it cannot be called"
    *_, found = _inside(func)
    if isinstance(found, FunctionType):
        return _objection_to_kind(found)
    inner = getattr(found, "__qualname__", None) or repr(found)
    within = "" if found is func else f", which calls {inner}"
    return f"{name}, of type {type(func).__name__}{within}: it has no Python code to watch"


_OBJECTIONS: tuple[tuple[type, str], ...] = (
    (_core.Memoized, "{name}: it is memoized already"),
    # As `functools.lru_cache` takes it.
    (int, "{name}, a number: write @memoize(maxsize={name}), which bounds nothing, or @memoize"),
    (Cache, "a cache: write @memoize(cache=...), or @cache.memoize"),
    (staticmethod, "the static method {name}: put @memoize below @staticmethod"),
    (classmethod, "the class method {name}: put @memoize below @classmethod"),
    (property, "a property: put @memoize below @property"),
    (functools.cached_property, "a cached property: put @memoize below @cached_property"),
    (type, "the class {name}: memoize a function that makes and returns an instance"),
    (BuiltinFunctionType, "the built-in function {name}: it has no Python code to watch"),
    (
        type(functools.lru_cache(_core.module_name)),
        "{name}, which functools caches already: put @memoize below that decorator",
    ),
)


def _objection_to_kind(func: FunctionType) -> str | None:
    name = func.__qualname__
    if func.__code__.co_flags & CO_ITERABLE_COROUTINE:
        return f"the coroutine {name}, made of a generator: write it with async def"
    return context_managers.objection(func)


def _standing_for(func: Callable[..., object]) -> FunctionType:
    """Returns a function with the parameters of something that can be called, which calls it."""
    import inspect

    found = innermost(func)
    signature = inspect.signature(func)
    parameters = list(signature.parameters.values())
    call = f"{STOOD_FOR}({passed(parameters)})"
    text = f"lambda {STOOD_FOR}: lambda {declared(parameters)}: {call}"
    module = found.__globals__
    namespace = {"__name__": module.get("__name__"), "__file__": module.get("__file__")}
    code = compile(text, "<rememo>", "eval")
    function: FunctionType = eval(code, namespace)(func)  # noqa: S307  made of names of parameters
    defaulted = [one for one in parameters if one.default is not one.empty]
    by_name = {one.name: one.default for one in defaulted if one.kind is one.KEYWORD_ONLY}
    function.__kwdefaults__ = by_name or None
    function.__defaults__ = tuple(one.default for one in defaulted if one.name not in by_name)
    function.__module__, function.__doc__ = found.__module__, found.__doc__
    function.__name__, function.__qualname__ = found.__name__, found.__qualname__
    return function


def handed_to(func: FunctionType, runner: Callable[..., object], *first: str) -> FunctionType:
    """Returns a function that has another one run by a third: that is given it, and its arguments.

    It has the name and the parameters of the other one, after those that are named here.
    """
    import inspect

    parameters = list(inspect.signature(func, follow_wrapped=False).parameters.values())
    more = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in first]
    call = ", ".join(["_rememo_runs", *first, *filter(None, [passed(parameters)])])
    text = (
        "lambda _rememo_runs, _rememo_runner: "
        f"lambda {declared([*more, *parameters])}: _rememo_runner({call})"
    )
    namespace = {name: func.__globals__.get(name) for name in ("__name__", "__file__")}
    code = compile(text, "<rememo>", "eval")
    function: FunctionType = eval(code, namespace)(func, runner)  # noqa: S307  names of parameters
    function.__defaults__, function.__kwdefaults__ = func.__defaults__, func.__kwdefaults__
    function.__module__, function.__doc__ = func.__module__, func.__doc__
    function.__name__, function.__qualname__ = func.__name__, func.__qualname__
    return function


def declared(parameters: list[inspect.Parameter]) -> str:
    """Writes parameters as in a definition; None stands for each default."""
    parts: list[str] = []
    starred = False
    for at, one in enumerate(parameters):
        default = "" if one.default is one.empty else "=None"
        if one.kind is one.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or one.kind in {one.KEYWORD_ONLY, one.VAR_POSITIONAL}
        parts.append(_stars(one) + one.name + default)
        last = at + 1 == len(parameters) or parameters[at + 1].kind is not one.kind
        if one.kind is one.POSITIONAL_ONLY and last:
            parts.append("/")
    return ", ".join(parts)


def passed(parameters: list[inspect.Parameter]) -> str:
    """Writes parameters as in a call."""
    return ", ".join(
        f"{one.name}={one.name}" if one.kind is one.KEYWORD_ONLY else _stars(one) + one.name
        for one in parameters
    )


def _stars(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return "*"
    return "**" if parameter.kind is parameter.VAR_KEYWORD else ""
