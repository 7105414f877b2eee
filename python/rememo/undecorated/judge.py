"""What becomes of a function that nobody has decorated.

It is memoized until something speaks against it; from then on it runs as it is written, for the
rest of the process.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from rememo import _core, notices
from rememo.fingerprints import scan
from rememo.resolvers import DefaultStore, Off
from rememo.undecorated import arguments
from rememo.undecorated.sharing import shared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FunctionType

# So many calls in a row show that a function is too quick.
QUICK_CALLS = 16
# What a hit does again, so that the program is seen to do what it does without a cache.
EFFECTS = ("stdout", "stderr", "logs", "warnings")
# What is not noticed while a function runs, and so is looked for in its code.
_UNNOTICED = ("computed", "environment", "hash seed", "identity")

judges: dict[str, Judge] = {}
"""By the name that functions have in events."""
passed_over: dict[str, str] = {}
"""Functions that are not even tried, and why."""


class Judge:
    """Finds the store of one function, for as long as it is memoized; see `_core.Memoized`."""

    __slots__ = (
        *("_asked", "_function", "_hits_before", "_off", "_quick", "_resolver", "_store"),
        *("name", "runs", "stored", "verdict"),
    )

    def __init__(self, function: FunctionType) -> None:
        """Has nothing against it yet."""
        self.name = identity(function.__module__, function.__qualname__)
        self.verdict = ""
        self.stored = self.runs = 0
        self._function = function
        self._resolver = DefaultStore(function)
        # The one that was last in use.
        self._store: _core.Store | None = None
        self._off = Off(f"{function.__qualname__} is left as it is written")
        self._asked = False
        self._quick = self._hits_before = 0

    def __call__(self) -> _core.Store:
        """Returns the store; one that keeps nothing where the function is left alone."""
        if not self._asked:
            # What it calls is defined by now.
            self._asked = True
            self.verdict = self._unnoticed()
        if self.verdict:
            return self._off()
        self._store = self._resolver()
        return self._store

    # Hits are not listened to: that would make each ten times as slow, those of functions that
    # are decorated too.
    @property
    def hits(self) -> int:
        """How many calls were answered."""
        return self._store.answered(self.name)[0] if self._store else 0

    @property
    def saved(self) -> float:
        """How many seconds those had taken."""
        return self._store.answered(self.name)[1] if self._store else 0.0

    def begin(self) -> Oversight:
        """Oversees a run."""
        return Oversight()

    def hear(self, event: Mapping[str, Any]) -> None:
        """Considers what became of a call."""
        what, reason = event["event"], event.get("reason", "")
        if self.verdict:
            return
        if what == "stored":
            self.stored += 1
            self._quick = 0
        elif what == "not_stored" and reason == "too quick":
            hits = self.hits
            self._quick = self._quick + 1 if hits == self._hits_before else 1
            self._hits_before = hits
            self.runs += 1
            if self._quick == QUICK_CALLS:
                self.verdict = f"too quick: {QUICK_CALLS} calls in a row"
        elif what == "not_stored":
            detail = event.get("detail") or ""
            self.verdict = detail if reason == "impure" else f"{reason}: {detail}".rstrip(": ")
        elif what in {"bypassed", "switched_off"}:
            self.verdict = event["detail"]
        elif what == "verified" and event["difference"] is not None:
            self.verdict = f"not deterministic: {event['difference']}"

    def _unnoticed(self) -> str:
        try:
            found = scan(self._function).impurities
        except (TypeError, ValueError, RecursionError) as error:
            return f"its code cannot be followed: {error}"
        for impurity in found:
            if impurity.kind.startswith(_UNNOTICED):
                return f"{impurity.user} uses {impurity.name}: {impurity.kind}"
        return ""


class Oversight:
    """Looks at one run of a function."""

    __slots__ = ("_looks",)

    def __init__(self) -> None:
        """Begins."""
        self._looks = arguments.looks()

    def objection(
        self,
        function: FunctionType,
        args: tuple[object, ...],
        kwargs: dict[str, object] | None,
        result: object,
    ) -> str | None:
        """Says why the result is not to be kept, if it is not."""
        if self._looks is None or arguments.looks() is None:
            return "runs where sys.argv was replaced, and whether it looks at that is not seen"
        if self._looks != arguments.looks():
            return "looks at the arguments of the command line"
        return shared(function, args, kwargs, result)


def identity(module: str, name: str) -> str:
    """Returns what a function is called in events."""
    return f"{_core.module_name(module)}.{name}"


def adopter(least: str | float) -> functools.partial[_core.Memoized[..., object]]:
    """Returns what memoizes a function of which calls take at least so long."""
    retention = _core.Retention(min_compute_time=least, auto_disable=True)
    return functools.partial(_adopt, retention=retention)


def _adopt(function: FunctionType, retention: _core.Retention) -> _core.Memoized[..., object]:
    judge = Judge(function)
    judges[judge.name] = judge
    notices.leave_to_others(judge.name)
    care = _core.Care(effects=EFFECTS, overseer=judge)
    memoized = _core.Memoized(function, judge, retention=retention, care=care)
    functools.update_wrapper(memoized, function)
    return memoized


def pass_over(module: str, functions: Iterable[tuple[str, str]]) -> None:
    """Notes functions that are left as they are written, and why."""
    for name, why in functions:
        passed_over[identity(module, name)] = why


def _hear(event: Mapping[str, Any]) -> None:
    if judge := judges.get(event["function"]):
        judge.hear(event)


_core.subscribe(_hear, ["stored", "not_stored", "bypassed", "switched_off", "verified"])
