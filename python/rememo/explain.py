"""Why a call was, or would be, answered from the cache or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rememo.acceptances import Acceptance


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a result depends on and that is no longer what it was.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> RATE = 3
    >>> @cache.memoize
    ... def price(x):
    ...     return x * RATE
    >>> price(2)
    6
    >>> RATE = 4
    >>> (change,) = price.explain(2).changes
    >>> change.kind, change.old_details, change.new_details
    ('global', '3', '4')
    >>> cache.close()
    """

    name: str
    """What changed, as ``module.qualified_name`` or an argument's name."""
    kind: str
    """What sort of thing it is: function, class, global, argument and so on."""
    old: str | None
    """How it was, in short; None if it is new."""
    new: str | None
    """How it is, in short; None if it is gone."""
    old_source: str | None = None
    """Its source as it was, where known."""
    new_source: str | None = None
    """Its source as it is, where known."""
    old_details: str | None = None
    """What is known of how it was: of a number, how it is written; of a library, its version; of a
    file, how it was in short, how long it was and when it was modified."""
    new_details: str | None = None
    """What is known of how it is."""

    def diff(self) -> str:
        """Returns a unified diff of the sources; empty where there are none to compare."""
        if self.old_source is None or self.new_source is None:
            return ""
        import difflib

        lines = difflib.unified_diff(
            self.old_source.splitlines(),
            self.new_source.splitlines(),
            fromfile=f"{self.name} (before)",
            tofile=f"{self.name} (now)",
            lineterm="",
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        """Says in one line what changed, and below it how its source did."""
        old = _short(self.old, self.old_details)
        new = _short(self.new, self.new_details)
        what = self._described()
        if old is None:
            head = f"{what} is new ({new})"
        elif new is None:
            head = f"{what} is gone (was {old})"
        else:
            head = f"{what} changed ({old} to {new})"
        diff = self.diff()
        return f"{head}\n{diff}" if diff else head

    def _described(self) -> str:
        owner, _, inner = self.name.rpartition(f".<{self.kind} ")
        if owner:
            return f"{self.kind} {inner.removesuffix('>')} of {owner}"
        return f"{self.kind} {self.name}".rstrip()


def _short(digest: str | None, details: str | None) -> str | None:
    return digest and (details or digest[:12])


# Reasons, in words.
REASONS = {
    "hit": "the stored result still holds",
    "new": "nothing is stored for this function",
    "state changed": "the function, or something it uses, is not what it was",
    "arguments changed": "nothing is stored for these arguments",
    "world changed": "something that the function looked at is not what it was",
    "outdated": "the stored result refers to a class or function that has changed",
    "damaged": "the stored result cannot be read",
    "forced": "the caller asked for a run",
    "expired": "the time of the stored result is over",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the cache says of one call; printed, it says so in words.

    >>> from rememo import Cache
    >>> with Cache(temporary=True) as cache:
    ...     @cache.memoize
    ...     def double(x):
    ...         return 2 * x
    ...     print(double.explain(1))
    miss: nothing is stored for this function
    """

    hit: bool
    """Whether the call is answered from the cache."""
    reason: str
    """Why: ``hit``, ``new``, ``state changed``, ``arguments changed``, ``world changed``,
    ``expired``, ``outdated``, ``damaged``, or what keeps the call from being cached."""
    changes: tuple[Change, ...] = ()
    """What differs from the nearest stored call; empty for a hit."""
    key: str | None = None
    """The call's key, where it has one."""
    impurities: tuple[tuple[str, str, str], ...] = ()
    """What the function uses that its arguments and code do not determine, and that is not seen
    yet: who uses it, its name, and what it reaches."""
    accepted: tuple[Acceptance, ...] = ()
    """The changes of code without whose acceptance it were no hit."""

    def __str__(self) -> str:
        """Says whether and why, then each change, indented."""
        reason = REASONS.get(self.reason, self.reason)
        lines = [f"{'hit' if self.hit else 'miss'}: {reason}"]
        lines.extend(f"  {line}" for change in self.changes for line in str(change).splitlines())
        accepted = [line for known in self.accepted for line in str(known).splitlines()]
        lines.extend(f"  accepted: {line}" for line in accepted)
        lines.extend(
            f"  not seen: {user} uses {name} ({kind})" for user, name, kind in self.impurities
        )
        return "\n".join(lines)
