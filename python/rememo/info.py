"""What is answered to questions about caches and functions."""

from __future__ import annotations

from typing import NamedTuple

from rememo import _core


class CacheInfo(NamedTuple):
    """Counts for one function.

    `hits` and `misses` count the calls of this process, `entries` what the store holds.
    """

    hits: int
    misses: int
    entries: int


class NotCached(LookupError):  # noqa: N818  a state of affairs, not an error
    """`call_if_cached` found no stored result."""


class Usage(NamedTuple):
    """What a cache takes and may take. It reads as text for people, too."""

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
