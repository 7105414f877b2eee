"""Functions memoized by a `Memory`, and those that a `Memory` without a location leaves as is."""

from __future__ import annotations

import functools
import time
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from rememo import _core
from rememo.callables import innermost
from rememo.compat.joblib import narration
from rememo.compat.joblib.ignoring import label, split
from rememo.compat.joblib.mapping import as_asked
from rememo.compat.joblib.results import MemorizedResult, NotMemorizedResult
from rememo.compat.word import as_plain_function, name_of, taken, taken_by_name
from rememo.fronts import CO_COROUTINE, front_of, mark_coroutine_function
from rememo.memoize import memoize
from rememo.sending import arrived

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rememo.cache import Cache
    from rememo.compat.joblib.mapping import MmapMode
    from rememo.compat.joblib.memory import Memory

P = ParamSpec("P")
R = TypeVar("R")


class NotMemorizedFunc(Generic[P, R]):
    """A function that is called each time."""

    def __init__(self, func: Callable[P, R]) -> None:
        """Takes the function."""
        self.func = func
        functools.update_wrapper(self, func)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function."""
        return self.func(*args, **kwargs)

    def call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, object]]:
        """Calls the function; returns its result, and nothing about it."""
        return self.func(*args, **kwargs), {}

    def call_and_shelve(self, *args: P.args, **kwargs: P.kwargs) -> NotMemorizedResult[R]:
        """Calls the function; returns something that holds its result."""
        return NotMemorizedResult(self.func(*args, **kwargs))

    def check_call_in_cache(self, *args: P.args, **kwargs: P.kwargs) -> bool:  # noqa: ARG002
        """Says no."""
        return False

    def clear(self, warn: bool = True) -> None:
        """Does nothing."""

    def __reduce__(self) -> str | tuple[Callable[..., Any], tuple[object, ...]]:
        """Travels by its name, or else with its function."""
        return name_of(self) or (type(self), (self.func,))

    def __repr__(self) -> str:
        """Shows the function."""
        return f"NotMemorizedFunc(func={self.func})"


class AsyncNotMemorizedFunc(NotMemorizedFunc[P, Any]):
    """A coroutine function that is called each time."""

    async def call_and_shelve(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *args: P.args, **kwargs: P.kwargs
    ) -> NotMemorizedResult[Any]:
        """Calls the function; returns something that holds its result."""
        return NotMemorizedResult(await self.func(*args, **kwargs))


class MemorizedFunc(Generic[P, R]):
    """A function whose results are kept.

    Attributes:
        func: the function.
        ignore: the names of parameters that do not count.
        mmap_mode: how arrays in results come.
        memoized: the same function, as `rememo.memoize` makes it: it has `explain`, for instance.
    """

    def __init__(  # noqa: PLR0913  options, each by its name
        self,
        func: Callable[P, R],
        memory: Memory,
        *,
        ignore: Sequence[str],
        verbose: int,
        mmap_mode: MmapMode,
        callback: Callable[[dict[str, Any]], bool] | None,
    ) -> None:
        """Memoizes a function in the cache of a `Memory`."""
        self.func = func
        self.ignore = [*ignore]
        self.mmap_mode: MmapMode = mmap_mode
        self.cache_validation_callback = callback
        function = as_plain_function(func)
        own, self._within = split(function, ignore)
        # Of what comes later, only copies can be had.
        as_view = mmap_mode == "r" and front_of(innermost(function)) is None
        self.memoized: _core.Memoized[P, R] = memoize(
            function,
            cache=memory.opened(),
            ignore=own,
            watch=memory.watch,
            results="view" if as_view else "copy",
        )
        # The same, to be called with wrapped arguments.
        self._untyped: Any = self.memoized
        self._memory = memory
        self._verbose = verbose
        functools.update_wrapper(self, func)
        self.__doc__ = self.memoized.__doc__

    @property
    def func_id(self) -> str:
        """The function, as ``module.qualified_name``."""
        function = self.memoized.__wrapped__
        return f"{_core.module_name(function.__module__)}.{function.__qualname__}"

    @property
    def location(self) -> str:
        """The directory of the results."""
        return str(self._cache.path)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns the stored result, or calls the function."""
        if not self._verbose and self.cache_validation_callback is None and not self.mmap_mode:
            args, kwargs = self._passed(args, kwargs)
            return self._untyped(*args, **kwargs)
        return as_asked(self._told(args, kwargs), self.mmap_mode)

    def call(self, *args: P.args, **kwargs: P.kwargs) -> tuple[R, dict[str, Any]]:
        """Calls the function whatever is stored, and stores its result.

        Returns:
            The result, and what is known of the call: ``duration``, in seconds, ``time``, in
            seconds of Unix time, and ``input_args``, the arguments as text.
        """
        passed = self._begin(args, kwargs)
        start = time.perf_counter()
        result = self._untyped.call(*passed[0], **passed[1])
        self._end(start)
        return as_asked(result, self.mmap_mode), self._metadata(self._entry(passed), args, kwargs)

    def call_and_shelve(
        self, *args: P.args, **kwargs: P.kwargs
    ) -> MemorizedResult[R] | NotMemorizedResult[R]:
        """Does what a call does, and returns a reference to its result."""
        passed = self._passed(args, kwargs)
        result = self._told(args, kwargs, passed)
        return self._shelved(self._entry(passed), result)

    def check_call_in_cache(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Says whether a call would be answered from the cache."""
        return self._is_good(args, kwargs, self._passed(args, kwargs))

    def clear(self, warn: bool = True) -> None:
        """Removes the results of the function."""
        if warn and self._verbose:
            self._memory.warn(f"Clearing function cache identified by {self.func_id}")
        self.memoized.cache_clear()

    @property
    def _cache(self) -> Cache:
        return self._memory.opened()

    def _told(self, args: Any, kwargs: Any, passed: Any = None) -> Any:  # noqa: ANN401
        """Makes a call, and says so where that is asked."""
        passed = passed or self._passed(args, kwargs)
        start = time.perf_counter()
        if self._is_good(args, kwargs, passed):
            result = self._untyped(*passed[0], **passed[1])
            if self._verbose >= narration.HITS:
                narration.took(self.func_id, time.perf_counter() - start, "cache loaded ")
            return result
        self._begin(args, kwargs)
        result = self._untyped(*passed[0], **passed[1])
        self._end(start)
        return result

    def _begin(self, args: Any, kwargs: Any) -> Any:  # noqa: ANN401
        if self._verbose >= narration.CALLS:
            narration.calling(self.func_id, args, kwargs)
        return self._passed(args, kwargs)

    def _end(self, start: float) -> None:
        if self._verbose >= narration.CALLS:
            narration.took(self.func_id, time.perf_counter() - start)

    def _passed(self, args: Any, kwargs: Any) -> tuple[Any, Any]:  # noqa: ANN401
        """Returns what arguments count as."""
        if self._within:
            args, kwargs = self._within.left_out(args, kwargs)
        return taken(args), taken_by_name(kwargs)

    def _entry(self, passed: Any) -> Any:  # noqa: ANN401
        return self._untyped.entry(*passed[0], **passed[1])

    def _is_good(self, args: Any, kwargs: Any, passed: Any) -> bool:  # noqa: ANN401
        """Whether there is a result that its callback says is good; one that is not is removed."""
        entry = self._entry(passed)
        if entry is None:
            return False
        callback = self.cache_validation_callback
        if callback is None or callback(self._metadata(entry, args, kwargs)):
            return True
        self._untyped.clear_entry(*passed[0], **passed[1])
        return False

    def _metadata(self, entry: Any, args: Any, kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        import inspect

        bound = inspect.signature(self.memoized.__wrapped__).bind(*args, **kwargs)
        bound.apply_defaults()
        parameters = bound.signature.parameters
        told: dict[str, str] = {}
        for name, value in bound.arguments.items():
            called = label(parameters[name])
            if not {name, called} & {*self.ignore}:
                told[called] = repr([*value] if called == "*" else value)
        known = {"duration": entry.seconds, "time": entry.created} if entry else {}
        return {**known, "input_args": told}

    def _shelved(self, entry: Any, result: Any) -> Any:  # noqa: ANN401
        if entry is None:
            return NotMemorizedResult(result)
        return MemorizedResult[R](self._cache, entry, self.mmap_mode)

    def __getfrozenstate__(self) -> object:
        """Counts as the function does, for whoever uses it."""
        return self.memoized

    def __reduce__(self) -> str | tuple[Callable[..., Any], tuple[object, ...]]:
        """Travels by its name, or else with its function."""
        if name := name_of(self):
            return name
        module = _core.module_name(self.memoized.__module__)
        options = {
            "ignore": self.ignore,
            "verbose": self._verbose,
            "mmap_mode": self.mmap_mode,
            "callback": self.cache_validation_callback,
        }
        return _rebuild, (type(self), self.func, self._memory, module, options)

    def __repr__(self) -> str:
        """Shows the function and the directory."""
        return f"{type(self).__name__}(func={self.func}, location={self.location})"


class AsyncMemorizedFunc(MemorizedFunc[P, Any]):
    """A coroutine function whose results are kept."""

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401
        """Returns the stored result, or calls the function and awaits it."""
        passed = self._passed(args, kwargs)
        start = time.perf_counter()
        good = self._is_good(args, kwargs, passed)
        if not good:
            self._begin(args, kwargs)
        awaitable = self._untyped(*passed[0], **passed[1])
        result = as_asked(await awaitable, self.mmap_mode)
        if not good:
            self._end(start)
        return result

    async def call(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *args: P.args, **kwargs: P.kwargs
    ) -> tuple[Any, dict[str, Any]]:
        """Does what `MemorizedFunc.call` does."""
        passed = self._begin(args, kwargs)
        start = time.perf_counter()
        awaitable = self._untyped.call(*passed[0], **passed[1])
        result = as_asked(await awaitable, self.mmap_mode)
        self._end(start)
        return result, self._metadata(self._entry(passed), args, kwargs)

    async def call_and_shelve(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *args: P.args, **kwargs: P.kwargs
    ) -> MemorizedResult[Any] | NotMemorizedResult[Any]:
        """Does what `MemorizedFunc.call_and_shelve` does."""
        result = await self(*args, **kwargs)
        return self._shelved(self._entry(self._passed(args, kwargs)), result)


def memorized(func: Callable[P, R], memory: Memory, **options: Any) -> MemorizedFunc[P, R]:  # noqa: ANN401
    """Memoizes a function of either kind."""
    if not is_coroutine(func):
        return MemorizedFunc(func, memory, **options)
    made = AsyncMemorizedFunc(func, memory, **options)
    mark_coroutine_function(made)
    return cast("MemorizedFunc[P, R]", made)


def not_memorized(func: Callable[P, R]) -> NotMemorizedFunc[P, R]:
    """Leaves a function of either kind as it is."""
    if is_coroutine(func):
        return cast("NotMemorizedFunc[P, R]", AsyncNotMemorizedFunc(func))
    return NotMemorizedFunc(func)


def is_coroutine(func: object) -> bool:
    """Whether something that can be called gives a coroutine."""
    code = getattr(innermost(func), "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)


def _rebuild(
    kind: Callable[..., MemorizedFunc[..., Any]],
    func: object,
    memory: Memory,
    module: str,
    options: dict[str, Any],
) -> MemorizedFunc[..., Any]:
    if isinstance(func, FunctionType):
        arrived(func, module)
    return kind(cast("Callable[..., Any]", func), memory, **options)
