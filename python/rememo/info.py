"""What `cache_info()` returns."""

from __future__ import annotations

from typing import NamedTuple


class CacheInfo(NamedTuple):
    """Counts for one function.

    `hits` and `misses` count the calls of this process, `entries` what the store holds.
    """

    hits: int
    misses: int
    entries: int


class NotCached(LookupError):  # noqa: N818  a state of affairs, not an error
    """`call_if_cached` found no stored result."""
