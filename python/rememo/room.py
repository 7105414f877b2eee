"""How much room results may take, as the environment says it."""

from __future__ import annotations

import os

from rememo import _core
from rememo.notices import tell
from rememo.warnings import StoreWarning

# What was made of the setting: nonsense is warned of once, not for each function.
_known: dict[str, _core.Room] = {}


def room_from_environment() -> _core.Room:
    """Returns what ``REMEMO_MAX_SIZE`` asks for; nonsense is warned of once, and ignored."""
    size = os.environ.get("REMEMO_MAX_SIZE") or ""
    known = _known.get(size)
    if known is not None:
        return known
    try:
        room = _core.Room(max_size=size or None)
    except ValueError as error:
        room = _core.Room()
        tell(f"ignored REMEMO_MAX_SIZE: {error}", StoreWarning)
    return _known.setdefault(size, room)
