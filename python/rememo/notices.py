"""Turns events that a user should hear of into warnings, each once per function and process."""

from __future__ import annotations

import os
import sys
import warnings

from rememo.warnings import (
    CacheThrashingWarning,
    ChangedDuringCallWarning,
    ChildProcessWarning,
    ClockWarning,
    DeviceWarning,
    DroppedOutputWarning,
    FigureEffectWarning,
    FileEffectWarning,
    ImpurityWarning,
    NetworkWarning,
    NondeterminismWarning,
    NotCachedWarning,
    OverheadWarning,
    ProcessEffectWarning,
    RandomnessWarning,
    RememoWarning,
    ResultTooLargeWarning,
    StoreWarning,
    TerminalWarning,
    UnfreezableWarning,
    UnpicklableResultWarning,
    UnseenDependencyWarning,
    UnwatchedWarning,
)

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

KINDS = ["not_stored", "bypassed", "degraded", "verified", "switched_off", "thrashing", "caution"]
# Why a result was not stored, where that is just what its user said.
AS_ASKED = ["too quick", "read only"]
_PACKAGE = os.path.dirname(__file__) + os.sep  # noqa: PTH120  pathlib has no prefix of a string
_STATE_OF_CLASS = (
    "or say what counts of its class with a method __getfrozenstate__ or with rememo.register"
)
_INSTEAD_OF_ARGUMENT = (
    "Pass plain data in its place, wrap it in rememo.Ignore if it does not count, "
    f"{_STATE_OF_CLASS}"
)
_INSTEAD_OF_DEPENDENCY = (
    "Pass what is needed of it as an argument, mark the function that uses it with "
    f"rememo.code_version, {_STATE_OF_CLASS}"
)
# What is objected to, by kind: the warning, and what to do.
_IMPURITIES: dict[str, tuple[type[ImpurityWarning], str]] = {
    "clock": (
        ClockWarning,
        'Pass the time as an argument, or say allow=["clock"] if it does not show in the result',
    ),
    "network": (
        NetworkWarning,
        (
            'Get the data in a function that is not memoized, or say allow=["network"] if what is '
            "there does not change"
        ),
    ),
    "random": (
        RandomnessWarning,
        'Draw from a generator with a seed, or say allow=["random"] if any draw will do',
    ),
    "terminal": (TerminalWarning, "Read it before, and pass it as an argument"),
    "files": (
        FileEffectWarning,
        'Say effects=["files"] to have a hit write them, or write them where nothing is memoized',
    ),
    "figures": (
        FigureEffectWarning,
        (
            "Memoize it with rememo.drawing, which draws the same again; or make a figure, and "
            "return it"
        ),
    ),
    "environment": (ProcessEffectWarning, "Put back what it was before returning"),
    "process": (
        ProcessEffectWarning,
        "Do that in a function that is not memoized, or go back before returning",
    ),
    "device": (DeviceWarning, "Pass what is read as an argument"),
    "processes": (
        ChildProcessWarning,
        'Start it in a function that is not memoized, or say allow=["processes"] to cache it',
    ),
    "threads": (UnwatchedWarning, "Use threading.Thread or concurrent.futures"),
    "kept": (
        UnwatchedWarning,
        (
            "Memoize that function too, have it return what cannot be changed, or call its "
            'cache_clear() first; or say allow=["kept"] if it does not matter'
        ),
    ),
    "unseen": (UnwatchedWarning, 'Say watch="off" to cache it all the same'),
}
_told: dict[tuple[str, str], object] = {}
# Functions of which others tell.
_of_others: set[str] = set()


def warn(event: Mapping[str, Any]) -> None:
    """Warns of an event of one of the `KINDS`."""
    what = event["event"]
    reason, detail = event.get("reason", what), event.get("detail", "")
    if reason in AS_ASKED or (what == "verified" and event["difference"] is None):
        return
    function = event["function"]
    if function in _of_others:
        return
    if reason == "impure":
        for name, done in event["impurities"]:
            of_kind, advice = _IMPURITIES[name]
            message = f"the result of {function} was not stored, for the call {done}. {advice}"
            _tell_once((function, name), message, of_kind)
        return
    if what == "caution":
        about, text, kind = _CAUTIONS[event["kind"]]
        _tell_once((function, about), text.format(**event), kind)
        return
    if what in _OF_FUNCTIONS:
        text, kind = _OF_FUNCTIONS[what]
        _tell_once((function, what), text.format(**{"detail": "", **event}), kind)
        return
    token, message, kind = _notice(what, function, reason, detail)
    if what == "degraded" or reason == "store failed":
        # One trouble with the store shows in what is read and in what is written alike.
        _tell_once(token, message, kind, ("*", detail))
    else:
        _tell_once(token, message, kind)


