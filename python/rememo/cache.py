"""Caches: the directories that results are kept in."""

from __future__ import annotations

import os

from rememo import _core
from rememo.access import access_of
from rememo.durability import check_durability, check_flush_every
from rememo.location import absolute, effective_from, user_cache_directory
from rememo.resolvers import look_again
from rememo.settings import refuse_unknown
from rememo.stores import open_stores, store_at

# What `typing` has under these names; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType
    from typing import Literal, Never, ParamSpec, Self, TypeVar

    from rememo._core import FreezeConfig
    from rememo.acceptances import Acceptance
    from rememo.accounts import FunctionStats
    from rememo.eviction import Adviser, EvictionPolicy
    from rememo.info import Integrity, Usage
    from rememo.misses import LastMiss
    from rememo.ttl import TTLInterval

    _P = ParamSpec("_P")
    _R = TypeVar("_R")
    _Policy = Literal["gdsf", "lru", "lfu", "decayed", "tinylfu"]
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
        "process",
        "processes",
        "random",
        "terminal",
        "threads",
    ]

if not TYPE_CHECKING:

    def overload(_func: object) -> None:
        """Marks a signature for type checkers."""

else:
    from typing import overload


# What `Cache` can be told.
CACHE_OPTIONS = (
    "dir",
    "temporary",
    "system_wide",
    "freeze",
    "enabled",
    "trust_owner",
    "shared",
    "read_only",
    "max_size",
    "max_files",
    "policy",
    "superseded",
    "durability",
    "flush_every",
)


