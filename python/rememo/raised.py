"""What stands for an exception among results."""

from __future__ import annotations


class Raised:
    """A call that raised an exception, where such are kept."""

    __slots__ = ("exception",)

    def __init__(self, exception: BaseException) -> None:
        """Holds the exception."""
        self.exception = exception

    def __reduce__(self) -> tuple[type[Raised], tuple[BaseException]]:
        """Pickles the exception, as far as that pickles: its traceback does not."""
        return Raised, (self.exception,)
