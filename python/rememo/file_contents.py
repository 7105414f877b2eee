"""Files as arguments and results: by what they hold."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from rememo import _core

# What `typing` has under that name; but `typing` is slow to import.
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal, Self

    _Comparison = Literal["content", "mtime", "crc32"]

COMPARISONS = ("content", "mtime", "crc32")
_BLOCK = 1 << 20
# Those that are met in a result while it is encoded.
_met = threading.local()


class FileContents(os.PathLike[str]):
    """A path that counts by what the file holds; a directory, by all files below it.

    As an argument, it is a path for whatever takes one, and a call hits only while the file holds
    the same: also where a C library reads it, which nobody sees. As a result, or in one, the file
    is kept along with the result, and is made what it was on a hit; a call that leaves it written
    is kept for all that.

    Args:
        path: the path of a file or directory, which may be missing. One that is relative stays so.
        comparison: how contents are told apart: by their BLAKE3 digest (``"content"``), by time of
            modification (``"mtime"``), or by ``"crc32"``, which is weaker.

    Raises:
        TypeError: if it is no path.
        ValueError: if the comparison is another.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from rememo import Cache, FileContents
    >>> cache = Cache(temporary=True)
    >>> @cache.memoize
    ... def shout(source, target):
    ...     Path(target).write_text(Path(source).read_text().upper())
    ...     return FileContents(target)
    >>> with tempfile.TemporaryDirectory() as here:
    ...     source, target = Path(here, "source"), Path(here, "target")
    ...     _ = source.write_text("hello")
    ...     _ = shout(FileContents(source), str(target))
    ...     target.unlink()
    ...     made = shout(FileContents(source), str(target))
    ...     Path(made).read_text(), shout.cache_info().hits
    ('HELLO', 1)
    """

    __slots__ = ("_path", "comparison")

    def __init__(self, path: str | os.PathLike[str], comparison: _Comparison = "content") -> None:
        """Names the file; see the class."""
        try:
            self._path = os.fsdecode(path)
        except TypeError:
            raise TypeError(
                f"FileContents() takes a path, as text or an os.PathLike, not {path!r}"
            ) from None
        if comparison not in COMPARISONS:
            known = ", ".join(map(repr, COMPARISONS))
            raise ValueError(f"comparison must be one of {known}, not {comparison!r}")
        self.comparison: _Comparison = comparison

    @property
    def path(self) -> Path:
        """The path."""
        from pathlib import Path

        return Path(self._path)

    def __fspath__(self) -> str:
        """The path, for whatever takes one."""
        return self._path

    def __add__(self, end: str) -> Self:
        """Adds to the end of the path."""
        return type(self)(self._path + end, self.comparison)

    def __radd__(self, start: str) -> Self:
        """Adds to the start of the path."""
        return type(self)(start + self._path, self.comparison)

    def version(self) -> str | int | None:
        """Returns what tells the contents apart, as they are now; None if there is nothing.

        Raises:
            OSError: if it cannot be looked at.
        """
        path = self._path
        if self.comparison == "content":
            return _core.digest_of_contents(path)
        if not os.path.lexists(path):
            return None
        files = [path] if not os.path.isdir(path) else sorted(_below(path))
        if self.comparison == "mtime":
            times = [(file, os.stat(file).st_mtime_ns) for file in files]
            return times[0][1] if files == [path] else repr(times)
        return _crc32(files)

    def __getfrozenstate__(self) -> object:
        """What counts: the path, and what the file holds."""
        return self._path, self.comparison, self.version()

    def __eq__(self, other: object) -> bool:
        """Equals another one of the same path, told apart alike."""
        if not isinstance(other, FileContents):
            return NotImplemented
        return (os.fspath(self), self.comparison) == (os.fspath(other), other.comparison)

    def __hash__(self) -> int:
        """Agrees with equality."""
        return hash((os.fspath(self), self.comparison))

    def __reduce__(self) -> tuple[object, ...]:
        """Travels as a path; in a result that is stored, its file goes along."""
        met: list[str] | None = getattr(_met, "paths", None)
        if met is not None:
            met.append(self._path)
        return type(self), (self._path, self.comparison)

    def __repr__(self) -> str:
        """Shows the path."""
        return f"{type(self).__name__}({self._path!r})"


def _below(directory: str) -> list[str]:
    found: list[str] = []
    for home, _, names in os.walk(directory):
        found.extend(os.path.join(home, name) for name in names)
    return found


def _crc32(files: list[str]) -> int:
    import zlib

    total = 0
    for file in files:
        if len(files) > 1:
            total = zlib.crc32(os.fsencode(file), total)
        with open(file, "rb") as stream:
            while block := stream.read(_BLOCK):
                total = zlib.crc32(block, total)
    return total


def begin_naming() -> None:
    """Takes down the paths of all that are pickled on this thread from now on."""
    _met.paths = []


def end_naming() -> list[str]:
    """Returns these paths, and takes down no more."""
    paths: list[str] = _met.paths
    _met.paths = None
    return paths
