"""What is answered to questions about caches and functions."""

from __future__ import annotations

from typing import NamedTuple

from rememo import _core


class CacheInfo(NamedTuple):
    """Counts for one function.

    `hits` and `misses` count the calls of this process since `cache_clear`; `entries` counts what
    the store holds.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> double = cache.memoize(lambda x: 2 * x)
    >>> double(4), double(4), double(5)
    (8, 8, 10)
    >>> double.cache_info()
    CacheInfo(hits=1, misses=2, entries=2)
    >>> cache.close()
    """

    hits: int
    misses: int
    entries: int

    @property
    def currsize(self) -> int:
        """The same as `entries`, by the name that it has in `functools`."""
        return self.entries

    @property
    def maxsize(self) -> None:
        """None, as in `functools` without a bound: a cache is bounded in bytes."""


class Entry(NamedTuple):
    """What is kept of one call.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> double = cache.memoize(lambda x: 2 * x)
    >>> double(4)
    8
    >>> entry = double.entry(4)
    >>> len(entry.key), entry.seconds < 1
    (64, True)
    >>> cache.close()
    """

    key: str
    """Its call key: 64 hexadecimal digits."""
    function: str
    """The function, as ``module.qualified_name``."""
    created: float
    """When the result was stored, in seconds of Unix time."""
    seconds: float
    """How long the call took."""
    size: int
    """Bytes that the result takes."""


class NotCached(LookupError):  # noqa: N818  a state of affairs, not an error
    """`call_if_cached` found no stored result.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> double = cache.memoize(lambda x: 2 * x)
    >>> from rememo import NotCached
    >>> try:
    ...     double.call_if_cached(4)
    ... except NotCached:
    ...     print("not yet")
    not yet
    >>> cache.close()
    """


class Usage(NamedTuple):
    """What a cache takes and may take. It reads as text for people, too.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> double = cache.memoize(lambda x: 2 * x)
    >>> double(4)
    8
    >>> usage = cache.usage()
    >>> usage.entries, usage.files, usage.size < usage.max_size
    (1, 0, True)
    >>> cache.close()
    """

    entries: int
    """Results."""
    size: int
    """Bytes that they take, index included, as they are counted."""
    max_size: int
    """The most bytes."""
    files: int
    """Files that they take."""
    max_files: int
    """The most files."""
    policy: str
    """What goes first when it is full."""

    def __str__(self) -> str:
        """Says it in words."""
        size, most = _core.bytes_to_read(self.size), _core.bytes_to_read(self.max_size)
        return f"{self.entries:,} results in {size} of {most}, {self.files:,} files"


class Integrity(NamedTuple):
    """What was found when all that a cache holds was read. It reads as text for people, too."""

    entries: int
    """Results that were looked at, those that are not whole included."""
    unreadable: int
    """Results of which not even the entry can be read."""
    damaged: int
    """Results that are not what was written."""
    lost: int
    """Results whose file is gone."""
    miscounted: int
    """Counts, and references from one thing to another, that are not as they should be."""
    orphans: int
    """Files that nothing refers to: left by killed processes, or being stored at this moment."""
    orphan_size: int
    """Bytes that those take."""
    repaired: bool
    """Whether what was wrong was mended."""

    @property
    def whole(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.unreadable or self.damaged or self.lost or self.miscounted)

    def __str__(self) -> str:
        """Says it in words."""
        wrong = {
            "unreadable": self.unreadable,
            "damaged": self.damaged,
            "lost": self.lost,
            "wrong counts": self.miscounted,
        }
        found = ", ".join(f"{count:,} {what}" for what, count in wrong.items() if count)
        mended = "; mended" if self.repaired else ""
        size = _core.bytes_to_read(self.orphan_size)
        orphans = f"; {self.orphans:,} files ({size}) that nothing refers to" * bool(self.orphans)
        return f"{self.entries:,} results: {found or 'all whole'}{mended}{orphans}"
