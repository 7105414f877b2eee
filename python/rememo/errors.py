"""The errors that Rememo raises, where it is asked to."""

from __future__ import annotations


class RememoError(Exception):
    """The base of the errors that Rememo raises.

    >>> from rememo import ImpureCallError, RememoError
    >>> issubclass(ImpureCallError, RememoError)
    True
    """


class ImpureCallError(RememoError):
    """A call of a strict function did something that a stored result would leave out.

    The call was made, and what it did is done; its result is not kept.

    >>> import time, warnings
    >>> from rememo import Cache, ImpureCallError
    >>> cache = Cache(temporary=True)
    >>> @cache.memoize(strict=True)
    ... def now():
    ...     return time.time()
    >>> with warnings.catch_warnings(action="ignore"):
    ...     try:
    ...         now()
    ...     except ImpureCallError:
    ...         print("it looks at the clock")
    it looks at the clock
    >>> cache.close()
    """
