"""Results that are good until certain moments, such as every midnight."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Self

from rememo import _core

_BEGINNING = datetime.fromtimestamp(0, UTC)


class TTLInterval:
    """Moments that are so far apart; what is made between two of them is good until the second.

    As ``ttl=`` it makes all results of a function expire at the same moments. Called, it says how
    many of them have passed, for ``version=`` and the like.

    Args:
        every: how far they are apart: seconds, a `timedelta`, or text such as ``"1d"``.
        start: one of the moments, with a time zone; by default the beginning of 1970 in universal
            time, so that whole days are days of universal time.

    Raises:
        TypeError: if `every` is no duration.
        ValueError: if it makes no sense, or `start` has no time zone or is before 1970.

    >>> from rememo import Cache, TTLInterval
    >>> with Cache(temporary=True) as cache:
    ...     @cache.memoize(ttl=TTLInterval("1d"))
    ...     def daily(x):
    ...         return 2 * x
    ...     daily(1)
    2
    """

    __slots__ = ("every_ns", "from_ns")

    def __init__(self, every: str | float | timedelta, start: datetime | None = None) -> None:
        """Reads the interval; see the class."""
        self.every_ns = _core.nanoseconds("every", every)
        self.from_ns = 0
        if start is not None:
            if start.tzinfo is None:
                raise ValueError(f"start must have a time zone, and {start!r} has none")
            if start < _BEGINNING:
                raise ValueError(f"start must not be before 1970, as {start!r} is")
            self.from_ns = (start - _BEGINNING) // timedelta(microseconds=1) * 1000

    @classmethod
    def of_nanoseconds(cls, every_ns: int, from_ns: int) -> Self:
        """Returns the one with these numbers."""
        one = cls.__new__(cls)
        one.every_ns, one.from_ns = every_ns, from_ns
        return one

    def __call__(self, *_: object) -> int:
        """Returns how many of the moments have passed; whatever it is given does not count."""
        return (time.time_ns() - self.from_ns) // self.every_ns

    def __eq__(self, other: object) -> bool:
        """Compares the moments."""
        if not isinstance(other, TTLInterval):
            return NotImplemented
        return (self.every_ns, self.from_ns) == (other.every_ns, other.from_ns)

    def __hash__(self) -> int:
        """Hashes the moments."""
        return hash((self.every_ns, self.from_ns))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles the moments."""
        return TTLInterval.of_nanoseconds, (self.every_ns, self.from_ns)

    def __repr__(self) -> str:
        """Shows the interval."""
        every = _core.time_to_read(self.every_ns / 1e9)
        start = datetime.fromtimestamp(self.from_ns / 1e9, UTC)
        return f"<rememo.TTLInterval of {every} from {start:%Y-%m-%d %H:%M:%S} UTC>"
