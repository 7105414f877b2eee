"""What one may ask of how results are stored: the options of a cache, or the environment's."""

from __future__ import annotations

import os

from rememo.notices import tell
from rememo.warnings import StoreWarning

DURABILITIES = ("background", "fsync", "fast")
# Seconds; more is not told from never.
LONGEST = 1e9


def check_durability(durability: object) -> None:
    """Accepts one of `DURABILITIES`, or None.

    Raises:
        ValueError: for anything else.
    """
    if durability is not None and durability not in DURABILITIES:
        names = ", ".join(repr(name) for name in DURABILITIES)
        raise ValueError(f"durability must be one of {names}, not {durability!r}")


def check_flush_every(seconds: object) -> None:
    """Accepts a number of seconds from 0 on, or None.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is negative or endless.
    """
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"flush_every must be a number of seconds, not {seconds!r}")
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"flush_every must be from 0 to {LONGEST:.0f} seconds, not {seconds!r}")


def durability_from_environment() -> str | None:
    """Returns what REMEMO_DURABILITY says, or None; warns of what it cannot mean."""
    named = os.environ.get("REMEMO_DURABILITY") or None
    try:
        check_durability(named)
    except ValueError as error:
        _ignore("REMEMO_DURABILITY", error)
        return None
    return named


def flush_every_from_environment() -> float | None:
    """Returns what REMEMO_FLUSH_EVERY says, or None; warns of what it cannot mean."""
    text = os.environ.get("REMEMO_FLUSH_EVERY")
    if not text:
        return None
    try:
        seconds = float(text)
        check_flush_every(seconds)
    except ValueError as error:
        _ignore("REMEMO_FLUSH_EVERY", error)
        return None
    return seconds


def _ignore(variable: str, error: ValueError) -> None:
    tell(f"ignored {variable}: {error}", StoreWarning)
