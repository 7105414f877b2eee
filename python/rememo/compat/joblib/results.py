"""References to results: small, and good in other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rememo.compat.joblib.mapping import as_asked

if TYPE_CHECKING:
    from rememo.cache import Cache
    from rememo.compat.joblib.mapping import MmapMode
    from rememo.info import Entry

R = TypeVar("R")


class MemorizedResult(Generic[R]):
    """Refers to a stored result, which it does not hold.

    Attributes:
        func_id: the function, as ``module.qualified_name``.
        args_id: the call key.
        duration: how long the call took, in seconds.
        metadata: the same as ``duration``, and ``time``, when the result was stored.
    """

    def __init__(self, cache: Cache, entry: Entry, mmap_mode: MmapMode) -> None:
        """Refers to an entry of a cache."""
        self.location = str(cache.path)
        self.func_id = entry.function
        self.args_id = entry.key
        self.duration = entry.seconds
        self.metadata = {"duration": entry.seconds, "time": entry.created}
        self.mmap_mode: MmapMode = mmap_mode
        self._cache = cache

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
        found: tuple[R] | None = self._cache.open_store().value(
            self.args_id, as_view=self.mmap_mode == "r"
        )
        if found is None:
            raise KeyError(f"the result of {self.func_id} is not in {self.location} any more")
        return as_asked(found[0], self.mmap_mode)

    def clear(self) -> None:
        """Removes the result."""
        self._cache.open_store().remove(self.args_id)

    def __repr__(self) -> str:
        """Shows the function and the call."""
        where = f'location="{self.location}", func="{self.func_id}", args_id="{self.args_id}"'
        return f"{type(self).__name__}({where})"


class NotMemorizedResult(Generic[R]):
    """Holds a result that is not stored."""

    def __init__(self, value: R) -> None:
        """Takes the result."""
        self._held: list[R] = [value]

    @property
    def valid(self) -> bool:
        """Whether it was not cleared."""
        return bool(self._held)

    def get(self) -> R:
        """Returns the result.

        Raises:
            KeyError: if it was cleared.
        """
        if not self._held:
            raise KeyError("No value stored.")
        return self._held[0]

    def clear(self) -> None:
        """Lets go of the result."""
        self._held.clear()

    def __repr__(self) -> str:
        """Shows the result."""
        held: list[Any] = self._held
        return f"NotMemorizedResult({held[0]!r})" if held else "NotMemorizedResult with no value"
