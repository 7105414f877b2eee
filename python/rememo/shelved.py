"""Handles of results: small, and good in other processes."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rememo._core import Memoized
    from rememo.cache import Cache
    from rememo.info import Entry

R = TypeVar("R")


class Shelved(Generic[R]):
    """Refers to a stored result, which it does not hold.

    Attributes:
        function: the function, as ``module.qualified_name``.
        key: the call key.
        seconds: how long the call took.

    >>> from rememo import Cache
    >>> cache = Cache(temporary=True)
    >>> @cache.memoize
    ... def double(x):
    ...     return 2 * x
    >>> handle = double.call_and_shelve(4)
    >>> handle.get()
    8
    >>> handle.clear()
    >>> double.would_hit(4)
    False
    >>> cache.close()
    """

    def __init__(self, cache: Cache, entry: Entry) -> None:
        """Refers to an entry of a cache."""
        self.function = entry.function
        self.key = entry.key
        self.seconds = entry.seconds
        self._cache = cache

    def get(self) -> R:
        """Reads the result.

        Raises:
            KeyError: if it is not there any more, or names what is not there any more.
            OSError: if the directory cannot be used.
        """
        return self._read(as_view=False)

    def _read(self, *, as_view: bool) -> R:
        found: tuple[R] | None = self._cache.open_store().value(self.key, as_view=as_view)
        if found is None:
            raise KeyError(f"the result of {self.function} is not in {self._cache.path} any more")
        return found[0]

    def clear(self) -> None:
        """Removes the result."""
        self._cache.open_store().remove(self.key)

    def __repr__(self) -> str:
        """Shows the function and the call."""
        return f"<result of {self.function} under {self.key[:12]} in {self._cache.path}>"


class Held(Generic[R]):
    """Holds a result that is not stored.

    >>> import rememo
    >>> cache = rememo.Cache(temporary=True)
    >>> double = cache.memoize(lambda x: 2 * x)
    >>> with rememo.disabled():
    ...     handle = double.call_and_shelve(4)
    >>> type(handle).__name__, handle.get()
    ('Held', 8)
    >>> cache.close()
    """

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
            raise KeyError("the result was cleared, and is not stored")
        return self._held[0]

    def clear(self) -> None:
        """Lets go of the result."""
        self._held.clear()

    def __repr__(self) -> str:
        """Shows the result."""
        held: list[Any] = self._held
        name = type(self).__name__
        return f"{name}({held[0]!r})" if held else f"{name} with no value"


def call_and_shelve(
    memoized: Memoized[..., R], args: tuple[object, ...], kwargs: Mapping[str, object] | None
) -> Shelved[R] | Held[R]:
    """Makes a call, and returns a handle of its result.

    Raises:
        TypeError: if the function returns its result later.
    """
    from rememo.cache import Cache
    from rememo.fronts import front_of
    from rememo.memoize import MUTATIONS

    named = dict(kwargs or {})
    if front_of(cast("Any", memoized.__wrapped__)):
        raise TypeError(
            f"{memoized.__qualname__} returns its result later, and call_and_shelve is for "
            "functions that return it at once: call it"
        )
    result = memoized(*args, **named)
    if not MUTATIONS.isdisjoint(memoized.care.effects):
        # What is stored may be the very argument.
        return Held(result)
    entry = memoized.entry(*args, **named)
    if entry is None:
        return Held(result)
    resolver = memoized.resolver
    if isinstance(resolver, MethodType):
        return Shelved(cast("Cache", resolver.__self__), entry)
    return Shelved(Cache(resolver().path), entry)