class Cache:
    """A directory that memoized functions keep their results in.

    The directory is made when a result is first looked for, not before.

    Args:
        dir: where to keep results; by default, where functions defined in the current
            directory would keep theirs.
        temporary: use a new private directory, removed when the cache is closed, or else
            when the interpreter exits.
        system_wide: use the user's cache directory, which all projects can share.
        freeze: what counts, for functions memoized in this cache that do not say themselves.
        enabled: if false, functions memoized in this cache run as if they were not. The attribute
            of that name says whether they are, and can be set.
        trust_owner: a user, by name or number, whose directory may be read: what a cache holds is
            decoded, so whoever can write to it can run code here. True trusts whoever may write
            to it. By default the directory must be one's own, with nobody else who may write to
            it; or else it is not used, and calls run without it.
        shared: ``"group"`` for a directory whose group may write to it. One that is made so is
            readable and writable for all members of its group.
        read_only: leave the directory as it is: what is in it is used, and nothing is added to it,
            changed or removed; nor is it made. Calls that it has no result for run, and are not
            kept. By default, as the environment variable REMEMO_READ_ONLY says.
        max_size: the most that all results may take, index included: bytes, ``"10 GiB"``, or a
            share of the disk as ``"5%"``. It belongs to the directory, so it holds in every
            process and later ones, until somebody says otherwise. At first it is 10 GiB, and at
            most a tenth of what is free.
        max_files: the most files.
        policy: what goes first when it is full: ``"gdsf"`` at first, ``"lru"``, ``"lfu"``,
            ``"decayed"`` or ``"tinylfu"``. It belongs to the directory too. Or a
            `rememo.eviction.EvictionPolicy`, which is asked first for as long as this cache is
            open in this process.
        superseded: ``"demote"``, at first, has results of code that has changed since go before
            all others when room is needed; ``"delete"`` has them go when the new code has its first
            result, so that undoing an edit does not hit. It belongs to the directory too.
        durability: what a stored result survives. ``"background"``, the default: the end of any
            process, however it ends; and a loss of power, but for the moments before it.
            ``"fsync"``: that too, for every call waits until the disk holds its result.
            ``"fast"``: nothing is waited for, and a loss of power may cost the index. By
            default, as the environment variable REMEMO_DURABILITY says.
        flush_every: seconds, at most, until a result is stored; they are stored together, by a
            thread of their own, and are hits in this process in the meantime. With 0, a call
            returns once its result is stored. By default, as REMEMO_FLUSH_EVERY says, or else
            0.02.

    Where several caches over one directory ask for different things in one process, the safest
    durability and the shortest time count.

    Raises:
        TypeError: if more than one of `dir`, `temporary` and `system_wide` is given, an option is
            not of its type, or there is no such option.
        ValueError: if `dir` is empty, `trust_owner` is nobody, `shared` is not ``"group"``, a size
            makes no sense, there is no such policy, or `superseded` is neither word.

    >>> from rememo import Cache
    >>> with Cache(temporary=True) as cache:
    ...     @cache.memoize
    ...     def double(x):
    ...         return 2 * x
    ...     double(4), double.would_hit(4)
    (8, True)
    """

    def __init__(  # noqa: PLR0913  options, all but one given by name
        self,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002  the name users expect
        *,
        temporary: bool = False,
        system_wide: bool = False,
        freeze: FreezeConfig | None = None,
        enabled: bool = True,
        trust_owner: str | int | None = None,
        shared: Literal["group"] | None = None,
        read_only: bool | None = None,
        max_size: str | int | None = None,
        max_files: int | None = None,
        policy: _Policy | EvictionPolicy | None = None,
        superseded: Literal["demote", "delete"] | None = None,
        durability: Literal["background", "fsync", "fast"] | None = None,
        flush_every: float | None = None,
        **unknown: Never,
    ) -> None:
        """Names the directory; see the class."""
        if unknown:
            refuse_unknown("Cache", unknown, CACHE_OPTIONS)
        if temporary and dir is not None:
            raise TypeError(
                "a temporary cache chooses its own directory: give `dir` or `temporary`"
            )
        if system_wide and (temporary or dir is not None):
            raise TypeError(
                "a system-wide cache lies in the user's cache directory: give `system_wide`, "
                "`dir` or `temporary`"
            )
        if temporary and read_only:
            raise TypeError("a temporary cache has nothing to be read: leave `read_only` out")
        check_durability(durability)
        check_flush_every(flush_every)
        self.freeze = freeze
        self._enabled = enabled
        self._access = access_of(trust_owner, shared, False if temporary else read_only)
        self._adviser: Adviser | None = None
        if policy is not None and not isinstance(policy, str):
            from rememo.eviction import Adviser, checked

            self._adviser, policy = Adviser(checked(policy)), None
        self._room: _core.Room | None = _core.Room(
            max_size=max_size, max_files=max_files, policy=policy, superseded=superseded
        )
        self._durability = durability
        self._flush_every = flush_every
        self._temporary = temporary
        self._closed = False
        self._store: _core.Store | None = None
        if temporary:
            self._path = self._make_temporary_directory()
        elif system_wide:
            self._path = user_cache_directory()
        elif dir is not None:
            if not os.fspath(dir):
                raise ValueError("`dir` is empty: name a directory, or leave it out")
            self._path = absolute(os.fspath(dir))
        else:
            self._path = str(effective_from(os.curdir)["dir"].value)

    @property
    def path(self) -> Path:
        """The directory; it may not exist yet."""
        from pathlib import Path

        return Path(self._path)

    @property
    def read_only(self) -> bool:
        """Whether the directory is left as it is."""
        return self._access.read_only

    @property
    def enabled(self) -> bool:
        """Whether functions memoized in this cache are: not, if it is set to false."""
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._enabled = enabled
        look_again()

    @overload
    def memoize(
        self,
        func: Callable[_P, _R],
        *,
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
        self,
        func: None = None,
        *,
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
        self,
        func: Callable[_P, _R] | None = None,
        *,
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
        """Does what `rememo.memoize` does, and keeps the results in this cache."""
        from rememo.memoize import declared, decorator

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
            cache=self,
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

    def usage(self) -> Usage:
        """Returns how much room the results take, and may take.

        Raises:
            OSError: if the directory cannot be used.
        """
        from rememo.info import Usage

        max_size, max_files, policy, entries, size, files = self._opened().room()
        return Usage(entries, size, max_size, files, max_files, policy)

    def stats(self, days: int | None = None) -> dict[str, FunctionStats]:
        """Returns what happened to the calls of each function, what saved most first.

        It counts all processes that used the directory, since it was made or the statistics were
        begun anew; or on the last so many days, today included, in universal time.

        Raises:
            OSError: if the directory cannot be used.
            ValueError: if `days` is less than one.
        """
        from rememo.accounts import stats_of

        return stats_of(self.open_store(), days)

    def report(self, days: int | None = None) -> str:
        """Returns the same as text for people.

        Raises:
            OSError: if the directory cannot be used.
            ValueError: if `days` is less than one.
        """
        from rememo.accounts import report

        return report(self.stats(days))

    def log_usage_report(self) -> None:
        """Writes the statistics to the logger ``rememo.perf``, a JSON line for each function.

        Raises:
            OSError: if the directory cannot be used.
        """
        from rememo.accounts import log

        log(self.stats())

    def reset_stats(self, function: str | None = None) -> None:
        """Begins the statistics of one function, named as in `stats`, or of all, anew.

        Raises:
            OSError: if the directory cannot be used.
        """
        self.open_store().reset_stats(function)

    def last_misses(self, function: str | None = None) -> list[LastMiss]:
        """Returns the last calls of a function, or of each, that were not answered, latest first.

        Up to eight for each function, of all processes: those of others show about a second later,
        or when they end.

        Raises:
            OSError: if the directory cannot be used.

        >>> from rememo import Cache
        >>> with Cache(temporary=True) as cache:
        ...     @cache.memoize
        ...     def double(x):
        ...         return 2 * x
        ...     double(1), double(1), double(2)
        ...     [(miss.reason, [str(change.name) for change in miss.changes])
        ...      for miss in cache.last_misses()]
        (2, 2, 4)
        [('arguments changed', ['x']), ('new', [])]
        """
        from rememo.misses import last_misses

        return last_misses(self.open_store(), function)

    def acceptances(self) -> list[Acceptance]:
        """Returns the changes of code that were accepted, the latest first: see `Memoized.accept`.

        Raises:
            OSError: if the directory cannot be used.
        """
        from rememo.acceptances import those

        return list(those(self.open_store().acceptances()))

    def revoke(self, acceptance: str) -> bool:
        """Takes back what was accepted, by its ``id``: results of the old code answer no more.

        Nor do results that were computed from them. Returns whether there was such an acceptance.

        Raises:
            OSError: if the directory cannot be used.
        """
        return self._opened().revoke(acceptance)

    def reduce(self, size: str | int) -> int:
        """Lets go of results, those that save least first, until they take no more than `size`.

        Returns how many went. The bound stays as it is.

        Raises:
            OSError: if the directory cannot be used.
            TypeError: if `size` is neither a number nor text.
            ValueError: if `size` makes no sense.
        """
        store, room = self._opened(), _core.Room(max_size=size)
        advised = self._adviser.make_room(store, store.bytes_of(room)) if self._adviser else 0
        return advised + store.reduce_to(room)

    def clear(self, tag: str | None = None) -> int:
        """Removes every result of every function, or of those that were given a `tag`.

        Returns how many there were.

        Raises:
            OSError: if the directory cannot be used.

        >>> from rememo import Cache
        >>> with Cache(temporary=True) as cache:
        ...     square = cache.memoize(tag="models")(lambda x: x * x)
        ...     square(3), cache.clear("images"), cache.clear("models"), square.would_hit(3)
        (9, 0, 1, False)
        """
        return self._opened().clear(tag)

    def verify(self, *, repair: bool = False) -> Integrity:
        """Reads all that is stored, and returns what is wrong with it.

        It takes as long as reading all of it does; others may use the directory meanwhile.

        Args:
            repair: remove the results that are not whole, so that their calls run again, enter
                those again whose entries were lost, and mend what else is wrong.

        Raises:
            OSError: if the directory cannot be used; or it is to be mended, and can only be read.

        >>> from rememo import Cache
        >>> with Cache(temporary=True) as cache:
        ...     square = cache.memoize(lambda x: x * x)
        ...     square(3), cache.verify().whole
        (9, True)
        """
        from rememo.info import Integrity

        return Integrity(*self._opened().verify(repair))

    def remove_orphans(self) -> int:
        """Removes files that nothing refers to, and returns how many there were.

        They are left by processes that were killed while they stored or cleared a result. Nothing
        that can still be a hit is removed: a result that was not entered yet is entered first. What
        others are storing at this moment is stored all the same.

        Raises:
            OSError: if the directory cannot be used, or can only be read.
        """
        return self._opened().remove_orphans()

    def compact(self) -> int:
        """Gives the room that is free in the index back to the disk, and returns how many bytes.

        What was cleared, or had to go, leaves room in the file of the index that only the index can
        use again. It is given back by itself where it is more than half of a large file; this does
        so in any case, and takes as long as copying what is in the index. Others may use the
        directory meanwhile; whoever stores something, or begins, waits.

        Raises:
            OSError: if the directory cannot be used, or can only be read; if its disk has no room
                for the copy, or its file system cannot exchange two directories. Nothing is
                changed then.
            RuntimeError: if the cache is closed.

        >>> from rememo import Cache
        >>> with Cache(temporary=True) as cache:
        ...     square = cache.memoize(lambda x: x * x)
        ...     squares = [square(x) for x in range(100)]
        ...     cache.clear(), cache.compact() > 0
        (100, True)
        """
        return self._opened().compact()

    def commit(self) -> None:
        """Waits until every result so far is stored, and on the disk.

        Raises:
            OSError: if the directory cannot be written.
            RuntimeError: if the cache is closed.

        >>> from rememo import Cache
        >>> with Cache(temporary=True, flush_every=60) as cache:
        ...     double = cache.memoize(lambda x: 2 * x)
        ...     results = [double(x) for x in range(100)]
        ...     cache.commit()  # not a minute later
        """
        self.open_store().commit()

    def refresh(self) -> None:
        """Notices now, and not at the next call that needs it, that the directory was removed.

        What other processes stored or removed is seen without this.

        Raises:
            OSError: if the directory cannot be made again.
            RuntimeError: if the cache is closed.
        """
        self.open_store().refresh()

    def close(self) -> None:
        """Stores what is on its way, and lets go of the directory; removes it if it is temporary.

        Functions memoized in this cache cannot be called afterwards. Closing twice is harmless.
        """
        if self._closed:
            return
        self._closed = True
        if self._adviser:
            self._adviser.close()
        _core.end_epoch()
        store, self._store = self._store, None
        if self._temporary:
            import atexit
            import shutil

            atexit.unregister(self._close_at_exit)
            store = open_stores.pop((self._path, self._access), store)
            if store is not None:
                store.retire()
            shutil.rmtree(self._path, ignore_errors=True)
        elif store is not None:
            store.close()

    def __enter__(self) -> Self:
        """Returns the cache itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the cache."""
        self.close()

    def __getstate__(self) -> dict[str, object]:
        """Leaves out what belongs to this process: a copy opens the same directory when used.

        It removes nothing: a temporary directory lasts as long as the cache that made it.
        """
        return {
            "freeze": self.freeze,
            "_enabled": self._enabled,
            "_path": self._path,
            "_access": self._access,
            # The directory knows how much it may take, and in which order results go.
            "_room": None,
            "_adviser": None,
            "_durability": self._durability,
            "_flush_every": self._flush_every,
            "_closed": self._closed,
            "_temporary": False,
            "_store": None,
        }

    def __repr__(self) -> str:
        """Shows the directory."""
        state = "closed " if self._closed else ""
        return f"<{state}rememo.Cache at {self._path!r}>"

    def _repr_html_(self) -> str:
        from rememo.html import of_cache

        return of_cache(self)

    def open_store(self) -> _core.Store:
        """Returns the engine's store of the directory, opening it if need be."""
        if not self._enabled:
            return _core.Store.off(f"{self!r} is switched off")
        return self._opened()

    def _opened(self) -> _core.Store:
        if self._store is None:
            if self._closed:
                raise RuntimeError(f"{self!r} cannot be used any more")
            self._store = store_at(
                self._path, self._access, self._room, self._durability, self._flush_every
            )
            if self._adviser and not self.read_only:
                self._adviser.begin(self._store)
        return self._store

    def _make_temporary_directory(self) -> str:
        import atexit
        import tempfile

        path = os.path.realpath(tempfile.mkdtemp(prefix="rememo-"))
        atexit.register(self._close_at_exit, os.getpid())
        return path

    def _close_at_exit(self, owner: int) -> None:
        # A forked child must not remove the directory its parent still uses.
        if os.getpid() == owner:
            self.close()
