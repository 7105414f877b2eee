"""The last calls that a cache did not answer, in whatever process they were, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from rememo.explain import REASONS, Change

if TYPE_CHECKING:
    from rememo import _core


class LastMiss(NamedTuple):
    """A call that was not answered from the cache. It reads as text for people, too.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> RATE = 3
    >>> @cache.memoize
    ... def price(x):
    ...     return x * RATE
    >>> price(2)
    6
    >>> RATE = 4
    >>> price(2)
    8
    >>> miss = cache.last_misses()[0]
    >>> miss.reason, [change.kind for change in miss.changes]
    ('state changed', ['global'])
    >>> cache.close()
    """

    function: str
    """Its identity, as in ``Cache.stats``."""
    when: datetime
    """In universal time."""
    times: int
    """How many such calls there were in a row; this is the last."""
    reason: str
    """``new``, ``state changed``, ``arguments changed``, ``world changed``, ``expired``,
    ``outdated``, ``damaged`` or ``forced``; or why a result was not stored; or ``bypassed`` for a
    call that was made past the cache."""
    detail: str
    """What else there is to say."""
    changes: tuple[Change, ...]
    """What differed from the result that was most like it; of things in the world, the first."""
    more: int
    """How many changes there were besides."""

    def __str__(self) -> str:
        """Says when and why, then each change, indented."""
        when = self.when.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        times = f" ({self.times:,} times in a row)" if self.times > 1 else ""
        why = REASONS.get(self.reason, self.reason)
        detail = f": {self.detail}" if self.detail else ""
        lines = [f"{when} {self.function}{times}: {why}{detail}"]
        lines.extend(f"  {line}" for change in self.changes for line in str(change).splitlines())
        if self.more:
            lines.append(f"  and {self.more:,} more")
        return "\n".join(lines)


def last_misses(store: _core.Store, function: str | None) -> list[LastMiss]:
    """Returns the last calls of a function, or of each, that were not answered, latest first.

    Raises:
        OSError: if the directory cannot be used.
    """
    return [
        LastMiss(name, datetime.fromtimestamp(at, UTC), times, reason, detail, changes, more)
        for name, at, times, reason, detail, changes, more in store.last_misses(function)
    ]
