"""Writes events as JSON lines to the logger ``rememo.ops``.

Nothing is written, and `logging` is not imported, unless the program imported it itself.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGGER_NAME = "rememo.ops"


def write(event: Mapping[str, Any]) -> None:
    """Logs one event at level INFO, if anyone listens."""
    logging = sys.modules.get("logging")
    # A module is in sys.modules while it is still being imported.
    if logging is None or not hasattr(logging, "getLogger"):
        return
    logger = logging.getLogger(LOGGER_NAME)
    if logger.isEnabledFor(logging.INFO):
        import json

        logger.info("%s", json.dumps(event, default=str))
