"""The caches compared, one class each, all opened in the same way."""

from __future__ import annotations

import functools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, ClassVar

import cachier
import diskcache
import joblib
import rememo
from charmonium import cache as charmonium
from checkpointer import Checkpointer as CheckpointerMaker

if TYPE_CHECKING:
    from pathlib import Path

Function = Callable[..., object]


class Cache(ABC):
    """A cache in a directory of its own.

    Attributes:
        name: what the tables call it.
        distributions: what its version depends on.
        opening: a program that defines `memoize`, given `directory`; None if it keeps
            nothing for the next process.
    """

    name: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]] = ()
    opening: ClassVar[str | None] = None

    @abstractmethod
    def __init__(self, directory: Path) -> None:
        """Opens the cache in an empty directory."""

    @abstractmethod
    def memoize(self, function: Function) -> Function:
        """Returns the function, answered from this cache."""

    def accepts(self, argument: object) -> bool:  # noqa: ARG002  most take anything
        """Says whether a call with this argument can be answered at all."""
        return True

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """Lets go of the directory."""


class LruCache(Cache):
    """`functools.lru_cache`: in memory, by equality, and blind to code."""

    name = "lru_cache"

    def __init__(self, directory: Path) -> None:
        """Needs no directory."""

    def memoize(self, function: Function) -> Function:
        """Keeps every result: nothing is thrown away."""
        return functools.lru_cache(maxsize=None)(function)

    def accepts(self, argument: object) -> bool:
        """Takes what can be hashed."""
        return isinstance(argument, Hashable)


class Rememo(Cache):
    """This project."""

    name = "Rememo"
    distributions = ("rememo",)
    opening = "import rememo\nmemoize = rememo.Cache({directory!r}).memoize\n"

    def __init__(self, directory: Path) -> None:
        """Opens the cache with its defaults."""
        self._cache = rememo.Cache(directory)

    def memoize(self, function: Function) -> Function:
        """Keeps results for as long as code and globals stay the same."""
        return self._cache.memoize(function)

    def close(self) -> None:
        """Closes the store."""
        self._cache.close()


class RememoViews(Rememo):
    """This project, with results that share the memory of the cache."""

    def memoize(self, function: Function) -> Function:
        """Hands out arrays that cannot be written to."""
        return self._cache.memoize(function, results="view")


class Diskcache(Cache):
    """diskcache: SQLite and files; blind to code."""

    name = "diskcache"
    distributions = ("diskcache",)
    opening = "import diskcache\nmemoize = diskcache.Cache({directory!r}).memoize()\n"

    def __init__(self, directory: Path) -> None:
        """Opens the cache with its defaults."""
        self._cache = diskcache.Cache(str(directory))

    def memoize(self, function: Function) -> Function:
        """Keeps results by the function's name and the pickled arguments."""
        return self._cache.memoize()(function)

    def close(self) -> None:
        """Closes the database."""
        self._cache.close()


class Joblib(Cache):
    """joblib.Memory: files; sees the function's own source, no helpers and no globals."""

    name = "joblib"
    distributions = ("joblib",)
    opening = "import joblib\nmemoize = joblib.Memory({directory!r}, verbose=0).cache\n"

    def __init__(self, directory: Path) -> None:
        """Opens the cache with its defaults, but silent."""
        self._memory = joblib.Memory(directory, verbose=0)

    def memoize(self, function: Function) -> Function:
        """Keeps results for as long as the function's source stays the same."""
        return self._memory.cache(function)


class Charmonium(Cache):
    """charmonium.cache: files; sees code, helpers and globals."""

    name = "charmonium"
    distributions = ("charmonium.cache", "charmonium.freeze")
    opening = """\
from charmonium.cache import DirObjStore, FileRWLock, MemoizedGroup, memoize as of_group
store, lock = DirObjStore({directory!r} + "/store"), FileRWLock({directory!r} + "/lock")
memoize = of_group(group=MemoizedGroup(obj_store=store, lock=lock, size="1 GiB"))
"""

    def __init__(self, directory: Path) -> None:
        """Opens the cache with its defaults, but with room for the results."""
        # It warns that functions as quick as these are not worth caching.
        warnings.simplefilter("ignore", charmonium.CacheThrashingWarning)
        self._group = charmonium.MemoizedGroup(
            obj_store=charmonium.DirObjStore(directory / "store"),
            lock=charmonium.FileRWLock(directory / "lock"),
            size="1 GiB",
        )

    def memoize(self, function: Function) -> Function:
        """Keeps results for as long as code and globals stay the same."""
        return charmonium.memoize(group=self._group)(function)


class Cachier(Cache):
    """cachier: one pickle for each function; blind to code."""

    name = "cachier"
    distributions = ("cachier",)
    opening = "import cachier\nmemoize = cachier.cachier(cache_dir={directory!r})\n"

    def __init__(self, directory: Path) -> None:
        """Opens the cache with its defaults."""
        self._memoize = cachier.cachier(cache_dir=directory)

    def memoize(self, function: Function) -> Function:
        """Keeps results by the function's name and the hashed arguments."""
        return self._memoize(function)


class Checkpointer(Cache):
    """checkpointer: a pickle for each call; sees code, helpers and, with `capture`, globals."""

    name = "checkpointer"
    distributions = ("checkpointer",)
    opening = """\
from checkpointer import Checkpointer
memoize = Checkpointer(directory={directory!r}, capture=True, verbosity=0)
"""

    def __init__(self, directory: Path) -> None:
        """Opens the cache as careful as it can be, and silent."""
        self._memoize = CheckpointerMaker(directory=directory, capture=True, verbosity=0)

    def memoize(self, function: Function) -> Function:
        """Keeps results for as long as code and captured globals stay the same."""
        return self._memoize(function)


CACHES: tuple[type[Cache], ...] = (
    LruCache,
    Rememo,
    Diskcache,
    Joblib,
    Cachier,
    Checkpointer,
    Charmonium,
)
