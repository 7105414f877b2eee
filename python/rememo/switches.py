"""Switching memoization off."""

from __future__ import annotations

from rememo import _core


class disabled:  # noqa: N801  used like a function; `contextlib` is slow to import
    """Switches memoization off meanwhile, in the whole process and all its threads.

    >>> import rememo
    >>> with rememo.Cache(temporary=True) as cache:
    ...     @cache.memoize
    ...     def double(x):
    ...         return 2 * x
    ...     with rememo.disabled():
    ...         double(4), double.would_hit(4)
    ...     double.cache_info().misses
    (8, False)
    0
    """

    __slots__ = ()

    def __enter__(self) -> None:
        """Switches it off."""
        _now.append(self)
        _core.switch_off()

    def __exit__(self, *_error: object) -> None:
        """Switches it on again, if nobody else has switched it off."""
        _core.switch_on_again()
        _now.pop()


# One for each time that it was switched off, and not on again.
_now: list[disabled] = []


def are_off() -> bool:
    """Says whether memoization is switched off by `disabled`."""
    return bool(_now)
