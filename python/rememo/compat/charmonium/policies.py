"""Which results go when a group is full."""

from __future__ import annotations

import abc
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
BINARY = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}


@functools.total_ordering
@dataclass(frozen=True)
class Size:
    """A number of bytes, which can be asked, compared and added up as bitmath's sizes can."""

    bytes: int

    @property
    def value(self) -> int:
        """The number."""
        return self.bytes

    def __lt__(self, other: Any) -> bool:  # noqa: ANN401  one of these, or of bitmath's
        """Whether it is less than a size, or a number."""
        return self.bytes < bytes_of(other)

    def __float__(self) -> float:
        """The number."""
        return float(self.bytes)

    def __add__(self, other: Any) -> Size:  # noqa: ANN401  one of these, or of bitmath's
        """Adds a size, or a number."""
        return Size(self.bytes + bytes_of(other))

    __radd__ = __add__

    def to_Byte(self) -> Size:  # noqa: N802  as bitmath has it
        """Returns the same."""
        return self


def bytes_of(size: Any) -> int:  # noqa: ANN401
    """Reads a size: a number of bytes, text such as "3 MiB", or one of bitmath's.

    Raises:
        ValueError: if it makes no sense.
    """
    if isinstance(size, str):
        found = re.fullmatch(r"\s*([0-9.]+)\s*([a-z]*?)b?\s*", size.lower())
        unit = {**UNITS, **BINARY}.get(found[2]) if found else None
        if found is None or unit is None:
            raise ValueError(f'size must be a number of bytes or text such as "3 MiB": {size!r}')
        return int(float(found[1]) * unit)
    return int(getattr(size, "bytes", size))


@dataclass
class Entry:
    """What a policy knows of a result."""

    value: Any
    data_size: Size
    function_time: timedelta
    serialization_time: timedelta
    obj_store: bool


class ReplacementPolicy(abc.ABC):
    """Chooses what goes. One's own are derived from it."""

    @abc.abstractmethod
    def add(self, key: Any, entry: Entry) -> None:  # noqa: ANN401
        """Told of a result that is new."""

    @abc.abstractmethod
    def access(self, key: Any, entry: Entry) -> None:  # noqa: ANN401
        """Told of a result that was used."""

    def invalidate(self, key: Any, entry: Entry) -> None:  # noqa: ANN401, B027
        """Told of a result that is good no more."""

    @abc.abstractmethod
    def evict(self) -> tuple[Any, Entry]:
        """Chooses a result, and forgets it.

        Raises:
            ValueError: if there is none.
        """

    def update(self, other: ReplacementPolicy) -> None:  # noqa: B027
        """Never called here: what other processes stored is told of by `add`."""


class GDSize(ReplacementPolicy):
    """GreedyDual-Size: lets go of what took least time for its size, and was not used for long."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self.inflation = 0.0
        self._scores: dict[Any, tuple[float, Entry]] = {}

    def add(self, key: Any, entry: Entry) -> None:  # noqa: ANN401
        """Gives a result its score."""
        self.access(key, entry)

    def access(self, key: Any, entry: Entry) -> None:  # noqa: ANN401
        """Gives a result its score anew."""
        seconds = (entry.function_time + entry.serialization_time).total_seconds()
        score = self.inflation + seconds / max(entry.data_size.bytes, 1)
        self._scores[key] = score, entry

    def invalidate(self, key: Any, entry: Entry) -> None:  # noqa: ANN401, ARG002
        """Forgets a result."""
        self._scores.pop(key, None)

    def evict(self) -> tuple[Any, Entry]:
        """Chooses the result with the lowest score."""
        if not self._scores:
            raise ValueError("there is nothing left to let go of")
        key = min(self._scores, key=lambda key: self._scores[key][0])
        self.inflation, entry = self._scores.pop(key)
        return key, entry


REPLACEMENT_POLICIES: Mapping[str, type[ReplacementPolicy]] = {"gdsize": GDSize}


def policy_of(policy: str | ReplacementPolicy) -> ReplacementPolicy:
    """Reads a policy, or the name of one.

    Raises:
        ValueError: if there is none of that name.
    """
    if not isinstance(policy, str):
        return policy
    known = REPLACEMENT_POLICIES.get(policy.lower())
    if known is None:
        there_are = ", ".join(REPLACEMENT_POLICIES)
        raise ValueError(f"there is no policy {policy!r}; there are: {there_are}")
    return known()
