"""Where a group keeps results: any mapping from numbers to bytes, and directories."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Pickler(Protocol):
    """Turns results into bytes and back, as the module `pickle` does."""

    def loads(self, buffer: bytes, /) -> Any:  # noqa: ANN401
        """Makes a result of bytes."""
        ...

    def dumps(self, obj: Any, /) -> bytes:  # noqa: ANN401
        """Makes bytes of a result."""
        ...


class ObjStore(Protocol):
    """A lasting mapping from numbers below two to the power of 64 to bytes."""

    def __setitem__(self, key: int, val: bytes) -> None:
        """Keeps bytes under a number."""
        ...

    def __getitem__(self, key: int) -> bytes:
        """Returns them; KeyError if there are none."""
        ...

    def __delitem__(self, key: int) -> None:
        """Removes them."""
        ...

    def get(self, key: int, default: T) -> bytes | T:
        """Returns them, or else the default."""
        ...

    def __contains__(self, key: int) -> bool:
        """Whether there are any."""
        ...

    def __iter__(self) -> Iterator[int]:
        """Yields the numbers."""
        ...

    def clear(self) -> None:
        """Removes all."""
        ...


class DirObjStore(ObjStore):
    """Keeps each of them in a file of a directory that holds no other, but for hidden ones.

    A file is there in full or not at all.

    Args:
        path: the directory, or any object with the methods of `pathlib.Path`.
        key_bytes: how many bytes a number has.

    Raises:
        ValueError: if there is something else in it.
    """

    def __init__(self, path: Any, key_bytes: int = 16) -> None:  # noqa: ANN401
        """Makes the directory if need be."""
        self.path: Any = Path(path) if isinstance(path, str) else path
        self.key_bytes = key_bytes
        if not self.path.exists():
            self.path.mkdir(parents=True)
        strange = [
            one.name
            for one in self.path.iterdir()
            if not self._is_key(one.name) and not one.name.startswith(".")
        ]
        if strange:
            raise ValueError(
                f"{self.path} holds what is no object: {', '.join(sorted(strange)[:3])}; "
                "name a directory for objects alone"
            )

    def __setitem__(self, key: int, val: bytes) -> None:
        """Writes a file."""
        path = self._at(key)
        if not isinstance(path, Path):
            path.write_bytes(val)
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            file.write(val)
        Path(file.name).replace(path)

    def __getitem__(self, key: int) -> bytes:
        """Reads a file."""
        try:
            return self._at(key).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    def __delitem__(self, key: int) -> None:
        """Removes a file, if it is there."""
        if key in self:
            self._at(key).unlink()

    def get(self, key: int, default: T) -> bytes | T:
        """Reads a file; returns the default if there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: int) -> bool:
        """Whether there is a file."""
        return self._at(key).exists()

    def __iter__(self) -> Iterator[int]:
        """Yields the numbers of the files."""
        return iter([int(one.name, 16) for one in self.path.iterdir() if self._is_key(one.name)])

    def clear(self) -> None:
        """Removes the files."""
        for key in self:
            del self[key]

    def __getfrozenstate__(self) -> object:
        """Where it is."""
        return str(self.path), self.key_bytes

    def _at(self, key: int) -> Any:  # noqa: ANN401
        if key.bit_length() > 8 * self.key_bytes:
            raise ValueError(f"{key:x} takes more than {self.key_bytes} bytes")
        return self.path / f"{key:0{2 * self.key_bytes}x}"

    def _is_key(self, name: str) -> bool:
        return bool(re.fullmatch(f"[0-9a-f]{{{2 * self.key_bytes}}}", name))
