"""Changes of code that a user says make no difference: stored results answer for the new code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rememo.explain import Change


class Acceptance(NamedTuple):
    """A change of code that was accepted. It reads as text for people, too.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> def double(x):
    ...     return 2 * x
    >>> cache.memoize(double)(4)
    8
    >>> def double(x):
    ...     return x + x
    >>> accepted = cache.memoize(double).accept("the same sum")
    >>> accepted.reason
    'the same sum'
    >>> cache.revoke(accepted.id)
    True
    >>> cache.close()
    """

    id: str
    """What it is known by: `Cache.revoke` and ``rememo accept --revoke`` take it, and events of
    hits have it."""
    function: str
    """Its identity, as in `Cache.stats`."""
    when: datetime
    """In universal time."""
    reason: str
    """Why the results are the same, as was said then."""
    changes: tuple[Change, ...]
    """What changed."""

    def __str__(self) -> str:
        """Says what was accepted and why, then each change, indented."""
        when = self.when.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"{self.id} {when} {self.function}: {self.reason}"]
        lines.extend(f"  {line}" for change in self.changes for line in str(change).splitlines())
        return "\n".join(lines)


def those(
    told: Iterable[tuple[str, str, float, str, tuple[Change, ...]]],
) -> tuple[Acceptance, ...]:
    """Returns acceptances as they are told of."""
    return tuple(
        Acceptance(known, function, datetime.fromtimestamp(at, UTC), reason, changes)
        for known, function, at, reason, changes in told
    )


def accept(memoized: _core.Memoized[..., Any], reason: str, entry: str | None) -> Acceptance:
    """Has stored results answer for a function as it is; see `Memoized.accept`."""
    (accepted,) = those([_core.accept(memoized, reason, entry)])
    return accepted
