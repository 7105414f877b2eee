"""The errors that Rememo raises, where it is asked to."""

from __future__ import annotations


class RememoError(Exception):
    """The base of the errors that Rememo raises."""


class ImpureCallError(RememoError):
    """A call of a strict function did something that a stored result would leave out.

    The call was made, and what it did is done; its result is not kept.
    """
