"""Turns events that a user should hear of into warnings, each once per function and process."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rememo.warnings import (
    ChangedDuringCallWarning,
    NotCachedWarning,
    RememoWarning,
    StoreWarning,
    UnfreezableWarning,
    UnpicklableResultWarning,
    UnseenDependencyWarning,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ["not_stored", "bypassed", "degraded"]
_KINDS: dict[str, type[NotCachedWarning]] = {
    "unpicklable": UnpicklableResultWarning,
    "changed during the call": ChangedDuringCallWarning,
}
_told: set[tuple[str, str]] = set()


def warn(event: Mapping[str, Any]) -> None:
    """Warns of an event of one of the `KINDS`."""
    what = event["event"]
    reason, detail = event.get("reason", what), event.get("detail", "")
    token, message, kind = _notice(what, event["function"], reason, detail)
    if token in _told:
        return
    _told.add(token)
    warnings.warn(message, kind, stacklevel=2)


def _notice(
    what: str, function: str, reason: str, detail: str
) -> tuple[tuple[str, str], str, type[RememoWarning]]:
    """Returns what tells a notice from others, its text and its class."""
    if what == "degraded":
        return (function, detail), f"rememo: {detail}", StoreWarning
    if what == "bypassed":
        message = (
            f"{function} runs without being cached: {detail}. Pass the thing as an argument that "
            "can be fingerprinted, give its class __getfrozenstate__, or leave it out of the "
            "function"
        )
        return (function, what), message, UnfreezableWarning
    message = f"the result of {function} was not stored: {reason}: {detail}"
    if reason == "store failed":
        # Of all functions alike: when the disk is full, once is enough.
        return ("*", reason), message, StoreWarning
    return (function, reason), message, _KINDS.get(reason, NotCachedWarning)


def unseen(function: str, user: str, name: str) -> None:
    """Warns of a function that reaches code or values by text that is computed as it runs."""
    warnings.warn(
        f"{function} is cached, but {user} uses {name.removeprefix('builtins.')}: what it reaches "
        "by computed text is not seen, so a change of it will not be noticed. Reach it by name, "
        "or say version=... and change that with it",
        UnseenDependencyWarning,
        stacklevel=2,
    )
