"""Tells where two results of one call differ."""

from __future__ import annotations

import sys
from typing import Any

from rememo.fingerprints import iterate_diffs


def first_difference(stored: object, fresh: object) -> str | None:
    """Says where a result differs from the stored one; nothing if they are as good as the same."""
    stored, fresh = _told(stored), _told(fresh)
    try:
        found = next(iter(iterate_diffs(stored, fresh)), None)
    except TypeError:
        # What has no fingerprint may at least be equal.
        return None if _are_equal(stored, fresh) else "they are not equal, nor pickled alike"
    if found is None:
        return None
    return "result" + str(found).removeprefix("object")


def _told(result: Any) -> object:  # noqa: ANN401
    # A result may be the very argument.
    altered: Any = sys.modules.get("rememo.mutations.altered")
    return result.told() if altered and isinstance(result, altered.Altered) else result


def _are_equal(stored: object, fresh: object) -> bool:
    try:
        return bool(stored == fresh)
    except Exception:  # noqa: BLE001  whatever a comparison may raise
        return False