def _tell_once(
    token: tuple[str, str], message: str, kind: type[RememoWarning], *others: tuple[str, str]
) -> None:
    mine = object()
    # In one step, so that of several threads just one warns.
    told = [_told.setdefault(one, mine) is mine for one in (token, *others)]
    if all(told):
        tell(message, kind)


def leave_to_others(function: str) -> None:
    """Warns of a function no more: its user did not ask for it to be memoized."""
    _of_others.add(function)


def forget() -> None:
    """Warns anew of what was warned of before."""
    _told.clear()


def unseen(function: str, user: str, name: str) -> None:
    """Warns of a function that takes what it uses from a table, or from a frame."""
    tell(
        f"{function} is cached, but {user} uses {name}: what it takes from there is not seen, so a "
        "change of it will not be noticed. Reach it by name, or say version=... and change that "
        "with it",
        UnseenDependencyWarning,
    )


def tell(message: str, kind: type[RememoWarning]) -> None:
    """Warns at the line of the user's program that led here, not at one of this package."""
    # What `inspect.currentframe` does; but `inspect` is slow to import.
    frame = sys._getframe()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    level = 1
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, kind, stacklevel=level)


def _notice(
    what: str, function: str, reason: str, detail: str
) -> tuple[tuple[str, str], str, type[RememoWarning]]:
    """Returns what tells a notice from others, its text and its class."""
    if what == "degraded":
        return (function, detail), f"rememo: {detail}", StoreWarning
    if what == "bypassed":
        of_argument = detail.startswith("argument ")
        advice = _INSTEAD_OF_ARGUMENT if of_argument else _INSTEAD_OF_DEPENDENCY
        message = f"{function} runs without being cached: {detail}. {advice}"
        return (function, what), message, UnfreezableWarning
    lost = f"the result of {function} was not stored"
    if reason == "store failed":
        # Of all functions alike: when the disk is full, once is enough.
        return ("*", reason), f"{lost}: {reason}: {detail}", StoreWarning
    message, kind = _LOST.get(reason, (f": {reason}: {{detail}}", NotCachedWarning))
    return (function, reason), lost + message.format(detail=detail), kind


_OF_FUNCTIONS: dict[str, tuple[str, type[RememoWarning]]] = {
    "verified": (
        (
            "{function} is not deterministic: called again, it returned something else than what "
            "was stored ({difference}). Pass what it depends on as an argument, a seed for instance"
        ),
        NondeterminismWarning,
    ),
    "switched_off": (
        (
            "{function} runs without being cached from now on, for it is not worth while: "
            "{detail}. Memoize what calls it, or leave out auto_disable"
        ),
        OverheadWarning,
    ),
    "thrashing": (
        (
            "the cache is too small: {times} results of {function} were let go of and made again. "
            "Raise max_size=, or give max_result_size= or min_compute_time= to what matters less"
        ),
        CacheThrashingWarning,
    ),
}
_PRINTS = (
    '{function} {detail}, and a hit will not do that again. Say effects=["{kind}"] to have it '
    'done, allow=["output"] if it does not matter, or print where nothing is memoized'
)
# What results are kept for all the same, by kind: what it is about, what is said, the warning.
_CAUTIONS: dict[str, tuple[str, str, type[RememoWarning]]] = {
    "stdout": ("output", _PRINTS, DroppedOutputWarning),
    "stderr": ("output", _PRINTS, DroppedOutputWarning),
    "unread": (
        "unread",
        (
            "{function} is cached and was given the path {detail}, which nothing was seen to "
            "read: if a library reads it by itself, a change of the file will not be noticed. "
            "Pass rememo.FileContents(path), or say depends_on=[File(...)] or track(path); if "
            'it is not read, say allow=["unread"]'
        ),
        UnseenDependencyWarning,
    ),
}
_LOST: dict[str, tuple[str, type[RememoWarning]]] = {
    "unpicklable": (": {detail}. Return plain data instead", UnpicklableResultWarning),
    "too large": (
        ": {detail}. Return less, or raise max_size= or max_result_size=",
        ResultTooLargeWarning,
    ),
    "changed during the call": (
        (
            ", for this changed during the call: {detail}. Change a copy instead, or say "
            'effects=["arguments", "globals"] to have hits change it, too'
        ),
        ChangedDuringCallWarning,
    ),
    "read while it changed": (
        ", for this changed while it was used: {detail}",
        ChangedDuringCallWarning,
    ),
}
