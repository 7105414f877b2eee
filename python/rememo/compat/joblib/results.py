"""References to results: small, and good in other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rememo.compat.joblib.mapping import as_asked
from rememo.shelved import Held, Shelved

if TYPE_CHECKING:
    from rememo.cache import Cache
    from rememo.compat.joblib.mapping import MmapMode
    from rememo.info import Entry

R = TypeVar("R")


class MemorizedResult(Shelved[R]):
    """Refers to a stored result, which it does not hold.

    Attributes:
        func_id: the function, as ``module.qualified_name``.
        args_id: the call key.
        duration: how long the call took, in seconds.
        metadata: the same as ``duration``, and ``time``, when the result was stored.
    """

    def __init__(self, cache: Cache, entry: Entry, mmap_mode: MmapMode) -> None:
        """Refers to an entry of a cache."""
        super().__init__(cache, entry)
        self.location = str(cache.path)
        self.func_id = entry.function
        self.args_id = entry.key
        self.duration = entry.seconds
        self.metadata = {"duration": entry.seconds, "time": entry.created}
        self.mmap_mode: MmapMode = mmap_mode

    @property
    def func(self) -> str:
        """The function, as ``module.qualified_name``."""
        return self.func_id

    def get(self) -> R:
        """Reads the result.

        Raises:
            KeyError: if it is not there any more, or names what is not there any more.
            OSError: if the directory cannot be used.
        """
        return as_asked(self._read(as_view=self.mmap_mode == "r"), self.mmap_mode)

    def __repr__(self) -> str:
        """Shows the function and the call."""
        where = f'location="{self.location}", func="{self.func_id}", args_id="{self.args_id}"'
        return f"{type(self).__name__}({where})"


class NotMemorizedResult(Held[R]):
    """Holds a result that is not stored."""
