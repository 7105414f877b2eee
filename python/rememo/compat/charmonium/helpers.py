"""What is passed to memoized functions, and to `extra_func_state` and the like."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from rememo.file_contents import FileContents as _FileContents

if TYPE_CHECKING:
    import os
    from pathlib import Path

T = TypeVar("T")


class FileContents(_FileContents):
    """A path that counts by what its file holds; pickled, it takes that along.

    Args:
        path: the path.
        comparison: how contents are told apart: by ``"crc32"`` of what is in the file, or by the
            time of its last change (``"mtime"``).

    Raises:
        ValueError: if the comparison is another.
    """

    def __init__(
        self, path: str | os.PathLike[str], comparison: Literal["crc32", "mtime"] = "crc32"
    ) -> None:
        """Names the file."""
        if comparison not in {"crc32", "mtime"}:
            raise ValueError(f'comparison must be "crc32" or "mtime", not {comparison!r}')
        super().__init__(path, comparison)

    def __cache_key__(self) -> str:
        """The path."""
        return str(self.path)

    def __cache_ver__(self) -> str | int | None:
        """What tells the contents apart; None if there is no file."""
        return self.version()

    def __reduce__(self) -> tuple[object, ...]:
        """Takes the contents along."""
        contents = self.path.read_bytes() if self.path.exists() else b""
        return _written, (type(self), self.path, self.comparison, contents)


def _written(
    kind: type[FileContents],
    path: Path,
    comparison: Literal["crc32", "mtime"],
    contents: bytes,
) -> FileContents:
    path.write_bytes(contents)
    return kind(path, comparison)


class TTLInterval:
    """Called, returns a number that is another after each interval, given in seconds or so.

    >>> from rememo.compat.charmonium import TTLInterval
    >>> daily = TTLInterval(60 * 60 * 24)
    >>> daily() <= daily()
    True
    """

    def __init__(self, interval: float | timedelta) -> None:
        """Takes the interval."""
        whole = interval if isinstance(interval, timedelta) else timedelta(seconds=interval)
        self.interval = whole

    def __call__(self, func: object = None) -> int:  # noqa: ARG002  as `extra_func_state` is called
        """Returns the number."""
        return timedelta(seconds=time.time()) // self.interval


class Future(Generic[T]):
    """Stands for what a function makes, and makes it when it is first needed."""

    def __init__(self, thunk: Any) -> None:  # noqa: ANN401
        """Takes the function."""
        self._thunk = thunk
        self._made: list[T] = []

    @classmethod
    def create(cls, thunk: Any) -> T:  # noqa: ANN401
        """Returns one, as what it stands for."""
        return cast("T", cls(thunk))

    @property
    def computed(self) -> bool:
        """Whether it was made."""
        return bool(self._made)

    def unwrap(self) -> T:
        """Returns what it stands for."""
        if not self._made:
            self._made.append(self._thunk())
        return self._made[0]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Finds everything on what it stands for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.unwrap(), name)

    def __reduce__(self) -> tuple[type[Future[T]], tuple[Any]]:
        """Makes it anew where it arrives."""
        return type(self), (self._thunk,)
