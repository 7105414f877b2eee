"""Where a memoized function finds its store: each time it is called, and without delay."""

from __future__ import annotations

from rememo import _core
from rememo.access import access_of
from rememo.location import effective_for
from rememo.room import room_of
from rememo.stores import store_at
from rememo.warnings import StoreWarning

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType

    from rememo.cache import Cache


class DefaultStore:
    """Finds the store of a function memoized without a cache, when it is first called."""

    __slots__ = ("_func", "_generation", "_store")

    def __init__(self, func: FunctionType) -> None:
        """Remembers the function; nothing is looked up yet."""
        self._func = func
        self._generation = -1
        self._store: _core.Store | None = None

    def __call__(self) -> _core.Store:
        """Returns the store. This runs on every call, so it does little."""
        store = self._store
        if store is None or self._generation != _generation:
            generation, cache = _generation, in_use()
            store = cache.open_store() if cache else _store_for(self._func)
            # In this order, so that no other thread takes the old store for the new one.
            self._store, self._generation = store, generation
        return store


class using:  # noqa: N801  used like a function; `contextlib` is slow to import
    """Makes a cache the one that functions memoized without a cache use, meanwhile.

    In the whole process, in all its threads; of several in use at once, the latest counts.

    >>> import rememo
    >>> @rememo.memoize
    ... def double(x):
    ...     return 2 * x
    >>> with rememo.Cache(temporary=True) as cache, rememo.using(cache):
    ...     double(4), double.would_hit(4)
    (8, True)
    """

    __slots__ = ("_cache", "_entry")

    def __init__(self, cache: Cache) -> None:
        """Remembers the cache; see the class.

        Raises:
            TypeError: if it is no cache.
        """
        from rememo.cache import Cache

        if not isinstance(cache, Cache):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"using() takes a rememo.Cache, not {cache!r}")
        self._cache = cache
        self._entry: list[Cache] = []

    def __enter__(self) -> Cache:
        """Returns the cache."""
        self._entry = [self._cache]
        _in_use.append(self._entry)
        look_again()
        return self._cache

    def __exit__(self, *_error: object) -> None:
        """Goes back to the cache before it, unless another came into use since."""
        for at, entry in enumerate(_in_use):
            if entry is self._entry:
                del _in_use[at]
                break
        look_again()


class Off:
    """Stands for the store of a function that is switched off."""

    __slots__ = ("_store",)

    def __init__(self, why: str) -> None:
        """Remembers who says so."""
        self._store = _core.Store.off(why)

    def __call__(self) -> _core.Store:
        """Returns a store that keeps nothing."""
        return self._store


def in_use() -> Cache | None:
    """Returns the cache that `using` has put in the place of the projects' own, if it has."""
    # In one step: another thread may take it away.
    latest = _in_use[-1:]
    return latest[0][0] if latest else None


def look_again() -> None:
    """Has functions find their stores anew."""
    global _generation
    _generation += 1
    _core.end_epoch()


# What `using` put there; each in a list of its own, which tells it from the same cache put twice.
_in_use: list[list[Cache]] = []
# Counts the changes of what is in use, so that functions know when to look again.
_generation = 0


def _store_for(func: FunctionType) -> _core.Store:
    try:
        effective, access = effective_for(func), access_of()
        directory, room = str(effective["dir"].value), room_of(effective)
        if not effective["enabled"].value:
            return _core.Store.off("`enabled` is false in [tool.rememo] of its project")
    except (OSError, RuntimeError, StoreWarning) as error:
        # No home, no working directory, no right to look, or a warning that is made an error:
        # calls go on all the same.
        return _core.Store.unusable(
            f"there is no directory to keep results in ({error}): name one with REMEMO_DIR"
        )
    return store_at(directory, access, room)
