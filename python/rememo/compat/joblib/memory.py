"""`Memory`: where functions keep their results."""

from __future__ import annotations

import functools
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from rememo.cache import Cache
from rememo.compat.joblib.functions import (
    MemorizedFunc,
    NotMemorizedFunc,
    memorized,
    not_memorized,
)
from rememo.compat.joblib.mapping import check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

P = ParamSpec("P")
R = TypeVar("R")
# The directory within the location, beside the one that joblib makes.
DIRECTORY = "rememo"
UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


class Memory:
    """Keeps results of functions in a directory.

    Args:
        location: the directory; the results come to lie in ``rememo`` within it. With None,
            functions are called each time.
        backend: only ``"local"``.
        mmap_mode: with ``"r"``, arrays in results share the memory of the cache, and cannot be
            written to; with ``"c"`` or None they can, each caller's its own.
        compress: accepted, and of no consequence.
        verbose: with 0, nothing is printed; from 1, calls that are made; from 5, hits too.
        backend_options: accepted, and of no consequence.
        watch: with ``"off"``, functions are taken at their word, as joblib does: what they look at
            outside of arguments and code, and what they do to the world, does not count. With
            ``"content"`` or ``"mtime"`` it does, as for `rememo.memoize`.

    Raises:
        ValueError: if the backend or the mode is another.
        TypeError: if the location is no path.
    """

    def __init__(  # noqa: PLR0913, PLR0917  as there
        self,
        location: str | os.PathLike[str] | None = None,
        backend: str = "local",
        mmap_mode: str | None = None,
        compress: bool | int | tuple[str, int] = False,
        verbose: int = 1,
        backend_options: Mapping[str, object] | None = None,
        *,
        watch: Literal["content", "mtime", "off"] = "off",
    ) -> None:
        """Remembers the options; the directory is made when it is first needed."""
        if backend != "local":
            raise ValueError(
                f"there is no store backend {backend!r} here: results are kept by Rememo, in a "
                'directory; leave out `backend`, or say "local"'
            )
        self.location = None if location is None else os.fspath(location)
        self.backend = backend
        self.mmap_mode = check(mmap_mode)
        self.compress = compress
        self.verbose = verbose
        self.backend_options = dict(backend_options or {})
        self.watch: Literal["content", "mtime", "off"] = watch
        self._cache = None if self.location is None else Cache(Path(self.location) / DIRECTORY)

    @overload
    def cache(
        self,
        func: Callable[P, R],
        ignore: Sequence[str] | None = None,
        verbose: int | None = None,
        mmap_mode: str | Literal[False] | None = False,
        cache_validation_callback: Callable[[dict[str, Any]], bool] | None = None,
    ) -> MemorizedFunc[P, R]: ...
    @overload
    def cache(
        self,
        func: None = None,
        ignore: Sequence[str] | None = None,
        verbose: int | None = None,
        mmap_mode: str | Literal[False] | None = False,
        cache_validation_callback: Callable[[dict[str, Any]], bool] | None = None,
    ) -> Callable[[Callable[P, R]], MemorizedFunc[P, R]]: ...
    def cache(
        self,
        func: Callable[P, R] | None = None,
        ignore: Sequence[str] | None = None,
        verbose: int | None = None,
        mmap_mode: str | Literal[False] | None = False,
        cache_validation_callback: Callable[[dict[str, Any]], bool] | None = None,
    ) -> Any:
        """Memoizes a function; without one, returns a decorator that does.

        Args:
            func: the function.
            ignore: names of parameters that do not count; ``"*"`` and ``"**"`` are those that
                collect what is left.
            verbose: what is printed; by default, as the `Memory` says.
            mmap_mode: how arrays in results come; by default, as the `Memory` says.
            cache_validation_callback: called before a hit with what is known of the stored result:
                ``duration``, ``time`` and ``input_args``. If it returns something false, the
                result is removed and the function called.

        Raises:
            ValueError: if the callback cannot be called.
            TypeError: if it is no function, or `ignore` is no list of names of its parameters.
        """
        if isinstance(ignore, str):
            raise TypeError(f"ignore must be a list of names, such as [{ignore!r}], not a text")
        if cache_validation_callback is not None and not callable(cache_validation_callback):
            raise ValueError(
                f"cache_validation_callback must be a function, not {cache_validation_callback!r}"
            )
        if func is None:
            return functools.partial(
                self.cache,
                ignore=ignore,
                verbose=verbose,
                mmap_mode=mmap_mode,
                cache_validation_callback=cache_validation_callback,
            )
        if isinstance(func, (MemorizedFunc, NotMemorizedFunc)):
            func = func.func
        if self._cache is None:
            return not_memorized(func)
        return memorized(
            func,
            self,
            ignore=ignore or (),
            verbose=self.verbose if verbose is None else verbose,
            mmap_mode=self.mmap_mode if mmap_mode is False else check(mmap_mode),
            callback=cache_validation_callback,
        )

    def eval(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function, or returns its stored result."""
        return self.cache(func)(*args, **kwargs)

    def clear(self, warn: bool = True) -> None:
        """Removes all results.

        Raises:
            OSError: if the directory cannot be used.
        """
        if warn:
            self.warn("Flushing completely the cache")
        if self._cache is not None:
            self._cache.clear()

    def reduce_size(
        self,
        bytes_limit: int | str | None = None,
        items_limit: int | None = None,
        age_limit: timedelta | None = None,
    ) -> None:
        """Removes results until there are no more than that.

        Args:
            bytes_limit: the most bytes, or text such as ``"10M"``; what saves least for its size
                goes first.
            items_limit: the most results; those stored first go first.
            age_limit: how long ago a result may have been stored.

        Raises:
            OSError: if the directory cannot be used.
            ValueError: if a limit makes no sense.
        """
        limits = _bytes(bytes_limit), items_limit, age_limit
        if items_limit is not None and items_limit < 0:
            raise ValueError(f"items_limit must not be negative: {items_limit}")
        if age_limit is not None and age_limit < timedelta():
            raise ValueError(f"age_limit must not be negative: {age_limit}")
        if self._cache is None or limits == (None, None, None):
            return
        store = self._cache.open_store()
        stored = store.by_age()
        too_many = 0 if items_limit is None else max(0, len(stored) - items_limit)
        oldest = float("-inf") if age_limit is None else time.time() - age_limit.total_seconds()
        for at, (key, created) in enumerate(stored):
            if at < too_many or created < oldest:
                store.remove(key)
        if limits[0]:
            self._cache.reduce(limits[0])
        elif limits[0] == 0:
            self._cache.clear()

    def opened(self) -> Cache:
        """Returns the cache behind it.

        Raises:
            RuntimeError: if it has no location.
        """
        if self._cache is None:
            raise RuntimeError("this Memory has no location")
        return self._cache

    def warn(self, message: str) -> None:
        """Logs a message, as joblib's does."""
        import logging

        logging.getLogger(__name__).warning("[%s]: %s", self, message)

    def __getfrozenstate__(self) -> None:
        """Where results are kept does not count for results of those who are given this."""

    def __repr__(self) -> str:
        """Shows the directory."""
        return f"Memory(location={self.location})"


def expires_after(  # noqa: PLR0913, PLR0917  as there
    days: float = 0,
    seconds: float = 0,
    microseconds: float = 0,
    milliseconds: float = 0,
    minutes: float = 0,
    hours: float = 0,
    weeks: float = 0,
) -> Callable[[dict[str, Any]], bool]:
    """Returns a `cache_validation_callback` by which results are good for so long."""
    good_for = timedelta(days, seconds, microseconds, milliseconds, minutes, hours, weeks)

    def is_young(metadata: dict[str, Any]) -> bool:
        age: float = time.time() - metadata["time"]
        return age < good_for.total_seconds()

    return is_young


def _bytes(limit: int | str | None) -> int | None:
    if not isinstance(limit, str):
        return limit
    unit = UNITS.get(limit[-1:].upper())
    try:
        return int(float(limit[:-1]) * unit) if unit else int(limit)
    except ValueError:
        raise ValueError(
            f'bytes_limit must be a number, or text such as "10M": {limit!r}'
        ) from None
