"""What a case of the comparison is."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from caches import CACHES, Rememo

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from caches import Cache

# One measurement: the seconds that what the case is about took.
Trial = Callable[[], float]


@dataclass(frozen=True)
class Case(ABC):
    """A call to time.

    Attributes:
        title: its name in the tables.
        base: the cache that the others are compared with.
        rounds: how often it is timed at most; what takes minutes is timed once.
    """

    rounds: ClassVar[int | None] = None

    title: str
    base: type[Cache]

    @abstractmethod
    def trial(self, cache: type[Cache], directory: Path, stack: ExitStack) -> Trial | None:
        """Sets up the case for one cache; None where it cannot take part."""

    def trials(self, root: Path, stack: ExitStack) -> dict[str, Trial]:
        """Sets up the case for every cache, each in a directory of its own under `root`."""
        found: dict[str, Trial] = {}
        for cache in CACHES:
            directory = root / cache.name
            directory.mkdir(parents=True)
            try:
                trial = self.trial(cache, directory, stack)
            except Exception as error:
                if cache is Rememo:
                    raise
                sys.stderr.write(f"{cache.name} fails at {self.title}: {error!r:.200}\n")
                continue
            if trial:
                found[cache.name] = trial
        return found
