"""Writes events as JSON lines to the logger ``rememo.ops``.

Nothing is written, and `logging` is not imported, unless the program imported it itself.
"""

from __future__ import annotations

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LOGGER_NAME = "rememo.ops"


def write(event: Mapping[str, Any]) -> None:
    """Logs one event at level INFO. Subscribed so that it is called only while someone listens."""
    import json
    import logging

    logging.getLogger(LOGGER_NAME).info("%s", json.dumps(event, default=str))
