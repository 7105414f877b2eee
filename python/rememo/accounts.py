"""What a cache saved: counts of all processes together, per function, and as text for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOGGER_NAME = "rememo.perf"
ALL_DAYS = 2**32 - 1


class FunctionStats(NamedTuple):
    """What happened to the calls of one function. It reads as text for people, too.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> double = cache.memoize(lambda x: 2 * x)
    >>> double(4), double(4)
    (8, 8)
    >>> (stats,) = cache.stats().values()
    >>> stats.hits, stats.misses["new"]
    (1, 1)
    >>> cache.close()
    """

    hits: int = 0
    """Results handed back."""
    memory_hits: int = 0
    """Those of them that were in the memory of their process."""
    misses: Mapping[str, int] = {}
    """Calls that were run, by the reason why."""
    stored: int = 0
    """Results stored."""
    stored_bytes: int = 0
    """Bytes of results stored."""
    not_stored: int = 0
    """Results returned, but not stored."""
    bypassed: int = 0
    """Calls made past the cache, for want of a fingerprint."""
    evicted: int = 0
    """Results that went for want of room."""
    saved_seconds: float = 0.0
    """The time that the hits would have taken to compute."""
    computed_seconds: float = 0.0
    """The time that the calls took whose results were stored."""
    verified: int = 0
    """Calls made again whose results were stored."""
    differed: int = 0
    """Those of them that came out otherwise."""
    overhead: Mapping[str, float] = {}
    """What calls cost besides their runs, in seconds, by what it was spent on: ``key`` (finding
    out what the result depends on), ``lookup``, ``verify``, ``decode``, ``wait`` (for somebody else
    who makes the same call), ``encode``, ``store``, ``memory`` (hits from memory) and ``other``."""

    @property
    def overhead_seconds(self) -> float:
        """What calls cost besides their runs, in all."""
        return sum(self.overhead.values())

    def __str__(self) -> str:
        """Says it in words."""
        calls = "call" if self.hits == 1 else "calls"
        misses = sum(self.misses.values())
        told = f"saved {_core.time_to_read(self.saved_seconds)} over {self.hits:,} {calls}"
        if self.overhead_seconds:
            told += f", cost {_core.time_to_read(self.overhead_seconds)}"
        if misses:
            why = ", ".join(f"{reason}: {count:,}" for reason, count in self.misses.items())
            told += f"; {misses:,} ran ({why})"
        if self.stored:
            size = _core.bytes_to_read(self.stored_bytes)
            took = _core.time_to_read(self.computed_seconds)
            told += f"; {self.stored:,} stored, {size} computed in {took}"
        for count, what in (
            (self.not_stored, "not stored"),
            (self.bypassed, "past the cache"),
            (self.evicted, "evicted"),
            (self.verified, "verified"),
            (self.differed, "came out otherwise"),
        ):
            if count:
                told += f"; {count:,} {what}"
        return told

    def __add__(self, other: object) -> FunctionStats:
        """Adds up what happened."""
        if not isinstance(other, FunctionStats):
            return NotImplemented
        mine, others = self._asdict(), other._asdict()
        whole: dict[str, Any] = {
            name: _both(mine[name], others[name])
            if name in {"misses", "overhead"}
            else mine[name] + others[name]
            for name in mine
        }
        return FunctionStats(**whole)


def _both(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in [*one, *other]}


def stats_of(store: _core.Store, days: int | None) -> dict[str, FunctionStats]:
    """Returns what happened to the calls of each function, what saved most first.

    Raises:
        OSError: if the directory cannot be used.
        ValueError: if `days` is less than one.
    """
    if days is not None and days < 1:
        raise ValueError(f"days must be at least 1, which is today, not {days}")
    found: dict[str, FunctionStats] = {}
    for function, _, counts in store.stats(ALL_DAYS if days is None else days - 1):
        found[function] = found.get(function, FunctionStats()) + FunctionStats(**counts)
    return dict(sorted(found.items(), key=lambda item: (-item[1].saved_seconds, item[0])))


def report(stats: Mapping[str, FunctionStats]) -> str:
    """Returns statistics as text: a line for all functions together, and one for each."""
    if not stats:
        return "nothing was called yet"
    whole = sum(stats.values(), FunctionStats())
    lines = [f"{name}: {told}" for name, told in stats.items()]
    return "\n  ".join([f"in all: {whole}", *lines])


def log(stats: Mapping[str, FunctionStats]) -> None:
    """Writes statistics to the logger ``rememo.perf``: a JSON line for each function."""
    import logging

    logger = logging.getLogger(LOGGER_NAME)
    for line in _lines(stats):
        logger.info("%s", line)


def append(path: str, directory: str, stats: Mapping[str, FunctionStats]) -> None:
    """Appends statistics to a file: a JSON line for each function, with the cache's directory.

    Raises:
        OSError: if the file cannot be written.
    """
    whole = "".join(f"{line}\n" for line in _lines(stats, directory=directory))
    # In one piece, so that processes which end at the same moment do not mix their lines.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, whole.encode())
    finally:
        os.close(file)


def _lines(stats: Mapping[str, FunctionStats], **more: str) -> Iterator[str]:
    import json

    for function, told in stats.items():
        counts = {**told._asdict(), "overhead_seconds": told.overhead_seconds, "told": str(told)}
        yield json.dumps({"function": function, **more, **counts})
