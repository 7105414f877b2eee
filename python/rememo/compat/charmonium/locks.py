"""Locks that many may hold to read, or one to write."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType


class Lock(Protocol):
    """What is held in a `with` statement."""

    def __enter__(self) -> object:
        """Takes it."""
        ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
        /,
    ) -> bool | None:
        """Gives it back."""
        ...


class RWLock(Protocol):
    """What many may hold to read, or one to write."""

    @property
    def reader(self) -> Lock:
        """To read."""
        ...

    @property
    def writer(self) -> Lock:
        """To write."""
        ...


class NaiveRWLock(RWLock):
    """Makes one of a plain lock, which only one may hold, whatever for."""

    def __init__(self, lock: Lock) -> None:
        """Takes the plain lock."""
        self.lock = lock

    @property
    def reader(self) -> Lock:
        """The lock."""
        return self.lock

    @property
    def writer(self) -> Lock:
        """The lock."""
        return self.lock


class FileRWLock(RWLock):
    """Locks a file, for all processes of a machine. It is made when it is first taken."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Names the file."""
        self.path = Path(path)

    @property
    def reader(self) -> Lock:
        """To read."""
        return self._held(fcntl.LOCK_SH)

    @property
    def writer(self) -> Lock:
        """To write."""
        return self._held(fcntl.LOCK_EX)

    @contextmanager
    def _held(self, how: int) -> Generator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(file, how)
            yield
        finally:
            os.close(file)
