"""Turns events that a user should hear of into warnings, each once per function and process."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rememo.warnings import (
    ChangedDuringCallWarning,
    NotCachedWarning,
    StoreWarning,
    UnfreezableWarning,
    UnpicklableResultWarning,
    UnseenDependencyWarning,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: dict[str, type[NotCachedWarning]] = {
    "unpicklable": UnpicklableResultWarning,
    "changed during the call": ChangedDuringCallWarning,
}
_told: set[tuple[str, str]] = set()


def warn(event: Mapping[str, Any]) -> None:
    """Warns of an event that kept a result from being stored."""
    what = event["event"]
    if what not in {"not_stored", "bypassed", "degraded"}:
        return
    function, reason = event["function"], event.get("reason", what)
    detail = event.get("detail", "")
    token = (function, reason if what != "degraded" else detail)
    if token in _told:
        return
    _told.add(token)
    if what == "degraded":
        warnings.warn(f"rememo: {detail}", StoreWarning, stacklevel=2)
    elif what == "bypassed":
        warnings.warn(
            f"{function} runs without being cached: {detail}. Pass the thing as an argument that "
            "can be fingerprinted, give its class __getfrozenstate__, or leave it out of the "
            "function",
            UnfreezableWarning,
            stacklevel=2,
        )
    else:
        kind = _KINDS.get(reason, NotCachedWarning)
        warnings.warn(
            f"the result of {function} was not stored: {reason}: {detail}", kind, stacklevel=2
        )


def unseen(function: str, user: str, name: str) -> None:
    """Warns of a function that reaches code or values by text that is computed as it runs."""
    warnings.warn(
        f"{function} is cached, but {user} uses {name.removeprefix('builtins.')}: what it reaches "
        "by computed text is not seen, so a change of it will not be noticed. Reach it by name, "
        "or say version=... and change that with it",
        UnseenDependencyWarning,
        stacklevel=2,
    )
