"""Writes events as JSON lines to the logger ``rememo.ops``, and where ``REMEMO_LOG`` says.

Nothing is written, and `logging` is not imported, unless the program imported it itself or
``REMEMO_LOG`` names a file.
"""

from __future__ import annotations

import os

from rememo.notices import tell
from rememo.warnings import StoreWarning

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LOGGER_NAME = "rememo.ops"
# Of longer text, that much is logged.
LONGEST = 500


def write(event: Mapping[str, Any]) -> None:
    """Logs one event at level INFO. Subscribed so that it is called only while someone listens."""
    import json
    import logging

    line = {name: shortened(value) for name, value in event.items()}
    logging.getLogger(LOGGER_NAME).info("%s", json.dumps(line, default=str))


def shortened(value: object) -> object:
    """Returns text without its middle if it is long, and anything else as it is.

    >>> len(shortened("x" * 10_000))
    500
    """
    if not isinstance(value, str) or len(value) <= LONGEST:
        return value
    left_out = f" ...{len(value) - LONGEST:,} characters... "
    kept = LONGEST - len(left_out)
    return value[: kept - kept // 3] + left_out + value[len(value) - kept // 3 :]


def write_to_file() -> None:
    """Has events written to the file that ``REMEMO_LOG`` names, after what is there."""
    path = os.environ.get("REMEMO_LOG")
    if not path:
        return
    import logging

    try:
        handler = logging.FileHandler(path, encoding="utf-8", delay=False)
    except OSError as error:
        tell(f"ignored REMEMO_LOG: {error}", StoreWarning)
        return
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
